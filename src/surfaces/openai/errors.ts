import { LimitError, ProxyError, UpstreamError, quoted, type ProxyErrorOptions } from '../../errors.ts'
import { noteFailure, type Call, type TokenOwner } from '../../inference/call.ts'
import { toFailure, type Failure } from '../../inference/failure.ts'
import { toLoggedError } from '../../telemetry/logger.ts'
import type { ErrorBody } from './error-body.ts'
import { toLimitError } from './limit-refusal.ts'

/** What a failure of Workers AI is to a caller of OpenAI's API. */
type ErrorWording = Omit<ProxyErrorOptions, 'cause' | 'headers'> & { message?: string, headers?: Record<string, string> }

const NO_RETRY = { 'x-should-retry': 'false' }

const proxyToken: ErrorWording = {
  status: 401,
  type: 'authentication_error',
  code: 'upstream_authentication',
  message: "Cloudflare refused the proxy's own API token. Check CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID of the proxy; your key for the proxy is not the problem.",
  headers: NO_RETRY
}

const callerToken: ErrorWording = {
  ...proxyToken,
  type: 'invalid_request_error',
  code: 'invalid_api_key',
  message: 'Cloudflare refused your API key: this proxy takes it for your Cloudflare API token. Check that it is valid, may run Workers AI, and belongs to the account this proxy serves.'
}

const badRequest: ErrorWording = { status: 400, type: 'invalid_request_error' }
const noModel: ErrorWording = { status: 404, type: 'invalid_request_error', code: 'model_not_found', param: 'model' }
const forbidden: ErrorWording = { status: 403, type: 'permission_error' }
const rateLimit: ErrorWording = { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' }
const upstreamError: ErrorWording = { status: 502, type: 'server_error', code: 'upstream_error' }
const overflow: ErrorWording = { ...badRequest, code: 'context_length_exceeded', param: 'messages' }

const WORDINGS: Record<Exclude<Failure['meaning'], 'token' | 'quota'>, ErrorWording> = {
  'bad-request': badRequest,
  overflow,
  'too-large': { status: 413, type: 'invalid_request_error' },
  'gateway-token': { ...proxyToken, message: "The AI Gateway refused the proxy's token for it. Check CLOUDFLARE_AI_GATEWAY_TOKEN of the proxy; your key for the proxy is not the problem." },
  account: { ...proxyToken, status: 404, type: 'invalid_request_error', code: 'upstream_account', message: "Cloudflare does not know the proxy's account id. Check CLOUDFLARE_ACCOUNT_ID of the proxy: 32 hexadecimal digits, not the token." },
  'unknown-model': noModel,
  'retired-model': noModel,
  'private-model': forbidden,
  licence: forbidden,
  plan: forbidden,
  'blocked-account': forbidden,
  forbidden,
  out: { status: 429, type: 'insufficient_quota', code: 'insufficient_quota', headers: NO_RETRY },
  capacity: { ...rateLimit, headers: { 'x-should-retry': 'true' } },
  'rate-limit': rateLimit,
  overloaded: { status: 503, type: 'server_error', code: 'upstream_overloaded' },
  internal: upstreamError,
  failure: upstreamError,
  timeout: { status: 504, type: 'server_error', code: 'upstream_timeout', headers: NO_RETRY },
  unreachable: { ...upstreamError, code: 'upstream_unreachable' },
  malformed: { ...upstreamError, code: 'upstream_malformed' },
  empty: { ...upstreamError, code: 'upstream_malformed' },
  truncated: { ...upstreamError, code: 'upstream_truncated' }
}

/** OpenAI's name of the part of a request a refusal is about. */
const ABOUT: Record<NonNullable<Failure['about']>, Partial<ErrorWording>> = {
  lora: { param: 'lora' },
  stream: { param: 'stream' },
  format: { param: 'response_format', code: 'unsupported_value' },
  limit: { param: 'max_tokens' }
}

/**
 * The error a caller sees for a failure of Workers AI, or for a limit of its key. Anything else is returned as it is.
 * @param now for the time until a quota starts anew
 * @param current models to suggest in place of one that is retired, unknown, or only in the paid plan
 * @param owner whose token is to blame when Cloudflare refuses it
 */
export function toProxyError (error: unknown, now: Date, current: readonly string[] = [], owner: TokenOwner = 'proxy'): unknown {
  if (error instanceof LimitError) return toLimitError(error, now)
  if (!(error instanceof UpstreamError)) return error
  const failure = toFailure(error, now)
  const { message = toMessage(error, failure, current), headers = {}, ...options } = toWording(failure, error, owner)
  const { retryAfter } = failure
  return new ProxyError(message, {
    ...options,
    headers: { ...headers, ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }) },
    cause: error
  })
}

/**
 * The body of a failure. An error that is not meant for callers shows nothing of itself.
 * @param inputParam the member of the caller's body that holds what did not fit
 */
export function toErrorBody (error: unknown, inputParam = 'messages'): ErrorBody {
  const { message, type, param, code } = error instanceof ProxyError
    ? error
    : { message: 'The server had an error while processing your request. Sorry about that!', type: 'server_error', param: null, code: null }
  return { error: { message, type, param: code === overflow.code ? inputParam : param, code } }
}

/**
 * The error event for a failure after the first byte; undefined when the client has disconnected. One that is
 * a bug is logged.
 * @param inputParam as `toErrorBody` takes it
 */
export function toStreamFailure (error: unknown, call: Call, inputParam?: string): ErrorBody | undefined {
  if (!noteFailure(error, call)) return undefined
  const told = toProxyError(error, new Date(), [], call.tokenOwner)
  if (told === error && !('status' in (error as Error))) call.log.error({ err: toLoggedError(error) }, 'failed inside a stream')
  return toErrorBody(told, inputParam)
}

function toWording ({ meaning, about }: Failure, { status }: UpstreamError, owner: TokenOwner): ErrorWording {
  switch (meaning) {
    // A token that is none, and one that may not do this.
    case 'token': return toTokenWording(status === 403, owner)
    case 'quota': return {
      status: 429,
      type: 'insufficient_quota',
      code: 'insufficient_quota',
      headers: NO_RETRY
    }
    default: return { ...WORDINGS[meaning], ...(about && ABOUT[about]) }
  }
}

function toTokenWording (isForbidden: boolean, owner: TokenOwner): ErrorWording {
  const telling = owner === 'caller' ? callerToken : proxyToken
  if (!isForbidden) return telling
  return { ...telling, status: 403, ...(owner === 'proxy' && { type: 'permission_error' }) }
}

function toMessage ({ message, code }: UpstreamError, { meaning, next }: Failure, current: readonly string[]): string {
  const named = code === undefined ? quoted(message) : `${quoted(message)} (Workers AI ${code})`
  if (next !== undefined) return `${named}. ${next}${meaning === 'plan' && current.length > 0 ? ` Models that run without it: ${current.join(', ')}.` : ''}`
  if ((meaning !== 'unknown-model' && meaning !== 'retired-model') || current.length === 0) return named
  return `${named}. Models that are served now: ${current.join(', ')}. GET /v1/models lists all.`
}
