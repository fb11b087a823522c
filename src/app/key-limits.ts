import type { FastifyInstance } from 'fastify'
import type { Models } from '../inference/models.ts'
import type { RequestRecord } from '../inference/request-record.ts'
import type { Settings } from '../settings/schema.ts'
import type { Ledger } from '../stores/ledger/ledger.ts'
import type { LimitedKey, Limits } from '../stores/limits/limits.ts'
import type { RedisLimits } from '../stores/limits/redis.ts'
import type { Redis } from '../stores/redis/redis.ts'
import type { RequestReader } from '../telemetry/ended-requests.ts'
import type { UsageServices } from '../usage/route.ts'

export function hasLimits ({ keyLimits }: Settings): boolean {
  return Object.keys(keyLimits).length > 0
}

interface KeyLimitsOptions {
  settings: Settings
  models: Models
  ledger: Pick<Ledger, 'read'>
  /** Kept elsewhere than in memory. */
  limits: Limits | undefined
  /** Where replicas keep them together. */
  redis: Redis | undefined
}

interface KeyLimitsParts {
  limitKeys: (app: FastifyInstance) => void
  settlement: RequestReader
  budgets: UsageServices['budgets']
  /** Waits for what is being settled. */
  close: () => Promise<void>
}

/** What limits keys, what settles requests that have ended, and what tells of budgets. */
export async function toKeyLimits ({ settings, models, ledger, limits: given, redis }: KeyLimitsOptions): Promise<KeyLimitsParts> {
  const { limitKeys, settlement } = await import('../http/access/key-limits.ts')
  const { toNamedKeys } = await import('../http/access/limited-keys.ts')
  const { toSpent } = await import('../inference/spent.ts')
  const { toKeyBudgets } = await import('../usage/key-budgets.ts')
  const keys = toNamedKeys(settings)
  const shared = given === undefined && redis !== undefined ? await openRedisLimits(redis, keys) : undefined
  const limits = given ?? shared ?? await openMemoryLimits(keys, ledger)
  const spentOf = ({ calls }: RequestRecord) => toSpent(calls, id => models.byId(id))
  return {
    limitKeys: app => limitKeys(app, { settings, limits, toSpent: spentOf }),
    settlement: settlement(spentOf),
    budgets: () => toKeyBudgets(limits, keys),
    close: async () => { await shared?.close() }
  }
}

async function openMemoryLimits (keys: ReadonlyMap<string, LimitedKey>, ledger: Pick<Ledger, 'read'>): Promise<Limits> {
  const { openLimits } = await import('../stores/limits/open.ts')
  return openLimits(keys, ledger, Date.now)
}

async function openRedisLimits (redis: Redis, keys: ReadonlyMap<string, LimitedKey>): Promise<RedisLimits> {
  const { RedisLimits } = await import('../stores/limits/redis.ts')
  const limits = new RedisLimits({ redis, keys: [...keys.values()] })
  await limits.beat()
  return limits
}
