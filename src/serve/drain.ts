import type { ServerResponse } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Settings } from '../settings/schema.ts'

/** Time to send the error of an aborted answer, and for the server to close. */
const GRACE_MS = 1_000

/** No waiting: running answers end with an error. */
export const AT_ONCE = { drainDelayMs: 0, drainTimeoutMs: 0 }

/**
 * Fails `/readyz` and waits for load balancers to notice. Answers that begin meanwhile close their connections, so that no
 * balancer is left with an idle one. Then closes the port, and lets running answers continue until the time limit. The
 * remaining answers end with an error.
 */
export async function drain (app: FastifyInstance, { drainDelayMs, drainTimeoutMs }: Pick<Settings, 'drainDelayMs' | 'drainTimeoutMs'>): Promise<void> {
  app.activeRequests.isDraining = true
  app.server.prependListener('request', (_request, response: ServerResponse) => response.setHeader('connection', 'close'))
  await setTimeout(drainDelayMs)
  // Node closes what is idle when the server closes; a connection whose answer ends later would be kept alive.
  const sweep = setInterval(() => app.server.closeIdleConnections(), 50)
  const closed = app.close()
  const late = await Promise.race([closed.then(() => false), setTimeout(drainTimeoutMs, true, { ref: false })])
  if (late) {
    app.activeRequests.abortAll()
    await Promise.race([closed, setTimeout(GRACE_MS)])
    app.server.closeAllConnections()
    await Promise.race([closed, setTimeout(GRACE_MS)])
  }
  clearInterval(sweep)
}

/** After an uncaught exception: accepts no more requests, and ends running answers with an error. */
export async function breakOff (app: FastifyInstance): Promise<void> {
  app.activeRequests.isBroken = true
  await drain(app, AT_ONCE)
}
