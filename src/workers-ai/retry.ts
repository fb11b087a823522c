import { UpstreamError } from '../errors.ts'
import type { CancelSignal } from '../generation/cancellation.ts'

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
  patience: Patience
}

/** Retries in stock at the most, and at the start. */
const MAX_BUDGET = 20

/** Every call adds so much of a retry: when everything fails, a fifth more is asked, not three times as much. */
const BUDGET_PER_CALL = 0.2

/** Keeps the retries of all calls together in proportion to the calls: a Cloudflare that is down is not asked thrice. */
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

/** The time one request may spend waiting for nothing but retries, over all the calls it leads to. */
export class Patience {
  #leftMs = MAX_WAITING_MS

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

const CAPACITY_EXCEEDED = 3040
const INTERNAL_FAILURE = 1000
/** The day's free neurons are spent until midnight UTC; documented as 3036, answered as 4006. */
const DAILY_QUOTA = [3036, 4006]

/** Gateway timeouts come after a minute or more: the model was slow, and would be slow (and billed) again. */
const GATEWAY_TIMEOUTS = [504, 524]

/** A longer `Retry-After` is for the caller, who can do something else meanwhile. */
const MAX_RETRY_AFTER_SECONDS = 5
const MAX_WAITING_MS = 10_000

/**
 * Runs an attempt until it succeeds or may not be tried again; answers the value and how many attempts it took.
 * At most 10 s of one request are spent waiting, which counts both the pauses and attempts that found nobody to talk to.
 * @throws what the last attempt threw, or what `sleep` rejects with when the signal aborts.
 */
export async function withRetries<T> (attempt: (attempts: number) => Promise<T>, { maxRetries, signal, random, now, sleep, budget, patience }: RetryOptions): Promise<{ value: T, attempts: number }> {
  budget.addCall()
  for (let attempts = 1; ; attempts++) {
    const startedAt = now()
    try {
      return { value: await attempt(attempts), attempts }
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      error.attempts = attempts
      if (signal.aborted || attempts > maxRetries || !mayRetry(error)) throw error
      const delay = retryDelay(error, attempts, random)
      const lostMs = error.kind === 'unreachable' ? now() - startedAt : 0
      if (!patience.spend(delay + lostMs) || !budget.take()) throw error
      await sleep(delay, signal)
    }
  }
}

/**
 * Whether a failure before the first byte may pass when the same request is sent again.
 * A timeout may not: a long wait was already spent, and the next would be as long. Broken and cut answers may not
 * either: the model has run and was billed.
 */
export function mayRetry (error: UpstreamError): boolean {
  switch (error.kind) {
    case 'unreachable': return true
    case 'refused': return isPassing(error)
    case 'timeout':
    case 'malformed':
    case 'truncated': return false
  }
}

/** Milliseconds to wait after so many attempts (1 or more) have failed: full jitter, but no less than `Retry-After` asks for. */
export function retryDelay ({ code, retryAfter = 0 }: UpstreamError, attempts: number, random: () => number): number {
  const { base, cap } = code === CAPACITY_EXCEEDED ? CAPACITY_BACKOFF : BACKOFF
  const jittered = random() * Math.min(cap, base * 2 ** (attempts - 1))
  return Math.round(Math.max(jittered, retryAfter * 1_000))
}

function isPassing ({ status, code, message, retryAfter = 0 }: UpstreamError): boolean {
  if (code !== undefined && DAILY_QUOTA.includes(code)) return false
  if (/daily free allocation/i.test(message)) return false
  if (retryAfter > MAX_RETRY_AFTER_SECONDS) return false
  if (code === CAPACITY_EXCEEDED) return true
  // Cloudflare reports some failures of its own with status 200 and `success: false`.
  if (status >= 200 && status < 300) return code === INTERNAL_FAILURE
  return status === 408 || status === 429 || (status >= 500 && !GATEWAY_TIMEOUTS.includes(status))
}
