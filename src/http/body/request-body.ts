import type { IncomingMessage } from 'node:http'
import { errorCodes, type FastifyRequest } from 'fastify'
import { InvalidRequestError, quoted } from '../../errors.ts'
import { ClientDisconnectedError } from '../../generation/client-disconnected.ts'
import { toDecoder, type Decoder } from './content-coding.ts'
import { lingeringClose } from '../connections/lingering-close.ts'

type Read = (error: Error | null, bytes: Buffer) => void

const NOTHING = Buffer.alloc(0)

/** In bytes. */
const LARGE = 1_048_576

/** Below so many bytes nobody keeps a body once it is parsed. */
const SHORT = 4_096

/**
 * Reads and decodes the body of a request. Neither the received nor the decoded bytes may exceed the limit, and both need room
 * in the memory for bodies. The rest of a refused body is discarded.
 * Fails with Fastify's error for a body that is too large, 415 for an unknown coding, 400 for a body that does not match its
 * coding, and ClientDisconnectedError.
 * @param bodyLimit in bytes
 */
export function readBody (request: FastifyRequest, body: IncomingMessage, bodyLimit: number, done: Read): void {
  const { headers, heldMemory } = request
  const refuse = (error: Error): void => {
    lingeringClose(request.raw.socket)
    body.resume()
    heldMemory?.release()
    done(error, NOTHING)
  }
  if (Number(headers['content-length']) > bodyLimit) return refuse(tooLarge())
  let decoder: Decoder | undefined
  try {
    heldMemory?.expect(Number(headers['content-length'] ?? 0))
    decoder = toDecoder(headers['content-encoding'])
  } catch (error) {
    return refuse(error as Error)
  }
  const declaredLength = decoder ? 0 : Number(headers['content-length'] ?? 0)
  // Otherwise the pieces of a large body would be in memory twice. Memory that was never written costs nothing.
  const whole = declaredLength > LARGE ? Buffer.allocUnsafeSlow(declaredLength) : undefined
  const pieces: Buffer[] = []
  let decodedLength = 0
  let encodedLength = 0
  let isWhole = false
  let giveBack = (): void => {}
  // It counts each piece before the decoder gets it.
  if (decoder) body.on('data', count)
  const source = decoder ? body.pipe(decoder.stream) : body
  source.on('data', take).on('end', end)
  body.on('error', failToArrive)
  decoder?.stream.on('error', failToDecode)

  function take (piece: Buffer): void {
    decodedLength += piece.length
    if (decodedLength > bodyLimit) return fail(tooLarge())
    try {
      heldMemory?.grow(piece.length)
    } catch (error) {
      return fail(error as Error)
    }
    if (whole) piece.copy(whole, decodedLength - piece.length)
    else pieces.push(piece)
  }
  function count (piece: Buffer): void {
    const isFirst = encodedLength === 0
    encodedLength += piece.length
    if (encodedLength > bodyLimit) return fail(tooLarge())
    if (!isFirst || decoder === undefined || heldMemory === undefined) return
    try {
      giveBack = heldMemory.borrow(decoder.memoryFor(piece))
    } catch (error) {
      fail(error as Error)
    }
  }
  function end (): void {
    isWhole = true
    giveBack()
    // A copy of what may be kept, because the pieces are slices of the connection's read buffers.
    const [first] = pieces
    done(null, first?.length === decodedLength && decodedLength < SHORT ? first : whole ?? Buffer.concat(pieces, decodedLength))
  }
  // Node emits an error if the connection ends before the body is complete.
  function failToArrive (): void {
    fail(new ClientDisconnectedError())
  }
  function failToDecode (): void {
    fail(new InvalidRequestError(`The request body could not be decoded: it is not whole, or not in the content-encoding '${quoted(String(headers['content-encoding']))}'.`))
  }
  function fail (error: Error): void {
    if (isWhole) return
    leave()
    if (decoder) body.unpipe(decoder.stream)
    decoder?.stream.destroy()
    refuse(error)
  }
  function leave (): void {
    source.off('data', take).off('end', end)
    body.off('error', failToArrive)
    if (decoder === undefined) return
    body.off('data', count)
    // A destroyed stream may emit another error.
    decoder.stream.off('error', failToDecode).on('error', ignore)
  }
}

function ignore (): void {}

function tooLarge (): Error {
  return new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE()
}
