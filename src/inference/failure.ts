import type { UpstreamError } from '../errors.ts'
import { toFacts, toOverflowTokens, type FailureFacts } from '../workers-ai/transport/error-codes.ts'

/** Why Cloudflare did not answer, without a sentence: each surface words it. */
export interface Failure extends Pick<FailureFacts, 'meaning' | 'about' | 'next'> {
  /** Whole seconds after which another attempt may succeed; undefined if unknown. */
  retryAfter: number | undefined
  /** Of an overflow, the tokens that were asked for and those there may be, as far as Cloudflare says. */
  tokens?: { asked: number | undefined, limit: number | undefined }
}

/** @param now for the time until the daily quota is renewed at 00:00 UTC */
export function toFailure (error: UpstreamError, now: Date): Failure {
  const { meaning, about, next } = toFacts(error)
  const failure: Failure = { meaning, retryAfter: meaning === 'quota' ? secondsToMidnight(now) : toWholeSeconds(error.retryAfter) }
  if (about !== undefined) failure.about = about
  if (next !== undefined) failure.next = next
  if (meaning === 'overflow') failure.tokens = toOverflowTokens(error.message)
  return failure
}

function toWholeSeconds (seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : Math.max(1, Math.ceil(seconds))
}

function secondsToMidnight (now: Date): number {
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1)
  return Math.max(1, Math.ceil((midnight - now.getTime()) / 1000))
}
