import { LRUCache } from 'lru-cache'
import { UpstreamError } from '../../errors.ts'
import type { CancelSignal } from '../../generation/cancellation.ts'
import { toFacts } from './error-codes.ts'

export interface RetryOptions {
  /** The most retries: 2 means at most 3 attempts. */
  maxRetries: number
  /** Aborted when the client has disconnected: no attempt follows, and a wait ends at once. */
  signal: CancelSignal
  /** A number in [0, 1). */
  random: () => number
  /** Milliseconds since any fixed moment. */
  now: () => number
  /** Resolves after so many milliseconds, rejects when the signal aborts. */
  sleep: (ms: number, signal: CancelSignal) => Promise<unknown>
  budget: RetryBudget
  /** Shared by all calls of one request. */
  retryTime: RetryTimeBudget
  /** Whether a failure ends the attempts here, because somebody else is asked in their place. */
  isFinal?: ((error: UpstreamError) => boolean) | undefined
}

/** Retries in a full budget; a budget starts full. */
const MAX_BUDGET = 20

/** The part of a retry that each call adds: if every call fails, load grows by a fifth, not threefold. */
const BUDGET_PER_CALL = 0.2

/** Keeps retries in proportion to calls, so that an outage is not made worse. */
export class RetryBudget {
  #stock = MAX_BUDGET

  addCall (): void {
    this.#stock = Math.min(MAX_BUDGET, this.#stock + BUDGET_PER_CALL)
  }

  get isEmpty (): boolean {
    return this.#stock < 1
  }

  /** Spends one retry. @returns whether there was one */
  take (): boolean {
    if (this.isEmpty) return false
    this.#stock--
    return true
  }
}

/** Keys whose budgets are kept; the one that called longest ago is dropped first. */
const MAX_KEYS = 1_000

/** A budget for each key, so that one caller's failures do not use up another's retries. */
export class RetryBudgets {
  readonly #budgets = new LRUCache<string, RetryBudget>({ max: MAX_KEYS })

  /** @param key the caller, by a name that is not a secret */
  of (key: string): RetryBudget {
    const known = this.#budgets.get(key)
    if (known !== undefined) return known
    const budget = new RetryBudget()
    this.#budgets.set(key, budget)
    return budget
  }
}

/** The time that one request may spend on retries, and its attempts, over all its calls. */
export class RetryTimeBudget {
  #leftMs = MAX_WAITING_MS
  /** Attempts made, whatever their outcome. */
  asked = 0

  /** Spends this much. @returns whether enough was left */
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
/** For a lack of GPUs, which lasts longer than other failures; Cloudflare sends no `Retry-After` with it. */
const CAPACITY_BACKOFF: Backoff = { base: 1_000, cap: 8_000 }

/** A longer `Retry-After` is passed on to the caller. */
const MAX_RETRY_AFTER_SECONDS = 5
const MAX_WAITING_MS = 10_000

/**
 * Runs an attempt until it succeeds or may not be repeated. One request spends at most 10 s on pauses and on attempts that
 * could not connect.
 * @returns the value and the number of attempts
 * @throws the error of the last attempt, or the signal's reason if it aborts during a wait
 */
export async function withRetries<T> (
  attempt: (attempts: number) => Promise<T>,
  options: RetryOptions
): Promise<{ value: T, attempts: number }> {
  const { now, budget, retryTime, isFinal } = options
  budget.addCall()
  for (let attempts = 1; ; attempts++) {
    const startedAt = now()
    retryTime.asked++
    try {
      return { value: await attempt(attempts), attempts }
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      error.attempts = attempts
      if (isFinal?.(error) === true || !(await waitedToRetry(error, attempts, now() - startedAt, options))) throw error
    }
  }
}

/**
 * Waits until an attempt may be repeated.
 * @param attempts that have failed, this one included
 * @param tookMs how long the attempt took
 * @returns false, at once, where it may not be repeated
 * @throws the signal's reason if it aborts during the wait
 */
export async function waitedToRetry (
  error: UpstreamError,
  attempts: number,
  tookMs: number,
  { maxRetries, signal, random, sleep, budget, retryTime }: Omit<RetryOptions, 'now' | 'isFinal'>
): Promise<boolean> {
  if (signal.aborted || attempts > maxRetries || !mayRetry(error)) return false
  const delay = retryDelay(error, attempts, random)
  const lostMs = error.kind === 'unreachable' ? tookMs : 0
  if (!retryTime.spend(delay + lostMs) || !budget.take()) return false
  await sleep(delay, signal).catch((error: unknown) => {
    signal.throwIfAborted() // timers have an error of their own for that
    throw error
  })
  return true
}

/**
 * Whether the same request may succeed when it is sent again soon. Not after a timeout: the next wait would be as long. Not
 * after a broken or cut answer: the model has run and was billed.
 */
export function mayRetry (error: UpstreamError): boolean {
  return toFacts(error).retry && (error.retryAfter ?? 0) <= MAX_RETRY_AFTER_SECONDS
}

/** Milliseconds to wait after this many failed attempts (1 or more): full jitter, but at least `Retry-After`. */
export function retryDelay (error: UpstreamError, attempts: number, random: () => number): number {
  const { base, cap } = toFacts(error).meaning === 'capacity' ? CAPACITY_BACKOFF : BACKOFF
  const jittered = random() * Math.min(cap, base * 2 ** (attempts - 1))
  return Math.round(Math.max(jittered, (error.retryAfter ?? 0) * 1_000))
}
