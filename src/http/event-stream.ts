import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'
import { toComment } from '../openai/server-sent-events.ts'

/** Silence after which a comment is sent: proxies and clients in between give up on a quiet connection. */
export const KEEP_ALIVE_MS = 15_000

const KEEP_ALIVE = toComment('keep-alive')

/**
 * Sends a stream of events with the headers the reply bears, one write for each piece. Waits for a slow reader, so that
 * the source is not read faster than its client; says something every `keepAliveMs` while the source is silent.
 * Resolves when the stream has ended or its client has left; the source is closed either way.
 */
export async function sendEvents (reply: FastifyReply, pieces: AsyncIterable<string>, keepAliveMs: number = KEEP_ALIVE_MS): Promise<void> {
  const { raw } = reply
  reply.hijack()
  raw.writeHead(reply.statusCode, reply.getHeaders() as OutgoingHttpHeaders)
  let isQuiet = false
  const timer = setInterval(() => {
    if (isQuiet && !raw.writableNeedDrain) raw.write(KEEP_ALIVE)
    isQuiet = true
  }, keepAliveMs)
  try {
    for await (const piece of pieces) {
      if (raw.destroyed) return
      isQuiet = false
      if (!raw.write(piece)) await drained(raw)
    }
    raw.end()
  } catch (error) {
    // Whoever reads must not wait for the rest, nor take what came for the whole.
    raw.destroy()
    throw error
  } finally {
    clearInterval(timer)
  }
}

function drained (raw: ServerResponse): Promise<void> {
  if (raw.destroyed) return Promise.resolve()
  return new Promise(resolve => {
    const settle = () => {
      raw.off('drain', settle)
      raw.off('close', settle)
      resolve()
    }
    raw.on('drain', settle)
    raw.on('close', settle)
  })
}
