import type { IncomingMessage } from 'node:http'
import type { Transform } from 'node:stream'
import { errorCodes, type FastifyRequest } from 'fastify'
import { InvalidRequestError } from '../errors.ts'
import { ClientGoneError } from './client-gone.ts'
import { toDecoder } from './content-coding.ts'
import { hangUpGently } from './unread-body.ts'

type Read = (error: Error | null, bytes: Buffer) => void

const NOTHING = Buffer.alloc(0)

/**
 * Reads the body of a request, and decodes it. Neither what comes nor what is made of it may be larger than the limit of
 * its route. Of a body that is refused the rest is thrown away.
 * Fails with Fastify's error for one that is too large, 415 for a coding nobody knows, 400 for one that is not what it
 * says, and ClientGoneError.
 */
export function readBody (request: FastifyRequest, body: IncomingMessage, done: Read): void {
  const { headers, routeOptions: { bodyLimit } } = request
  const refuse = (error: Error): void => {
    hangUpGently(request.raw.socket)
    body.resume()
    done(error, NOTHING)
  }
  if (Number(headers['content-length']) > bodyLimit) return refuse(tooLarge())
  let decoder: Transform | undefined
  try {
    decoder = toDecoder(headers['content-encoding'])
  } catch (error) {
    return refuse(error as Error)
  }
  const pieces: Buffer[] = []
  let decodedLength = 0
  let encodedLength = 0
  const source = decoder ? body.pipe(decoder) : body
  source.on('data', take).on('end', end)
  body.on('error', failToArrive)
  if (decoder) {
    body.on('data', count)
    decoder.on('error', failToDecode)
  }

  function take (piece: Buffer): void {
    decodedLength += piece.length
    if (decodedLength > bodyLimit) return fail(tooLarge())
    pieces.push(piece)
  }
  function count (piece: Buffer): void {
    encodedLength += piece.length
    if (encodedLength > bodyLimit) fail(tooLarge())
  }
  function end (): void {
    leave()
    // A copy, for the pieces lie in memory the connection reads into.
    done(null, Buffer.concat(pieces, decodedLength))
  }
  // Node has the connection end a body that is not whole with an error.
  function failToArrive (): void {
    fail(new ClientGoneError())
  }
  function failToDecode (): void {
    fail(new InvalidRequestError(`The request body could not be decoded: it is not whole, or not in the content-encoding '${headers['content-encoding']}'.`))
  }
  function fail (error: Error): void {
    leave()
    if (decoder) body.unpipe(decoder)
    decoder?.destroy()
    refuse(error)
  }
  function leave (): void {
    source.off('data', take).off('end', end)
    body.off('data', count).off('error', failToArrive)
    // One that is destroyed may complain once more.
    decoder?.off('error', failToDecode).on('error', ignore)
  }
}

function ignore (): void {}

function tooLarge (): Error {
  return new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
}
