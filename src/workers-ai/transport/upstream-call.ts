import { UpstreamError } from '../../errors.ts'
import { ClientDisconnectedError } from '../../generation/client-disconnected.ts'
import type { Usage } from '../../generation/event.ts'
import type { ModelId } from '../models/model.ts'
import type { AnswerFacts, CallDetails } from './call-details.ts'
import { isKnownCode, toFacts } from './error-codes.ts'

/**
 * What became of one call: `ok`, a code of Cloudflare's error table, or what broke. `client_gone` is a call that was ended
 * because its client had left, `other` one that was ended for another reason, or failed in a way that has no word here.
 */
export type CallOutcome = 'ok' | `code_${number}` | 'http_5xx' | 'timeout' | 'unreachable' | 'malformed' | 'truncated' | 'client_gone' | 'other'

/** What an answer has told of its bill. */
interface Told extends AnswerFacts {
  readonly usage: Usage | undefined
  readonly neurons?: number | undefined
}

/** The one account where there is a single pair of account and token. */
export const DEFAULT_ACCOUNT = 'default'

/** Characters of English text per token, the rule of thumb Cloudflare's own estimate uses. */
const CHARACTERS_PER_TOKEN = 4

/**
 * One call of a model at Cloudflare, by facts of its native answer: what a client is told may be summed up or estimated. Calls
 * whose answers were thrown away are calls like any other. Has all members from the beginning, as a record has.
 */
export class UpstreamCall {
  readonly model: ModelId
  /** Whose account was asked, by a name that is no secret. */
  readonly account: string
  /** From 1; a greater one repeats a call that failed. */
  readonly attempt: number
  /** `other` until the call has ended. */
  outcome: CallOutcome = 'other'
  /** The tokens Cloudflare has counted, of a stream that was cut so far; undefined where it has told none. */
  usage: Usage | undefined = undefined
  /** What Cloudflare bills, in neurons: from the header `cf-ai-neurons`, else from the last `usage.neurons`. */
  neurons: number | undefined = undefined
  /** Tokens guessed of an answer that has begun, where Cloudflare has counted none: 4 characters are a token. */
  estimate: Usage | undefined = undefined
  /** Its stream was ended before its end, by whichever side: what it has told is what was counted so far. */
  isCut = false
  /** AI Gateway has repeated an earlier answer. */
  isCacheHit = false
  /** Cloudflare has refused it because the free neurons of the day are used up. */
  isOverQuota = false
  /** What only traces tell; undefined where none are made. */
  readonly details: CallDetails | undefined

  constructor (model: ModelId, attempt: number, details?: CallDetails, account = DEFAULT_ACCOUNT) {
    this.model = model
    this.attempt = attempt
    this.details = details
    this.account = account
  }

  /** Notes what the head of an answer says of the bill. An answer out of AI Gateway's cache costs nothing. */
  readHead (headers: Readonly<Record<string, string | undefined>>): void {
    if (this.details !== undefined) this.details.requestId = headers['cf-ai-req-id']
    this.isCacheHit = isCacheHit(headers)
    if (this.isCacheHit) this.neurons = 0
    else if (headers['cf-ai-neurons'] !== undefined) this.neurons = toNeurons(Number(headers['cf-ai-neurons']))
  }

  /**
   * Ends a call whose answer has begun.
   * @param characters of all that the model has said, in UTF-16 code units
   * @param promptTokens an estimate
   * @param failure what broke it; undefined when it ended well, or was ended because the rest was of no use
   */
  end (told: Told, characters: number, promptTokens: number, failure?: unknown): void {
    const { usage, neurons } = told
    this.details?.end(told)
    this.outcome = failure === undefined ? 'ok' : toOutcome(failure)
    this.isOverQuota = saysUsedUp(failure)
    this.neurons ??= neurons
    const isCounted = usage !== undefined && (usage.completionTokens > 0 || characters === 0)
    if (isCounted) this.usage = usage
    else if (characters > 0 || this.outcome === 'client_gone' || this.outcome === 'ok') {
      const completionTokens = Math.ceil(characters / CHARACTERS_PER_TOKEN)
      this.estimate = { ...usage, promptTokens: usage?.promptTokens || promptTokens, completionTokens, estimated: true }
    }
  }

  /**
   * Ends a call that brought no answer. Cloudflare may bill the prompt of one that was given up while it was under way.
   * @param promptTokens an estimate
   */
  fail (failure: unknown, promptTokens: number): void {
    this.details?.end()
    this.outcome = toOutcome(failure)
    const isGivenUp = this.outcome === 'client_gone' || this.outcome === 'timeout'
    if (isGivenUp && this.usage === undefined) this.estimate ??= { promptTokens, completionTokens: 0, estimated: true }
    this.isOverQuota = saysUsedUp(failure)
  }
}

function saysUsedUp (failure: unknown): boolean {
  return failure instanceof UpstreamError && toFacts(failure).meaning === 'quota'
}

/** Whether AI Gateway says that an answer is one it has kept. */
export function isCacheHit (headers: Readonly<Record<string, string | undefined>>): boolean {
  return headers['cf-aig-cache-status'] === 'HIT'
}

/** A count of neurons; undefined for what is none. */
export function toNeurons (told: unknown): number | undefined {
  return typeof told === 'number' && Number.isFinite(told) && told >= 0 ? told : undefined
}

/** @param failure what was thrown, or why a call was ended */
export function toOutcome (failure: unknown): CallOutcome {
  if (failure instanceof ClientDisconnectedError) return 'client_gone'
  if (!(failure instanceof UpstreamError)) return 'other'
  const { kind, code, status } = failure
  if (kind === 'empty') return 'malformed'
  if (kind === 'out') return 'other'
  if (kind !== 'refused') return kind
  if (code !== undefined && isKnownCode(code)) return `code_${code}`
  return status >= 500 ? 'http_5xx' : 'other'
}
