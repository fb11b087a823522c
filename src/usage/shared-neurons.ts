import { toDay, type Booking, type Ledger } from '../stores/ledger/ledger.ts'
import type { LimitedKey } from '../stores/limits/limits.ts'
import type { RedisLimits } from '../stores/limits/redis.ts'
import type { Redis } from '../stores/redis/redis.ts'
import { RedisUnavailable } from '../stores/redis/redis.ts'
import type { EndedRequest } from '../telemetry/ended-requests.ts'
import type { SharedBudget } from './free-allocation.ts'
import type { FreeAllocations } from './free-allocations.ts'
import type { BookingListener } from './ledger-reader.ts'
import { toUsedMicroNeurons } from './report.ts'

/** How long one process at most takes to count what was used before; meanwhile no other does. */
const RECALL_SECONDS = 30

/** What an account's free neurons go by among the keys; no key has such a name. */
export function toNeuronsKey (account: string, limit: number): LimitedKey {
  return { id: `@free:${account}`, limits: { neurons_per_day: limit } }
}

/** The free neurons of an account as a budget that replicas share. */
export function toSharedBudget (limits: RedisLimits, key: LimitedKey): SharedBudget {
  return {
    reserve: microNeurons => limits.reserve(key, { inputTokens: 0, outputTokens: 0, microNeurons }),
    add: microNeurons => limits.add(key, microNeurons),
    used: async () => (await limits.budgets(key)).day?.used ?? 0
  }
}

/** Counts in a shared budget what the ledger has of the day and the budget does not have: the guard may be new. One replica does. */
export async function recallShared (budget: SharedBudget, account: string, { redis, ledger, now }: { redis: Redis, ledger: Pick<Ledger, 'read'>, now: () => number }): Promise<void> {
  const today = toDay(now())
  try {
    if (await redis.command('SET', redis.key('recall', today, toNeuronsKey(account, 1).id), '1', 'NX', 'EX', RECALL_SECONDS) === null) return
    const rows = await ledger.read(today, today)
    const missing = toUsedMicroNeurons(rows.filter(row => row.account === account)) - await budget.used()
    if (missing > 0) await budget.add(missing)
  } catch (error) {
    if (!(error instanceof RedisUnavailable)) throw error
  }
}

/** Has free neurons that replicas share learn of the others' use: after each booking here, and when they are asked for. */
export class SharedAllocations implements BookingListener {
  readonly #inner: BookingListener
  readonly #allocations: FreeAllocations
  #isAsking = false

  constructor (inner: BookingListener, allocations: FreeAllocations) {
    this.#inner = inner
    this.#allocations = allocations
  }

  onBooked (bookings: readonly Booking[], ended: EndedRequest): void {
    this.#inner.onBooked(bookings, ended)
    void this.learn()
  }

  release (ended: EndedRequest): void {
    this.#inner.release(ended)
  }

  /** Never fails: limits answer what was last known while Redis is away. */
  async learn (): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    try {
      await this.#allocations.learnShared()
    } finally {
      this.#isAsking = false
    }
  }
}
