import { KeyState } from './key-state.ts'
import type { Budgets, Demand, LimitedKey, Limits, Refusal, Reservation, Spent, Standing } from './limits.ts'

/** Most keys whose use is kept, which matters only where callers bring their own tokens. */
const MAX_KEYS = 10_000

/** One that is settled at once. */
export interface MemoryReservation extends Reservation {
  settle: (spent: Spent) => void
}

/** Keeps what keys have used in the memory of this process. */
export class MemoryLimits implements Limits {
  readonly #now: () => number
  readonly #maxKeys: number
  /** The least recently used first. */
  readonly #states = new Map<string, KeyState>()

  /**
   * @param now Unix time in milliseconds
   * @param maxKeys beyond it the least recently used key without a request in progress is forgotten
   */
  constructor (now: () => number, maxKeys = MAX_KEYS) {
    this.#now = now
    this.#maxKeys = maxKeys
  }

  reserve (key: LimitedKey, demand: Demand): MemoryReservation | Refusal {
    const now = this.#now()
    const state = this.#stateOf(key, now)
    const facts = state.refuse(demand, now)
    if (facts !== undefined) return { kind: 'refused', facts, standing: state.standing(now) }
    const held = state.hold(demand, now)
    this.#keep(key.id, state)
    let isSettled = false
    return {
      kind: 'reserved',
      tokens: held.tokens,
      standing: state.standing(now),
      settle: spent => {
        if (isSettled) return
        isSettled = true
        state.settle(held, spent, this.#now())
      }
    }
  }

  standing (key: LimitedKey): Standing {
    const now = this.#now()
    return this.#stateOf(key, now).standing(now)
  }

  budgets (key: LimitedKey): Budgets {
    const now = this.#now()
    return this.#stateOf(key, now).budgets(now)
  }

  /** Counts what was used before the start in the current day and month, in micro-neurons. */
  recall (key: LimitedKey, used: { day: number, month: number }): void {
    const now = this.#now()
    const state = this.#stateOf(key, now)
    state.recall(used, now)
    this.#keep(key.id, state)
  }

  /** That of a key nobody has used is not kept. */
  #stateOf ({ id, limits }: LimitedKey, now: number): KeyState {
    return this.#states.get(id) ?? new KeyState(limits, now)
  }

  #keep (id: string, state: KeyState): void {
    this.#states.delete(id)
    this.#states.set(id, state)
    if (this.#states.size <= this.#maxKeys) return
    for (const [other, { running }] of this.#states) {
      if (running > 0 || other === id) continue
      this.#states.delete(other)
      return
    }
  }
}
