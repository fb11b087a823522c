import { LRUCache } from 'lru-cache'
import type { LimitFacts } from '../../errors.ts'
import { endOf, type BudgetUse } from './budget.ts'
import { KeyState, toMicro, type Held, type KeyUse } from './key-state.ts'
import type { Budgets, Demand, LimitedKey, Standing } from './limits.ts'

/** Most keys that are known here, which matters only where callers bring their own tokens. */
const MAX_KEYS = 10_000

/** When to try again a budget that nobody can be asked about: Redis is seldom away for long. */
const RETRY_MS = 5_000

const MICRO = 1_000_000

interface Seen {
  use: KeyUse
  /** Unix time in milliseconds, by the clock of this process. */
  at: number
}

/** Something is held, or a limit refuses it. */
type Outcome = { state: KeyState, held: Held } | { state: KeyState, facts: LimitFacts }

/** Of a key, and of what else is known when Redis is away. */
interface Surroundings {
  seen: Seen | undefined
  running: number
  replicas: number
}

/** What this process may do by itself. */
interface Alone {
  state: KeyState
  /** A budget starts anew then. */
  until: number
  /** The budget of which this process has no share, or none that it knows of. */
  out: LimitFacts | undefined
}

/**
 * Limits of one process while Redis is away. Rates go on from what was last seen, and are held by this process alone. Of a budget it
 * has its share of what was left when last seen; of a key never seen, it has none. Times are Unix times in milliseconds.
 */
export class LimitsWhileAway {
  /** Processes that share the budgets. */
  replicas = 1
  readonly #seen = new LRUCache<string, Seen>({ max: MAX_KEYS })
  readonly #alone = new LRUCache<string, Alone>({ max: MAX_KEYS })

  /** Hears how much of a key's limits is used. */
  see ({ id }: LimitedKey, use: KeyUse, now: number): void {
    this.#seen.set(id, { use, at: now })
  }

  /** Redis is back, and knows better. */
  forget (): void {
    this.#alone.clear()
  }

  /**
   * Holds what a request may use, or nothing.
   * @param running requests of the key that this process has in progress
   */
  reserve (key: LimitedKey, demand: Demand, now: number, running: number): Outcome {
    const { state, out } = this.#aloneOf(key, now, running)
    const facts = state.refuse(demand, now)
    if (facts === undefined && out === undefined) return { state, held: state.hold(demand, now) }
    return { state, facts: toUnavailable(facts ?? out as LimitFacts, key) }
  }

  standing (key: LimitedKey, now: number): Standing {
    return this.#lastOf(key, now).standing(now)
  }

  budgets (key: LimitedKey, now: number): Budgets {
    return this.#lastOf(key, now).budgets(now)
  }

  #lastOf ({ id, limits }: LimitedKey, now: number): KeyState {
    const seen = this.#seen.get(id)
    return seen === undefined ? new KeyState(limits, now) : new KeyState(limits, seen.at, seen.use)
  }

  #aloneOf (key: LimitedKey, now: number, running: number): Alone {
    const known = this.#alone.get(key.id)
    if (known !== undefined && now < known.until) return known
    const alone = toAlone(key, { seen: this.#seen.get(key.id), running, replicas: this.replicas }, now)
    this.#alone.set(key.id, alone)
    return alone
  }
}

function toAlone ({ limits }: LimitedKey, { seen, running, replicas }: Surroundings, now: number): Alone {
  const shareOf = (limit: number, use: BudgetUse | undefined) => {
    if (use === undefined) return 0
    const left = now < use.resetsAt ? toMicro(limit) - use.used - use.reserved : toMicro(limit)
    return Math.max(0, Math.floor(left / replicas))
  }
  const shares = {
    ...(limits.neurons_per_day !== undefined && { neurons_per_day: shareOf(limits.neurons_per_day, seen?.use.day) }),
    ...(limits.neurons_per_month !== undefined && { neurons_per_month: shareOf(limits.neurons_per_month, seen?.use.month) })
  }
  const used: KeyUse | undefined = seen && { ...seen.use, running, day: toUnused('day', now), month: toUnused('month', now) }
  const [out] = Object.entries(shares).filter(([, micro]) => micro === 0)
  return {
    state: new KeyState({ ...limits, ...toNeurons(shares) }, seen?.at ?? now, used),
    until: endOf('day', now),
    out: out && { limit: out[0] as keyof typeof shares }
  }
}

function toUnused (period: 'day' | 'month', now: number): BudgetUse {
  return { used: 0, reserved: 0, resetsAt: endOf(period, now) }
}

function toNeurons (shares: { neurons_per_day?: number, neurons_per_month?: number }): typeof shares {
  return Object.fromEntries(Object.entries(shares).map(([limit, micro]) => [limit, micro / MICRO]))
}

/** A share that is used up is no budget that is. */
function toUnavailable (facts: LimitFacts, { limits }: LimitedKey): LimitFacts {
  const { limit } = facts
  if (limit !== 'neurons_per_day' && limit !== 'neurons_per_month') return facts
  const max = limits[limit]
  return { limit, ...(max !== undefined && { max }), isUnavailable: true, retryAfterMs: RETRY_MS }
}
