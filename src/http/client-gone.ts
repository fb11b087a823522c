import type { FastifyReply } from 'fastify'

/**
 * A signal that aborts when the client leaves before its answer is complete.
 * Fastify's own `request.signal` aborts at once on a POST with a body over a real socket, so it cannot be used here.
 */
export function clientGone (reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new ClientGoneError())
  })
  return controller.signal
}

/** The client left; there is nobody to tell. */
export class ClientGoneError extends Error {
  override name = 'ClientGoneError'
  constructor () {
    super('The client left before its answer was complete')
  }
}
