import type { FastifyInstance } from 'fastify'
import { InvalidRequestError } from '../errors.ts'

/** Far more than any schema needs, far less than what overflows the stack of those who read a body recursively. */
const MAX_LEVELS = 200

/** Refuses bodies that are nested deeper than 200 levels, before anything walks through them. */
export function refuseDeepNesting (app: FastifyInstance): void {
  app.addHook('preValidation', (request, _reply, done) => {
    if (!isDeeperThan(MAX_LEVELS, request.body)) return done()
    done(new InvalidRequestError(`The JSON body of your request is nested too deeply. At most ${MAX_LEVELS} levels are read.`))
  })
}

function isDeeperThan (levels: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && isDeeperThan(levels - 1, item)) return true
    return false
  }
  for (const name in value) {
    if (isDeeperThan(levels - 1, (value as Record<string, unknown>)[name])) return true
  }
  return false
}
