import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger } from 'fastify'
import { InvalidRequestError, type ProxyError } from '../../errors.ts'

const NOTHING = Buffer.alloc(0)

type ToErrorBody = (error: ProxyError, bytes: Buffer) => object

/**
 * Answers bytes that are not a valid HTTP request in the form of any other failure, and closes the connection. Only Node's code
 * is logged, because the error contains the received bytes, including keys and prompts.
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

/** The unparsed bytes, or the rest of them; undefined if there are none. Missing in Node's types. */
function bytesOf (error: Error): Buffer {
  const { rawPacket } = error as { rawPacket?: unknown }
  return Buffer.isBuffer(rawPacket) ? rawPacket : NOTHING
}

/** Node keeps the current response at its socket; Node's own default handler of such errors reads it too. */
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
