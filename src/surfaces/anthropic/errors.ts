import { LimitError, ProxyError, UpstreamError, quoted, type ProxyErrorOptions } from '../../errors.ts'
import type { TokenOwner } from '../../inference/call.ts'
import { toFailure, type Failure } from '../../inference/failure.ts'
import { toLimitRefusal } from '../../inference/limit-refusal.ts'
import type { AnthropicErrorBody, AnthropicErrorType } from './error-body.ts'

/** What a failure of Workers AI is to a caller of Anthropic's API: a status, which says the type as well, and maybe other words. */
interface ErrorWording {
  status: number
  message?: string
  headers?: Record<string, string>
}

/** Anthropic's code by which its SDKs know that they have to send the whole conversation again. */
export const THREAD_NOT_FOUND = 'thread_not_found'

const NO_RETRY = { 'x-should-retry': 'false' }

/** Anthropic's status of a server that has too much to do; clients wait and try again. */
const OVERLOADED = 529

/**
 * 500 and not 401: the caller's key is not the problem, and Claude Code tries a 401 again for minutes.
 */
const proxyToken: ErrorWording = {
  status: 500,
  message: "Cloudflare refused the proxy's own API token. Check CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID of the proxy; your key for the proxy is not the problem.",
  headers: NO_RETRY
}

const callerToken: ErrorWording = {
  status: 401,
  message: 'Cloudflare refused your API key: this proxy takes it for your Cloudflare API token. Check that it is valid, may run Workers AI, and belongs to the account this proxy serves.',
  headers: NO_RETRY
}

const badRequest: ErrorWording = { status: 400 }
const noModel: ErrorWording = { status: 404 }
const forbidden: ErrorWording = { status: 403 }
const upstreamError: ErrorWording = { status: 502 }

const WORDINGS: Record<Exclude<Failure['meaning'], 'token' | 'overflow'>, ErrorWording> = {
  'bad-request': badRequest,
  'too-large': { status: 413 },
  'gateway-token': { ...proxyToken, message: "The AI Gateway refused the proxy's token for it. Check CLOUDFLARE_AI_GATEWAY_TOKEN of the proxy; your key for the proxy is not the problem." },
  account: { ...proxyToken, message: "Cloudflare does not know the proxy's account id. Check CLOUDFLARE_ACCOUNT_ID of the proxy: 32 hexadecimal digits, not the token." },
  'unknown-model': noModel,
  'retired-model': noModel,
  'private-model': forbidden,
  licence: forbidden,
  plan: forbidden,
  'blocked-account': forbidden,
  forbidden,
  quota: { status: 429, headers: NO_RETRY },
  out: { status: 429, headers: NO_RETRY },
  capacity: { status: OVERLOADED, headers: { 'x-should-retry': 'true' } },
  'rate-limit': { status: 429 },
  overloaded: { status: OVERLOADED },
  internal: upstreamError,
  failure: upstreamError,
  timeout: { status: 504, headers: NO_RETRY },
  unreachable: upstreamError,
  malformed: upstreamError,
  empty: upstreamError,
  truncated: upstreamError
}

/** What is known of a request when it fails. */
export interface FailedRequest {
  /** For the time until the daily quota is renewed at 00:00 UTC. */
  now: Date
  /** Models to suggest in place of one that is retired, unknown, or only in the paid plan. */
  current?: readonly string[]
  /** Whose token is to blame when Cloudflare refuses it. */
  owner: TokenOwner
  /** Tokens of its prompt, estimated. */
  promptTokens?: number | undefined
  /** Tokens of the model's context window. */
  contextWindow?: number | undefined
}

/** The error a caller sees for a failure of Workers AI, or for a limit of its key. Anything else is returned as it is. */
export function toProxyError (error: unknown, request: FailedRequest): unknown {
  if (error instanceof LimitError) return toLimitError(error, request.now)
  if (!(error instanceof UpstreamError)) return error
  const failure = toFailure(error, request.now)
  if (failure.meaning === 'overflow') return toOverflow(error, failure, request)
  const { status, message = toMessage(error, failure, request.current ?? []), headers = {} } = toWording(failure, error, request.owner)
  const { retryAfter } = failure
  return new ProxyError(message, {
    status,
    type: TYPES_IN_THE_LOG[status] ?? 'server_error',
    headers: { ...headers, ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) },
    cause: error
  })
}

/**
 * The refusal of a key's limit: 403 for a model the key may not use, else 429, which Claude Code tries again unless it is told not
 * to. A prompt that can never pass is told as too long, for then agents shorten their conversation.
 */
