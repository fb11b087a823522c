import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import { InvalidRequestError, type ProxyError } from '../../errors.ts'

const NOTHING = Buffer.alloc(0)

type ToErrorBody = (error: ProxyError, bytes: Buffer) => object

/**
 * Answers what is no readable HTTP request, in the same shape as any other failure, and hangs up. Only Node's code for
 * it is logged: its error holds the bytes as they came, keys and prompts included.
 *
 * It may follow a request whose response is being written. Then nothing is sent, because it would be read as a part
 * of that answer.
 * @param toErrorBody writes the failure as the body of an API's errors; is given the bytes as far as they are known
 */
export function clientErrorHandler (logger: FastifyBaseLogger, toErrorBody: ToErrorBody) {
  return (error: Error & { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return
    logger.debug({ code: error.code }, 'unreadable request')
    const toBody = (failure: ProxyError) => toErrorBody(failure, bytesOf(error))
    if (socket.writable && !isAnswering(socket)) socket.write(toAnswer(toClientError(error.code), toBody))
    socket.destroySoon()
  }
}

/** What could not be read, or the rest of it; nothing where nothing came. Node's types call it otherwise. */
function bytesOf (error: Error): Buffer {
  const { rawPacket } = error as { rawPacket?: unknown }
  return Buffer.isBuffer(rawPacket) ? rawPacket : NOTHING
}

/** Node keeps the answer whose turn it is at its socket; its own default for such errors looks there, too. */
function isAnswering (socket: Socket & { _httpMessage?: ServerResponse | null }): boolean {
  return socket._httpMessage?.headersSent === true
}

function toClientError (code: string | undefined): InvalidRequestError {
  switch (code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT': return new InvalidRequestError('The request took too long to arrive.', { status: 408 })
    case 'HPE_HEADER_OVERFLOW': return new InvalidRequestError('The headers of the request are too large.', { status: 431 })
    default: return new InvalidRequestError('The request could not be read.')
  }
}

function toAnswer (error: InvalidRequestError, toErrorBody: (error: ProxyError) => object): string {
  const body = JSON.stringify(toErrorBody(error))
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    '',
    body
  ].join('\r\n')
}
