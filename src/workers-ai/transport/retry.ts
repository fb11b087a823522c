import { LRUCache } from 'lru-cache'
import { UpstreamError } from '../../errors.ts'
import type { CancelSignal } from '../../generation/cancellation.ts'
import { toFacts } from './error-codes.ts'

export interface RetryOptions {
  /** How often a failed attempt may be followed by another: 2 means at most 3 attempts. */
  maxRetries: number
  /** Aborted when the client has left: nothing is tried again then, and a wait ends at once. */
  signal: CancelSignal
  /** A number in [0, 1). */
  random: () => number
  /** Milliseconds since any fixed moment. */
  now: () => number
  /** Resolves after so many milliseconds, rejects when the signal aborts. */
  sleep: (ms: number, signal: CancelSignal) => Promise<unknown>
  budget: RetryBudget
  /** Shared by all the calls one request leads to. */
  retryTime: RetryTimeBudget
}

/** Retries in stock at the most, and at the start. */
const MAX_BUDGET = 20

/** Every call adds so much of a retry: when everything fails, a fifth more is asked, not three times as much. */
const BUDGET_PER_CALL = 0.2

/** Keeps the retries of calls together in proportion to the calls: a Cloudflare that is down is not asked thrice. */
export class RetryBudget {
  #stock = MAX_BUDGET

  addCall (): void {
    this.#stock = Math.min(MAX_BUDGET, this.#stock + BUDGET_PER_CALL)
  }

  /** Whether one more retry may be made; it is then taken. */
  take (): boolean {
    if (this.#stock < 1) return false
    this.#stock--
    return true
  }
}

/** Keys whose budgets are remembered; the one that called longest ago is forgotten first. */
const MAX_KEYS = 1_000

/** A budget for each key, so that the failures of one use up nobody else's retries. */
export class RetryBudgets {
  readonly #budgets = new LRUCache<string, RetryBudget>({ max: MAX_KEYS })
  #latestKey: string | undefined

  /** @param key whose calls they are, by a name that is no secret */
  of (key: string): RetryBudget {
    // Most calls have the key of the one before: nothing moves then.
    if (key === this.#latestKey) return this.#budgets.get(key) as RetryBudget
    this.#latestKey = key
    const budget = this.#budgets.get(key) ?? new RetryBudget()
    this.#budgets.set(key, budget)
    return budget
  }
}

/** What one request may spend on waiting for nothing but retries, and what it has asked, over all the calls it leads to. */
export class RetryTimeBudget {
  #leftMs = MAX_WAITING_MS
  /** How often Cloudflare was asked, whatever came of it. */
  asked = 0

  /** Whether there is so much left; it is then spent. */
  spend (ms: number): boolean {
    if (ms > this.#leftMs) return false
    this.#leftMs -= ms
    return true
  }
}

/** Full jitter doubles this from retry to retry up to the cap; milliseconds. */
interface Backoff {
  base: number
  cap: number
}

const BACKOFF: Backoff = { base: 250, cap: 4_000 }
/** No GPU was free: that lasts longer than a hiccup, and Cloudflare gives no `Retry-After` with it. */
const CAPACITY_BACKOFF: Backoff = { base: 1_000, cap: 8_000 }

/** A longer `Retry-After` is for the caller, who can do something else meanwhile. */
const MAX_RETRY_AFTER_SECONDS = 5
const MAX_WAITING_MS = 10_000

/**
 * Runs an attempt until it succeeds or may not be tried again; answers the value and how many attempts it took.
 * At most 10 s of one request are spent waiting, which counts both the pauses and attempts that found nobody to talk to.
 * @throws what the last attempt threw, or what `sleep` rejects with when the signal aborts.
 */
export async function withRetries<T> (attempt: (attempts: number) => Promise<T>, { maxRetries, signal, random, now, sleep, budget, retryTime }: RetryOptions): Promise<{ value: T, attempts: number }> {
  budget.addCall()
  for (let attempts = 1; ; attempts++) {
    const startedAt = now()
    retryTime.asked++
    try {
      return { value: await attempt(attempts), attempts }
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      error.attempts = attempts
      if (signal.aborted || attempts > maxRetries || !mayRetry(error)) throw error
      const delay = retryDelay(error, attempts, random)
      const lostMs = error.kind === 'unreachable' ? now() - startedAt : 0
      if (!retryTime.spend(delay + lostMs) || !budget.take()) throw error
      await sleep(delay, signal)
    }
  }
}

/**
 * Whether a failure before the first byte may pass when the same request is sent again, and soon enough to wait for it.
 * A timeout may not: a long wait was already spent, and the next would be as long. Broken and cut answers may not
 * either: the model has run and was billed.
 */
export function mayRetry (error: UpstreamError): boolean {
  return toFacts(error).retry && (error.retryAfter ?? 0) <= MAX_RETRY_AFTER_SECONDS
}

/** Milliseconds to wait after so many attempts (1 or more) have failed: full jitter, but no less than `Retry-After` asks for. */
export function retryDelay (error: UpstreamError, attempts: number, random: () => number): number {
  const { base, cap } = toFacts(error).meaning === 'capacity' ? CAPACITY_BACKOFF : BACKOFF
  const jittered = random() * Math.min(cap, base * 2 ** (attempts - 1))
  return Math.round(Math.max(jittered, (error.retryAfter ?? 0) * 1_000))
}
