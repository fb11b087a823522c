import type { FastifyInstance } from 'fastify'
import type { Models } from '../inference/models.ts'
import type { RequestRecord } from '../inference/request-record.ts'
import type { Settings } from '../settings/schema.ts'
import type { Ledger } from '../stores/ledger/ledger.ts'
import type { Limits } from '../stores/limits/limits.ts'
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
}

interface KeyLimitsParts {
  limitKeys: (app: FastifyInstance) => void
  settlement: RequestReader
  budgets: UsageServices['budgets']
}

/** What limits keys, what settles requests that have ended, and what tells of budgets. */
export async function toKeyLimits ({ settings, models, ledger, limits: given }: KeyLimitsOptions): Promise<KeyLimitsParts> {
  const { limitKeys, settlement } = await import('../http/access/key-limits.ts')
  const { toNamedKeys } = await import('../http/access/limited-keys.ts')
  const { toSpent } = await import('../inference/spent.ts')
  const { openLimits } = await import('../stores/limits/open.ts')
  const { toKeyBudgets } = await import('../usage/key-budgets.ts')
  const keys = toNamedKeys(settings)
  const limits = given ?? await openLimits(keys, ledger, Date.now)
  const spentOf = ({ calls }: RequestRecord) => toSpent(calls, id => models.byId(id))
  return {
    limitKeys: app => limitKeys(app, { settings, limits, toSpent: spentOf }),
    settlement: settlement(spentOf),
    budgets: () => toKeyBudgets(limits, keys)
  }
}
