import { setTimeout } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Settings } from '../settings/schema.ts'

/** What a cut answer has to say its last words, and a closed server to close. */
const GRACE_MS = 1_000

/** Nothing is waited for: answers that run are told that they are cut. */
export const AT_ONCE = { drainDelayMs: 0, drainTimeoutMs: 0 }

/**
 * Tells load balancers to ask another server, and gives them time to hear it; then takes no more requests, and lets
 * answers end until the limit, when the rest are told that they are cut.
 */
export async function drain (app: FastifyInstance, { drainDelayMs, drainTimeoutMs }: Pick<Settings, 'drainDelayMs' | 'drainTimeoutMs'>): Promise<void> {
  app.openAnswers.isDraining = true
  await setTimeout(drainDelayMs)
  // Node closes what is idle when the server closes; a connection whose answer ends later would be kept alive.
  const sweep = setInterval(() => app.server.closeIdleConnections(), 50)
  const closed = app.close()
  const late = await Promise.race([closed.then(() => false), setTimeout(drainTimeoutMs, true, { ref: false })])
  if (late) {
    app.openAnswers.cut()
    await Promise.race([closed, setTimeout(GRACE_MS)])
    app.server.closeAllConnections()
    await Promise.race([closed, setTimeout(GRACE_MS)])
  }
  clearInterval(sweep)
}

/** After a bug that nobody caught: nothing new is served, and answers that run are told that they are cut. */
export async function breakOff (app: FastifyInstance): Promise<void> {
  app.openAnswers.isBroken = true
  await drain(app, AT_ONCE)
}
