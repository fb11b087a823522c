import type { LimitFacts } from '../../errors.ts'
import type { KeyLimits } from '../../settings/key-limits.ts'
import type { BudgetState } from './budget.ts'

/** A key that has limits. */
export interface LimitedKey {
  /** A name that is no secret, the same after a restart. */
  id: string
  limits: KeyLimits
}

/** The most that a request may use, before it is sent. */
export interface Demand {
  /** As estimated; of all choices. */
  inputTokens: number
  /** What all choices may write. */
  outputTokens: number
  /** What all these tokens cost; 0 where no budget asks. */
  microNeurons: number
}

/** What a request has used, when it has ended. */
export interface Spent {
  tokens: number
  microNeurons: number
}

/** A limit on requests or tokens, as `x-ratelimit-*` headers describe it. */
export interface RateState {
  limit: number
  remaining: number
  /** Milliseconds until nothing of it is used. */
  resetMs: number
}

/** The state of a key's limits; absent where it has none. */
export interface Standing {
  requests?: RateState
  tokens?: RateState
}

/** A key's budgets, in micro-neurons; absent where it has none. */
export interface Budgets {
  day?: BudgetState
  month?: BudgetState
}

/** What is held for a request until it has ended. */
export interface Reservation {
  kind: 'reserved'
  /** Tokens that are held; 0 without `tpm`. */
  tokens: number
  /** After it was made. */
  standing: Standing
  /** Gives back what is held and counts what was used; does nothing the second time. */
  settle: (spent: Spent) => void | Promise<void>
}

/** Nothing is held, because a limit is reached. */
export interface Refusal {
  kind: 'refused'
  facts: LimitFacts
  standing: Standing
}

/**
 * Keeps what every key has used of its limits. Every method may return a promise, because several processes may share
 * what is kept. A form that they share also gives back what was held by a process that is gone.
 */
export interface Limits {
  /** Holds all that a request may use, or nothing. */
  reserve: (key: LimitedKey, demand: Demand) => Reservation | Refusal | Promise<Reservation | Refusal>
  standing: (key: LimitedKey) => Standing | Promise<Standing>
  budgets: (key: LimitedKey) => Budgets | Promise<Budgets>
}
