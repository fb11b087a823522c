import type { FastifyInstance, FastifyRequest } from 'fastify'
import { toLoggedError } from '../../telemetry/logger.ts'
import type { RequestReader } from '../../telemetry/ended-requests.ts'
import { KeyAllowance } from '../../inference/key-allowance.ts'
import type { RequestRecord } from '../../inference/request-record.ts'
import type { Settings } from '../../settings/schema.ts'
import type { Limits, RateState, Spent, Standing } from '../../stores/limits/limits.ts'
import { toGoDuration } from './go-duration.ts'
import { toLimitedKey } from './limited-keys.ts'
import { isOpenToAll } from './open-paths.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** How the API of a route tells the state of a key's limits; as OpenAI's does when absent. */
    toRateHeaders?: (standing: Standing, now: Date) => Record<string, string>
  }
}

export interface KeyLimitsOptions {
  settings: Pick<Settings, 'keyLimits' | 'authMode'>
  limits: Limits
  /** What a request has used so far. */
  toSpent: (record: RequestRecord) => Spent
}

/**
 * Gives every request what its key may use, and every answer the headers about the limits of its key. To be called after
 * the keys are checked.
 */
export function limitKeys (app: FastifyInstance, { settings, limits, toSpent }: KeyLimitsOptions): void {
  const { keyLimits, authMode } = settings
  app.addHook('onRequest', (request, reply, done) => {
    const key = mayAskModels(request) ? toLimitedKey(request, keyLimits) : undefined
    if (key !== undefined) {
      request.allowance = new KeyAllowance({
        limits,
        key,
        owner: ownerOf(request, authMode),
        record: request.record,
        // The answer may become a stream, whose headers no hook sees.
        onReserved: standing => { reply.headers(headersOf(request)(standing, new Date())) }
      })
    }
    done()
  })
  app.addHook('onSend', async (request, reply) => {
    const { allowance, record } = request
    if (allowance instanceof KeyAllowance) reply.headers(headersOf(request)(await allowance.standing(toSpent(record).tokens), new Date()))
  })
}

/** Settles what was held for a request when it has ended. */
export function settlement (toSpent: KeyLimitsOptions['toSpent']): RequestReader {
  return {
    name: 'limits',
    readsCalls: true,
    read: ({ request: { allowance, log }, record }) => {
      if (!(allowance instanceof KeyAllowance)) return
      const settled = allowance.settle(toSpent(record))
      if (settled instanceof Promise) settled.catch((error: unknown) => log.error({ err: toLoggedError(error) }, 'a request was not settled'))
    }
  }
}

/** Health checks, pages and figures ask no model for anything. */
function mayAskModels (request: FastifyRequest): boolean {
  return !isOpenToAll(request) && request.routeConfig.figuresOf === undefined
}

function ownerOf ({ record, caller }: FastifyRequest, authMode: Settings['authMode']): string {
  if (authMode === 'passthrough') return 'your token'
  if (caller === undefined) return 'the callers of this proxy together'
  return record.key === undefined ? 'your key' : `the key '${record.key}'`
}

function headersOf ({ routeConfig }: FastifyRequest): NonNullable<FastifyRequest['routeConfig']['toRateHeaders']> {
  return routeConfig.toRateHeaders ?? toRateHeaders
}

function toRateHeaders ({ requests, tokens }: Standing): Record<string, string> {
  return { ...(requests && toHeaders('requests', requests)), ...(tokens && toHeaders('tokens', tokens)) }
}

function toHeaders (what: 'requests' | 'tokens', { limit, remaining, resetMs }: RateState): Record<string, string> {
  return {
    [`x-ratelimit-limit-${what}`]: String(limit),
    [`x-ratelimit-remaining-${what}`]: String(remaining),
    [`x-ratelimit-reset-${what}`]: toGoDuration(resetMs)
  }
}
