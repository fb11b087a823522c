/** OpenAI's `error.type` values this proxy uses. */
export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'rate_limit_error'
  | 'requests'
  | 'tokens'
  | 'insufficient_quota'
  | 'server_error'

export interface ProxyErrorOptions {
  status: number
  type: ErrorType
  code?: string | null
  param?: string | null
  /** Response headers that tell SDKs what to do next, e.g. `retry-after`, `x-should-retry`. */
  headers?: Record<string, string>
  cause?: unknown
}

/** Stand around others' words inside a message. Unicode has no characters for these codes, so no text brings them. */
const [QUOTE, UNQUOTE] = ['\uFDD0', '\uFDD1']
const QUOTED = new RegExp(`${QUOTE}[^${UNQUOTE}]*${UNQUOTE}`, 'g')
const MARKS = new RegExp(`[${QUOTE}${UNQUOTE}]`, 'g')

/** Marks what a caller, a model or Cloudflare said inside the message or the `param` of a ProxyError: the log leaves it out. */
export function quoted (text: string): string {
  return QUOTE + text.replaceAll(MARKS, '') + UNQUOTE
}

/** The caller's name for a place of a request: the path of a member in the language of `generation/request.ts`. */
export type NameOf = (place: string) => string

/**
 * A sentence about a place of a request, made from what its reader calls the place.
 * @param name of the place
 * @param nameOf the names of other places
 */
export type Sentence = (name: string, nameOf: NameOf) => string

/** For readers who call every place as the language does. */
export const asItIs: NameOf = place => place

/** A failure a client can read and act on: it knows the HTTP status and OpenAI's error object its reader will see. */
export class ProxyError extends Error {
  override name = 'ProxyError'
  /** The message as it was given, with the marks of `quoted`. */
  readonly marked: string
  readonly status: number
  readonly type: ErrorType
  readonly code: string | null
  readonly param: string | null
  readonly headers: Record<string, string>

  #param: string | null
  #say: Sentence

  /**
   * @param message a text, or a sentence about the place that `param` is
   * @param options may have marks of `quoted` in `param`, and so may the message; its reader sees none
   */
  constructor (message: string | Sentence, options: ProxyErrorOptions) {
    const { status, type, code = null, param = null, headers = {}, cause } = options
    const say = typeof message === 'string' ? () => message : message
    const marked = say(param ?? '', asItIs)
    super(marked.replaceAll(MARKS, ''), cause === undefined ? undefined : { cause })
    this.marked = marked
    this.#say = say
    this.#param = param
    this.status = status
    this.type = type
    this.code = code
    this.param = param === null ? null : param.replaceAll(MARKS, '')
    this.headers = headers
  }

  /** Its message, with the marks of `quoted`, for a reader who calls places by other names. */
  say (nameOf: NameOf): string {
    return this.#say(this.#param === null ? '' : nameOf(this.#param), nameOf)
  }

  /** The same error for a reader who calls places by other names; itself where its own place has no other. */
  named (nameOf: NameOf): ProxyError {
    const { status, type, code, headers, cause } = this
    const param = this.#param === null ? null : nameOf(this.#param)
    return param === this.#param ? this : new ProxyError(this.say(nameOf), { status, type, code, param, headers, cause })
  }

  /** What the log may have of it: all but others' words. */
  toLogged (): { code: string | null, param: string | null, message: string } {
    const { code, marked } = this
    return { code, param: this.#param === null ? null : toUnquoted(this.#param), message: toUnquoted(marked) }
  }
}

function toUnquoted (text: string): string {
  return text.replaceAll(QUOTED, '…').slice(0, 500)
}

/** The caller sent something that cannot be served; 400 unless a status says otherwise. */
export class InvalidRequestError extends ProxyError {
  override name = 'InvalidRequestError'
  constructor (
    message: string | Sentence,
    { param = null, code = null, status = 400 }: { param?: string | null, code?: string | null, status?: number } = {}
  ) {
    super(message, { status, type: 'invalid_request_error', code, param })
  }
}

/** What stands at a place of a request cannot be served, and why. */
export function invalid (place: string, why: string, code = 'unsupported_value'): InvalidRequestError {
  return new InvalidRequestError(name => `Invalid '${name}': ${why}`, { param: place, code })
}

/** Where a call of Cloudflare failed. Each surface has its own words for it (see surfaces/openai/errors.ts). */
export type UpstreamErrorKind =
  | 'refused'      // Cloudflare answered with an error of its own
  | 'unreachable'  // no connection, or it broke before an answer
  | 'timeout'      // silence before the first byte or inside the answer
  | 'malformed'    // an answer that is not what the protocol promises
  | 'empty'        // an answer that holds nothing at all
  | 'truncated'    // an answer that ended before its end
  | 'out'          // Cloudflare was not asked: none of several accounts serves at the moment

export interface UpstreamErrorOptions {
  kind: UpstreamErrorKind
  /** HTTP status Cloudflare answered with; 0 when there was none. */
  status?: number
  /** `errors[0].code` of Cloudflare's envelope, or the code of an inner error. */
  code?: number | undefined
  /** `Retry-After` in seconds, when Cloudflare sent one. */
  retryAfter?: number | undefined
  cause?: unknown
}

/** Cloudflare failed us. `message` is Cloudflare's own sentence without its wrapping, or ours when there was none. */
export class UpstreamError extends Error {
  override name = 'UpstreamError'
  readonly kind: UpstreamErrorKind
  readonly status: number
  readonly code: number | undefined
  readonly retryAfter: number | undefined
  /** How many attempts had failed when this one was the last; 0 when Cloudflare was not asked at all. */
  attempts = 1

  constructor (message: string, { kind, status = 0, code, retryAfter, cause }: UpstreamErrorOptions) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
    this.status = status
    this.code = code
    this.retryAfter = retryAfter
  }
}

/**
 * What a key is limited in: the members of `KEY_LIMITS`, `unpriced` where a budget meets a model without a known price, and the free
 * neurons that all keys share.
 */
export type KeyLimitName = 'free_allocation' | 'models' | 'unpriced' | 'parallel' | 'rpm' | 'rpd' | 'tpm' | 'neurons_per_day' | 'neurons_per_month'

/** What is known of a limit that refuses a request. */
export interface LimitFacts {
  limit: KeyLimitName
  /** What may be used: requests, tokens or neurons. */
  max?: number
  used?: number
  /** What is not used is held for requests in progress, so that some of it may be free soon. */
  isHeld?: true
  /** Nobody can be asked what is left: what is shared with other processes cannot be reached. */
  isUnavailable?: true
  /** Tokens of the input of the request, as estimated. */
  inputTokens?: number
  /** Milliseconds until the same request may pass; absent where no time helps. */
  retryAfterMs?: number
  /** The model that was asked for. */
  model?: string
  /** The models the key may use. */
  models?: readonly string[]
}

/** A limit of the caller's key refuses the request, and nothing was sent. Each surface has its own words for it. */
export class LimitError extends Error {
  override name = 'LimitError'
  readonly facts: LimitFacts
  /** Whose limit it is, as the subject of a sentence: `the key 'alice'`. */
  readonly owner: string

  constructor (facts: LimitFacts, owner: string) {
    super(`${owner} has reached ${facts.limit}`)
    this.facts = facts
    this.owner = owner
  }
}

/** Why the program cannot start, in a sentence for the user. */
export class StartError extends Error {
  override name = 'StartError'
  /** 2 where settings are the cause, else 1. */
  readonly exitCode: 1 | 2

  constructor (message: string, exitCode: 1 | 2) {
    super(message)
    this.exitCode = exitCode
  }
}
