import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { Source, Write } from '../../generation/pipeline.ts'
import { toComment } from './server-sent-events.ts'

/** Silence after which a comment is sent to a client that reads: proxies and clients close silent connections. */
export const KEEP_ALIVE_MS = 15_000

const KEEP_ALIVE = toComment('keep-alive')

/**
 * Sends a stream of events with the headers of the reply, one write for each piece. Holds the source back for a slow client,
 * and cancels it when the client disconnects. It is never silent for longer than `keepAliveMs`. Pieces are copied, so the source
 * may reuse their memory.
 * Resolves when the source has ended.
 * @param keepAlive what is sent in silence: a comment, unless an API has an event for it
 */
export function sendEvents (
  reply: FastifyReply,
  pieces: Source<string | Buffer>,
  keepAliveMs: number = KEEP_ALIVE_MS,
  keepAlive: string = KEEP_ALIVE
): Promise<void> {
  const { raw } = reply
  reply.hijack()
  // They are not read any more, and a long conversation should not stay in memory while its answer is written.
  reply.request.body = undefined
  reply.request.raw.rawHeaders = []
  raw.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders)
  const isChunked = raw.chunkedEncoding
  // Node would write the framing of an HTTP chunk as three pieces, a tick later: a tenth of the cost of a paced stream.
  raw.chunkedEncoding = false
  // The source may have been silent until now; then the client has not received a status yet.
  let isQuiet = true
  const timer = setInterval(() => {
    if (isQuiet && raw.writableLength === 0) write(raw, keepAlive, isChunked)
    isQuiet = !isQuiet
  }, keepAliveMs / 2)
  const send: Write<string | Buffer> = piece => {
    if (raw.destroyed) return 'cancel'
    isQuiet = false
    return write(raw, piece, isChunked) ? undefined : drained(raw)
  }
  reply.request.nativeFrames?.connect(send)
  return pieces(send).then(() => {
    clearInterval(timer)
    raw.end(isChunked ? LAST_HTTP_CHUNK : '')
  }, (error: unknown) => {
    clearInterval(timer)
    // The client must not wait for the rest, or take a part for the whole.
    raw.destroy()
    throw error
  })
}

const LAST_HTTP_CHUNK = '0\r\n\r\n'
const CR_LF = 0x0d0a

/** Writes a piece; false if the client reads too slowly. */
function write (raw: ServerResponse, piece: string | Buffer, isChunked: boolean): boolean {
  return raw.write(isChunked ? toHttpChunk(piece) : Buffer.from(piece))
}

/** An HTTP chunk by RFC 9112 (7.1): length in hexadecimal, line end, piece, line end. */
function toHttpChunk (piece: string | Buffer): Buffer {
  const length = Buffer.byteLength(piece)
  const head = `${length.toString(16)}\r\n`
  const bytes = Buffer.allocUnsafe(head.length + length + 2)
  for (let index = 0; index < head.length; index++) bytes[index] = head.charCodeAt(index)
  if (typeof piece === 'string') bytes.write(piece, head.length)
  else bytes.set(piece, head.length)
  bytes.writeUInt16BE(CR_LF, head.length + length)
  return bytes
}

function drained (raw: ServerResponse): Promise<undefined> {
  if (raw.destroyed) return Promise.resolve(undefined)
  return new Promise(resolve => {
    const settle = () => {
      raw.off('drain', settle)
      raw.off('close', settle)
      resolve(undefined)
    }
    raw.on('drain', settle)
    raw.on('close', settle)
  })
}
