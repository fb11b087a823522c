import { toDay, type Booking, type Ledger } from '../stores/ledger/ledger.ts'
import { endOf } from '../stores/limits/budget.ts'
import type { LimitedKey } from '../stores/limits/limits.ts'
import type { RedisLimits } from '../stores/limits/redis.ts'
import { RedisUnavailable } from '../stores/redis/redis.ts'
import type { EndedRequest } from '../telemetry/ended-requests.ts'
import type { FreeAllocationOptions, SharedBudget } from './free-allocation.ts'
import type { FreeAllocations } from './free-allocations.ts'
import type { BookingListener } from './ledger-reader.ts'
import { toUsedMicroNeurons } from './report.ts'

/** What an account's free neurons go by among the keys; no key has such a name. */
export function toNeuronsKey (account: string, limit: number): LimitedKey {
  return { id: `@free:${account}`, limits: { neurons_per_day: limit } }
}

/** The free neurons of an account as a budget that replicas share. */
export function toSharedBudget (limits: RedisLimits, key: LimitedKey): SharedBudget {
  return {
    reserve: microNeurons => limits.reserve(key, { inputTokens: 0, outputTokens: 0, microNeurons }),
    add: microNeurons => limits.add(key, microNeurons),
    raise: (microNeurons, resetsAt) => limits.raise(key, microNeurons, resetsAt),
    used: async () => (await limits.budgets(key)).day
  }
}

/**
 * Counts in a shared budget what the ledger has of the day and the budget does not have: the guard may be new. It may be done by several
 * replicas and twice, because it only raises the figure.
 */
export async function recallShared (budget: SharedBudget, account: string, { ledger, now }: { ledger: Pick<Ledger, 'read'>, now: () => number }): Promise<void> {
  const asked = now()
  const today = toDay(asked)
  try {
    const rows = await ledger.read(today, today)
    await budget.raise(toUsedMicroNeurons(rows.filter(row => row.account === account)), endOf('day', asked))
  } catch (error) {
    if (!(error instanceof RedisUnavailable)) throw error
  }
}

/** Has free neurons that replicas share learn of the others' use: after each booking here, and when they are asked for. */
export class SharedAllocations implements BookingListener {
  readonly #inner: BookingListener
  readonly #allocations: FreeAllocations
  readonly #log: FreeAllocationOptions['log']
  #isAsking = false

  constructor (inner: BookingListener, allocations: FreeAllocations, log: FreeAllocationOptions['log']) {
    this.#inner = inner
    this.#allocations = allocations
    this.#log = log
  }

  onBooked (bookings: readonly Booking[], ended: EndedRequest): void {
    this.#inner.onBooked(bookings, ended)
    this.learn().catch((error: unknown) => {
      this.#log.warn({ error: error instanceof Error ? error.name : 'unknown' }, 'What others have used of the shared free neurons could not be learned')
    })
  }

  release (ended: EndedRequest): void {
    this.#inner.release(ended)
  }

  /** Limits answer what was last known while Redis is away. */
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
