/** When to try again where a request in progress holds what is left, in milliseconds: nobody knows when one will end. */
export const HELD_RETRY_MS = 5_000

export type Period = 'day' | 'month'

/** What is left of a budget. */
export interface BudgetState {
  limit: number
  used: number
  /** Held for requests in progress; may be more than the limit. */
  reserved: number
  /** 0 or more. */
  remaining: number
  /** Unix time in milliseconds. */
  resetsAt: number
}

/** What a budget is made of, beside its limit. */
export type BudgetUse = Pick<BudgetState, 'used' | 'reserved' | 'resetsAt'>

/** When the day or the calendar month (UTC) of a moment ends, as a Unix time in milliseconds. */
export function endOf (period: Period, now: number): number {
  const date = new Date(now)
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()]
  return period === 'day' ? Date.UTC(year, month, date.getUTCDate() + 1) : Date.UTC(year, month + 1)
}

/**
 * A limit per day or month. What is used starts anew with each period; what is reserved stays, because a request counts in
 * the period it ends in. All amounts are whole numbers.
 */
export class Budget {
  readonly limit: number
  readonly #period: Period
  #resetsAt: number
  #used: number
  #reserved: number

  /** @param use so far; none of a new one */
  constructor (limit: number, period: Period, now: number, use: BudgetUse = { used: 0, reserved: 0, resetsAt: endOf(period, now) }) {
    this.limit = limit
    this.#period = period
    this.#used = use.used
    this.#reserved = use.reserved
    this.#resetsAt = use.resetsAt
  }

  /**
   * Holds so much, also where less is left: then nobody else may pass until it is settled. If it held only what is left, several
   * requests could go over the limit together.
   */
  reserve (amount: number): number {
    this.#reserved += amount
    return amount
  }

  /** Counts what was used in place of what was held. */
  settle (held: number, used: number, now: number): void {
    this.add(used, now)
    this.#reserved -= held
  }

  add (used: number, now: number): void {
    this.#renew(now)
    this.#used += used
  }

  state (now: number): BudgetState {
    this.#renew(now)
    return {
      limit: this.limit,
      used: this.#used,
      reserved: this.#reserved,
      remaining: Math.max(0, this.limit - this.#used - this.#reserved),
      resetsAt: this.#resetsAt
    }
  }

  #renew (now: number): void {
    if (now < this.#resetsAt) return
    this.#used = 0
    this.#resetsAt = endOf(this.#period, now)
  }
}
