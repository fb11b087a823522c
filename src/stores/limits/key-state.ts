import type { LimitFacts } from '../../errors.ts'
import type { KeyLimits } from '../../settings/key-limits.ts'
import { Bucket } from './bucket.ts'
import { Budget, HELD_RETRY_MS, type BudgetUse } from './budget.ts'
import type { Budgets, Demand, RateState, Spent, Standing } from './limits.ts'

const MICRO = 1_000_000

/** What was taken for one request. */
export interface Held {
  tokens: number
  day: number
  month: number
}

/** What the state of a key is made of, beside its limits. */
export interface KeyUse {
  /** Requests in progress. */
  running: number
  /** Parts that are left of the requests and of the tokens of the minute. */
  perMinute: number
  tokens: number
  perDay: BudgetUse
  /** In micro-neurons. */
  day: BudgetUse
  month: BudgetUse
}

/**
 * What one key has used of its limits: pure but for its own numbers, with the time passed in as a Unix time in milliseconds.
 * Every change is one synchronous step, so nothing can come between a check and what it allows.
 */
export class KeyState {
  readonly #limits: KeyLimits
  readonly #perMinute: Bucket | undefined
  readonly #tokens: Bucket | undefined
  readonly #perDay: Budget | undefined
  readonly #day: Budget | undefined
  readonly #month: Budget | undefined
  #running: number

  /** @param use so far, as it was at that time; none of a new key */
  constructor (limits: KeyLimits, now: number, use?: KeyUse) {
    const { rpm, tpm, rpd, neurons_per_day: day, neurons_per_month: month } = limits
    this.#limits = limits
    this.#perMinute = rpm === undefined ? undefined : new Bucket(rpm, now, use?.perMinute)
    this.#tokens = tpm === undefined ? undefined : new Bucket(tpm, now, use?.tokens)
    this.#perDay = rpd === undefined ? undefined : new Budget(rpd, 'day', now, use?.perDay)
    this.#day = day === undefined ? undefined : new Budget(toMicro(day), 'day', now, use?.day)
    this.#month = month === undefined ? undefined : new Budget(toMicro(month), 'month', now, use?.month)
    this.#running = use?.running ?? 0
  }

  /** Requests in progress. */
  get running (): number {
    return this.#running
  }

  /** The first limit that is reached, in the order they are checked; undefined when the request may pass. */
  refuse ({ inputTokens }: Demand, now: number): LimitFacts | undefined {
    return refuseParallel(this.#limits, this.#running) ??
      this.#refuseRequest(now) ?? this.#refuseTokens(inputTokens, now) ?? this.#refuseNeurons(now)
  }

  /** Takes what a request may use, of tokens as far as they are left. To be called right after `refuse` had no objection. */
  hold ({ inputTokens, outputTokens, microNeurons }: Demand, now: number): Held {
    this.#running++
    this.#perMinute?.take(1, now)
    this.#perDay?.add(1, now)
    const tokens = this.#tokens === undefined ? 0 : Math.min(inputTokens + outputTokens, this.#tokens.remaining(now))
    this.#tokens?.take(tokens, now)
    return { tokens, day: this.#day?.reserve(microNeurons) ?? 0, month: this.#month?.reserve(microNeurons) ?? 0 }
  }

  /** Counts what was used in place of what was held. To be called once for each. */
  settle ({ tokens, day, month }: Held, spent: Spent, now: number): void {
    this.#running--
    this.#tokens?.take(spent.tokens - tokens, now)
    this.#day?.settle(day, spent.microNeurons, now)
    this.#month?.settle(month, spent.microNeurons, now)
  }

  recall ({ day, month }: { day: number, month: number }, now: number): void {
    this.#day?.add(day, now)
    this.#month?.add(month, now)
  }

  standing (now: number): Standing {
    const requests = this.#requests(now)
    const tokens = this.#tokens && toRateState(this.#tokens, now)
    return { ...(requests && { requests }), ...(tokens && { tokens }) }
  }

  budgets (now: number): Budgets {
    return { ...(this.#day && { day: this.#day.state(now) }), ...(this.#month && { month: this.#month.state(now) }) }
  }

  #refuseRequest (now: number): LimitFacts | undefined {
    const { rpm } = this.#limits
    if (rpm !== undefined && this.#perMinute?.remaining(now) === 0) {
      return { limit: 'rpm', max: rpm, used: rpm, retryAfterMs: this.#perMinute.msUntil(1, now) }
    }
    const perDay = this.#perDay?.state(now)
    if (perDay === undefined || perDay.remaining > 0) return undefined
    return { limit: 'rpd', max: perDay.limit, used: perDay.used, retryAfterMs: perDay.resetsAt - now }
  }

  /** Only the input has to fit: clients set limits of output that most answers come nowhere near. */
  #refuseTokens (inputTokens: number, now: number): LimitFacts | undefined {
    if (this.#tokens === undefined) return undefined
    const { limit } = this.#tokens
    const facts: LimitFacts = { limit: 'tpm', max: limit, used: limit - this.#tokens.remaining(now), inputTokens }
    if (inputTokens > limit) return facts
    const retryAfterMs = this.#tokens.msUntil(Math.max(1, inputTokens), now)
    return retryAfterMs > 0 ? { ...facts, retryAfterMs } : undefined
  }

  #refuseNeurons (now: number): LimitFacts | undefined {
    for (const [limit, budget] of [['neurons_per_day', this.#day], ['neurons_per_month', this.#month]] as const) {
      const state = budget?.state(now)
      if (state === undefined || state.remaining > 0) continue
      const facts: LimitFacts = { limit, max: state.limit / MICRO, used: state.used / MICRO }
      if (state.used < state.limit) return { ...facts, isHeld: true, retryAfterMs: HELD_RETRY_MS }
      return { ...facts, retryAfterMs: state.resetsAt - now }
    }
    return undefined
  }

  /** Of the minute or the day: the one of which less is left. */
  #requests (now: number): RateState | undefined {
    const minute = this.#perMinute && toRateState(this.#perMinute, now)
    const day = this.#perDay?.state(now)
    if (day === undefined || (minute !== undefined && minute.remaining <= day.remaining)) return minute
    return { limit: day.limit, remaining: day.remaining, resetMs: day.used === 0 ? 0 : day.resetsAt - now }
  }
}

/** @returns undefined when one more may run beside them */
export function refuseParallel ({ parallel }: KeyLimits, running: number): LimitFacts | undefined {
  if (parallel === undefined || running < parallel) return undefined
  return { limit: 'parallel', max: parallel, used: running, retryAfterMs: HELD_RETRY_MS }
}

/** At least one, so that a budget is never used up before anything was used. */
export function toMicro (neurons: number): number {
  return Math.max(1, Math.round(neurons * MICRO))
}

function toRateState (bucket: Bucket, now: number): RateState {
  return { limit: bucket.limit, remaining: bucket.remaining(now), resetMs: bucket.msUntil(bucket.limit, now) }
}
