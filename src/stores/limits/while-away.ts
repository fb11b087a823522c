import { LRUCache } from 'lru-cache'
import type { LimitFacts } from '../../errors.ts'
import { Budget, endOf, type BudgetUse } from './budget.ts'
import { KeyState, refuseParallel, toMicro, type Held, type KeyUse } from './key-state.ts'
import type { Budgets, Demand, LimitedKey, Standing } from './limits.ts'

/** Most keys that are known here, which matters only where callers bring their own tokens. */
const MAX_KEYS = 10_000

/** When to try again what nobody can be asked about, in milliseconds: Redis is seldom away for long. */
export const RETRY_MS = 5_000

interface Seen {
  use: KeyUse
  /** Unix time in milliseconds, by the clock of this process. */
  at: number
}

/** What this process does and has done of a key, and Redis has not counted. */
export interface Own {
  /** Requests in progress, also those that Redis knows. */
  running: number
  /** Requests of the current day. */
  requests: number
  /** Micro-neurons, used and held, of the current day and of the current month. */
  day: number
  month: number
}

/** Something is held of the rates, or a limit refuses it. */
type Outcome = { state: KeyState, held: Held } | { state: KeyState, facts: LimitFacts }

/**
 * Limits of one process while Redis is away. Rates go on from what was last seen, and are held by this process alone. Of a budget it
 * has its share of what was left when last seen; of a key never seen, it has none. Only the rates are kept from one request to the
 * next: all else is told anew each time. Times are Unix times in milliseconds.
 */
export class LimitsWhileAway {
  /** Processes that share the budgets. */
  replicas = 1
  readonly #seen = new LRUCache<string, Seen>({ max: MAX_KEYS })
  /** Of keys that were used since they were last seen. */
  readonly #rates = new LRUCache<string, KeyState>({ max: MAX_KEYS })

  /** Hears how much of a key's limits is used: Redis knows better than what went on from what it said before. */
  see ({ id }: LimitedKey, use: KeyUse, now: number): void {
    this.#seen.set(id, { use, at: now })
    this.#rates.delete(id)
  }

  /** Holds of the rates what a request may use, or nothing. What it holds of a budget is the caller's to tell the next time. */
  reserve (key: LimitedKey, demand: Demand, now: number, own: Own): Outcome {
    const state = this.#ratesOf(key, now, own.requests)
    const facts = refuseParallel(key.limits, own.running) ?? state.refuse(demand, now) ?? this.#refuseShare(key, now, own)
    return facts === undefined ? { state, held: state.hold(demand, now) } : { state, facts }
  }

  standing (key: LimitedKey, now: number): Standing {
    return (this.#rates.get(key.id) ?? this.#lastOf(key, now)).standing(now)
  }

  budgets (key: LimitedKey, now: number): Budgets {
    return this.#lastOf(key, now).budgets(now)
  }

  #lastOf ({ id, limits }: LimitedKey, now: number): KeyState {
    const seen = this.#seen.get(id)
    return seen === undefined ? new KeyState(limits, now) : new KeyState(limits, seen.at, seen.use)
  }

  #ratesOf ({ id, limits }: LimitedKey, now: number, requests: number): KeyState {
    const known = this.#rates.get(id)
    if (known !== undefined) return known
    const { parallel, neurons_per_day: day, neurons_per_month: month, ...rates } = limits
    const seen = this.#seen.get(id)
    const state = seen === undefined
      ? new KeyState(rates, now)
      : new KeyState(rates, seen.at, { ...seen.use, perDay: withMore(seen.use.perDay, requests, now) })
    this.#rates.set(id, state)
    return state
  }

  /** A share that is used up is no budget that is. */
  #refuseShare ({ id, limits }: LimitedKey, now: number, own: Own): LimitFacts | undefined {
    const seen = this.#seen.get(id)
    for (const [limit, period] of [['neurons_per_day', 'day'], ['neurons_per_month', 'month']] as const) {
      const max = limits[limit]
      if (max === undefined) continue
      const left = seen === undefined ? 0 : new Budget(toMicro(max), period, seen.at, seen.use[period]).state(now).remaining
      if (Math.floor(left / this.replicas) > own[period]) continue
      return { limit, max, isUnavailable: true, retryAfterMs: RETRY_MS }
    }
    return undefined
  }
}

/** What was used in a day that is over counts no more. */
function withMore (use: BudgetUse, requests: number, now: number): BudgetUse {
  if (now < use.resetsAt) return { ...use, used: use.used + requests }
  return { used: requests, reserved: 0, resetsAt: endOf('day', now) }
}
