import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import type { Source } from '../generation/pipeline.ts'
import { toComment } from '../openai/server-sent-events.ts'

/** Silence after which a comment is sent: proxies and clients in between give up on a quiet connection. */
export const KEEP_ALIVE_MS = 15_000

const KEEP_ALIVE = toComment('keep-alive')

/**
 * Sends a stream of events with the headers the reply bears, one write for each piece. Holds the source back for a slow
 * reader, and has had enough when the client has left; is never silent for longer than `keepAliveMs`.
 * Resolves when the source has ended.
 */
export async function sendEvents (reply: FastifyReply, pieces: Source<string | Buffer>, keepAliveMs: number = KEEP_ALIVE_MS): Promise<void> {
  const { raw } = reply
  reply.hijack()
  raw.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders)
  // The source may have been silent until now, and then the client has not even a status.
  let isQuiet = true
  const timer = setInterval(() => {
    if (isQuiet && !raw.writableNeedDrain) raw.write(KEEP_ALIVE)
    isQuiet = !isQuiet
  }, keepAliveMs / 2)
  try {
    await pieces(piece => {
      if (raw.destroyed) return 'enough'
      isQuiet = false
      return raw.write(piece) ? undefined : drained(raw)
    })
    raw.end()
  } catch (error) {
    // Whoever reads must not wait for the rest, nor take what came for the whole.
    raw.destroy()
    throw error
  } finally {
    clearInterval(timer)
  }
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
