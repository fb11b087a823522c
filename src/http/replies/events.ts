import type { FastifyInstance } from 'fastify'
import { ProxyError } from '../../errors.ts'
import type { EventFeed } from '../../telemetry/events/event-feed.ts'
import { sendEvents } from './event-stream.ts'
import { EVENT_STREAM_HEADERS, toComment } from './server-sent-events.ts'

/**
 * `GET /events`: a server-sent event for each request as it ends, the latest ones first. Who may see everybody's figures is told of
 * everybody's requests, the holder of a key of its own. It ends when the server stops.
 * @param feed undefined where nobody may see anything
 */
export function eventsRoute (app: FastifyInstance, feed: EventFeed | undefined, keepAliveMs: number): void {
  const config = { figuresOf: 'own', isScrape: true, isEndless: true } as const
  app.get('/events', { config, exposeHeadRoute: false }, async (request, reply) => {
    const listener = request.viewer && feed?.listen(request.viewer)
    if (listener === undefined || feed === undefined) throw tooMany()
    reply.raw.once('close', () => feed.leave(listener))
    if (reply.raw.destroyed) feed.leave(listener)
    // What ends it is the end of the server, which would wait for the connection.
    reply.headers({ ...EVENT_STREAM_HEADERS, connection: 'close' })
    await sendEvents(reply, write => {
      // A client hears that it listens before anything ends.
      void write(toComment('listening'))
      return listener.queue.source(write)
    }, keepAliveMs)
  })
  app.addHook('preClose', done => {
    feed?.close()
    done()
  })
}

function tooMany (): ProxyError {
  return new ProxyError('Too many clients listen to this server, or with this key. Close another page of it, and try again.', {
    status: 503, type: 'server_error', code: 'too_many_listeners', headers: { 'retry-after': '5' }
  })
}
