import type { FastifyBaseLogger } from 'fastify'
import type { FreeNeurons } from '../inference/allowance.ts'
import type { Settings } from '../settings/schema.ts'
import type { Ledger } from '../stores/ledger/ledger.ts'
import type { RedisLimits } from '../stores/limits/redis.ts'
import type { Redis } from '../stores/redis/redis.ts'
import type { PrimaryLink } from '../telemetry/primary-link.ts'
import type { FreeNeuronsFacts, SharedBudget } from '../usage/free-allocation.ts'
import { toFreeAllocations, type FreeAllocations } from '../usage/free-allocations.ts'
import type { BookingListener } from '../usage/ledger-reader.ts'
import { LinkedAllocation } from '../usage/linked-usage.ts'
import { DEFAULT_ACCOUNT } from '../workers-ai/transport/upstream-call.ts'

interface Allocation {
  allocations: FreeAllocations
  /** Is told of each call that was billed. */
  booked: BookingListener
  /** Warns or refuses before a call of a single account; absent where the guard is off. */
  guard: FreeNeurons | undefined
  /** Of each account. */
  facts: () => Promise<FreeNeuronsFacts[]>
  /** Waits for what is being settled. */
  close: () => Promise<void>
}

interface AllocationParts {
  ledger: Ledger
  link: PrimaryLink | undefined
  logger: FastifyBaseLogger
  /** Where replicas hold them together. */
  redis?: Redis | undefined
}

/** What is left of the free neurons of the day; what the ledger holds of it counts. */
export async function toAllocation (settings: Settings, { ledger, link, logger, redis }: AllocationParts): Promise<Allocation> {
  const shared = redis !== undefined && settings.freeNeuronsGuard === 'refuse' ? await toSharedBudgets(settings, redis, logger) : undefined
  const allocations = toFreeAllocations(settings, { now: Date.now, log: link ? SILENT : logger, toShared: shared?.toBudget })
  const linked = link && new LinkedAllocation(link, allocations)
  await allocations.recall(ledger)
  const own = {
    allocations,
    booked: linked ?? allocations,
    guard: settings.freeNeuronsGuard === 'off' ? undefined : allocations.all[0],
    facts: async () => linked ? await linked.facts() : allocations.facts,
    close: async () => {}
  }
  if (shared === undefined) return own
  const booked = await shared.open(own.booked, allocations, ledger)
  return {
    ...own,
    booked,
    facts: async () => {
      await booked.learn()
      return allocations.facts
    },
    close: () => shared.limits.close()
  }
}

async function toSharedBudgets (settings: Settings, redis: Redis, logger: FastifyBaseLogger) {
  const { RedisLimits } = await import('../stores/limits/redis.ts')
  const { recallShared, SharedAllocations, toNeuronsKey, toSharedBudget } = await import('../usage/shared-neurons.ts')
  const budgets = new Map<string, SharedBudget>()
  const toKey = (account: string) => toNeuronsKey(account, settings.freeNeuronsPerDay)
  const accounts = settings.accounts ?? [{ name: DEFAULT_ACCOUNT }]
  const limits: RedisLimits = new RedisLimits({ redis, group: 'accounts', keys: accounts.map(({ name }) => toKey(name)) })
  return {
    limits,
    toBudget: (account: string) => {
      const budget = toSharedBudget(limits, toKey(account))
      budgets.set(account, budget)
      return budget
    },
    open: async (inner: BookingListener, allocations: FreeAllocations, ledger: Ledger) => {
      for (const [account, budget] of budgets) await recallShared(budget, account, { ledger, now: Date.now })
      await limits.beat()
      return new SharedAllocations(inner, allocations, logger)
    }
  }
}

/** The primary logs for all. */
const SILENT = { warn: () => {} }