function toLimitError (error: LimitError, now: Date): ProxyError {
  const { facts: { inputTokens, max = 0, retryAfterMs } } = error
  const { isAboutModel, isQuota, isUnavailable, text, headers } = toLimitRefusal(error, now)
  if (isAboutModel) return new ProxyError(text, { status: 403, type: 'permission_error', cause: error })
  if (inputTokens !== undefined && retryAfterMs === undefined) return tooLong(`${inputTokens} tokens > ${max} maximum. This is a limit of ${text}`, error)
  if (isUnavailable) {
    return new ProxyError(`No budget is available for ${text}`, { status: 503, type: 'server_error', code: 'budget_unavailable', headers, cause: error })
  }
  const message = `${isQuota ? 'The quota is used up' : 'This request would exceed the rate limit'} for ${text}`
  return new ProxyError(message, { status: 429, type: 'rate_limit_error', headers, cause: error })
}

/** The body of a failure. An error that is not meant for callers shows nothing of itself. */
export function toErrorBody (error: unknown, requestId: string): AnthropicErrorBody {
  const [type, message]: [AnthropicErrorType, string] = error instanceof ProxyError ? [toErrorType(toStatus(error)), error.message] : ['api_error', 'Internal server error']
  const details = error instanceof ProxyError && error.code === THREAD_NOT_FOUND ? { details: { error_code: THREAD_NOT_FOUND } } : {}
  return { type: 'error', error: { type, message, ...details }, request_id: requestId }
}

/** The HTTP status of a failure: Anthropic's own where it has another one. */
export function toStatus (error: unknown): number {
  if (!(error instanceof ProxyError)) return 500
  return error.status === 503 ? OVERLOADED : error.status
}

function toErrorType (status: number): AnthropicErrorType {
  switch (status) {
    case 401: return 'authentication_error'
    case 402: return 'billing_error'
    case 403: return 'permission_error'
    case 404: return 'not_found_error'
    case 408: return 'timeout_error'
    case 409: return 'conflict_error'
    case 413: return 'request_too_large'
    case 429: return 'rate_limit_error'
    case 504: return 'timeout_error'
    case OVERLOADED: return 'overloaded_error'
  }
  return status < 500 ? 'invalid_request_error' : 'api_error'
}

/** What a ProxyError of such a status is elsewhere; this API goes by the status alone. */
const TYPES_IN_THE_LOG: Record<number, ProxyErrorOptions['type']> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'invalid_request_error',
  413: 'invalid_request_error',
  429: 'rate_limit_error'
}

function toWording ({ meaning }: Failure, { status }: UpstreamError, owner: TokenOwner): ErrorWording {
  if (meaning === 'overflow') return badRequest
  if (meaning !== 'token') return WORDINGS[meaning]
  if (owner === 'proxy') return proxyToken
  // A token that is none, and one that may not do this.
  return status === 403 ? { ...callerToken, status: 403 } : callerToken
}

/** Windows below it hold little more than the instructions of an agent, in tokens. */
const SMALL_WINDOW = 32_000

/**
 * A prompt that does not fit the context window, in the sentence by which Claude Code and other agents know that they have to
 * shorten their conversation. Cloudflare's own numbers come first: they may hold the limit of the answer, too.
 */
function toOverflow (error: UpstreamError, { tokens }: Failure, { promptTokens, contextWindow }: FailedRequest): ProxyError {
  const limit = tokens?.limit ?? contextWindow
  const said = [tokens?.asked, promptTokens].find(one => one !== undefined && (limit === undefined || one > limit))
  const asked = said ?? (limit ?? 0) + 1
  const small = limit !== undefined && limit < SMALL_WINDOW ? `. Agents such as Claude Code need a model with a window of ${SMALL_WINDOW} tokens or more` : ''
  return tooLong(limit === undefined ? quoted(error.message) : `${asked} tokens > ${limit} maximum${small}`, error)
}

function tooLong (why: string, cause: Error): ProxyError {
  return new ProxyError(`prompt is too long: ${why}`, { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded', cause })
}

function toMessage ({ message, code }: UpstreamError, { meaning, next }: Failure, current: readonly string[]): string {
  const named = code === undefined ? quoted(message) : `${quoted(message)} (Workers AI ${code})`
  if (next !== undefined) return `${named}. ${next}${meaning === 'plan' && current.length > 0 ? ` Models that run without it: ${current.join(', ')}.` : ''}`
  if (meaning !== 'unknown-model' && meaning !== 'retired-model') return named
  const served = current.length > 0 ? ` Models that are served now: ${current.join(', ')}.` : ''
  return `${named}.${served} GET /v1/models lists all; MODEL_ALIASES and DEFAULT_MODEL of the proxy give them other names.`
}
