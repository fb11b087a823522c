import { ProxyError, UpstreamError, type ProxyErrorOptions } from '../errors.ts'
import type { ErrorBody } from '../openai/error.ts'

/** What a failure of Workers AI means to a caller of OpenAI's API. */
type Meaning = Omit<ProxyErrorOptions, 'cause' | 'headers'> & { message?: string, headers?: Record<string, string> }

/** Words by which Cloudflare and its model servers say that the prompt and the answer do not fit. */
const OVERFLOW = /context window limit|maximum context length|requested token count exceeds|supports at most \d+/i

/** Both codes stand for the day's free neurons; only the text tells them from other 429s that bear no code. */
const QUOTA = /daily free allocation/i

const badRequest: Meaning = { status: 400, type: 'invalid_request_error' }
const noModel: Meaning = { status: 404, type: 'invalid_request_error', code: 'model_not_found', param: 'model' }
const forbidden: Meaning = { status: 403, type: 'permission_error' }
const overflow: Meaning = { status: 400, type: 'invalid_request_error', code: 'context_length_exceeded', param: 'messages' }
const capacity: Meaning = { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded', headers: { 'x-should-retry': 'true' } }
const timeout: Meaning = { status: 504, type: 'server_error', code: 'upstream_timeout' }
/** Whose token Cloudflare judged: the proxy's own, or that of a caller who brought one as the key. */
export type TokenOwner = 'proxy' | 'caller'

const proxyToken: Meaning = {
  status: 401,
  type: 'authentication_error',
  code: 'upstream_authentication',
  message: "Cloudflare refused the proxy's own API token. Check CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID of the proxy; your key for the proxy is not the problem.",
  headers: { 'x-should-retry': 'false' }
}

const callerToken: Meaning = {
  ...proxyToken,
  type: 'invalid_request_error',
  code: 'invalid_api_key',
  message: 'Cloudflare refused your API key: this proxy takes it for your Cloudflare API token. Check that it is valid, may run Workers AI, and belongs to the account this proxy serves.'
}

/**
 * Cloudflare's codes and what they become; from Cloudflare's error page and from answers seen on live accounts.
 * What is not here is decided by the HTTP status.
 */
const CODES: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [10000, proxyToken],
  [9109, { ...proxyToken, status: 403, type: 'permission_error' }],
  [6003, proxyToken],
  [6111, proxyToken],
  [7003, { ...proxyToken, status: 404, type: 'invalid_request_error', code: 'upstream_account', message: "Cloudflare does not know the proxy's account id. Check CLOUDFLARE_ACCOUNT_ID of the proxy: 32 hexadecimal digits, not the token." }],
  [7000, noModel],
  [7001, noModel],
  [5007, noModel],
  [5028, noModel],
  [3042, noModel],
  [3003, badRequest],
  [3030, badRequest],
  [3039, badRequest],
  [5004, badRequest],
  [5005, { ...badRequest, param: 'lora' }],
  [5006, badRequest],
  [5023, { ...badRequest, param: 'stream' }],
  [5025, { ...badRequest, code: 'unsupported_value', param: 'response_format' }],
  [8001, badRequest],
  [8006, { ...badRequest, param: 'max_tokens' }],
  [8007, badRequest],
  [3006, { status: 413, type: 'invalid_request_error' }],
  [3010, overflow],
  [5021, overflow],
  [3023, forbidden],
  [3041, forbidden],
  [5016, forbidden],
  [5018, forbidden],
  [5019, badRequest],
  [5035, forbidden],
  [3007, timeout],
  [3008, timeout],
  [3040, capacity]
])

/**
 * The error a caller sees for a failure of Workers AI. Anything else is returned as it is.
 * @param now for the time until the daily quota is renewed at 00:00 UTC
 * @param current models to suggest in place of one that is retired or unknown
 * @param owner whose token is to blame when Cloudflare refuses it
 */
export function toProxyError (error: unknown, now: Date, current: readonly string[] = [], owner: TokenOwner = 'proxy'): unknown {
  if (!(error instanceof UpstreamError)) return error
  const meaning = toBlame(toMeaning(error, now), owner)
  const { message = toMessage(error, meaning, current), headers = {}, ...options } = meaning
  const retryAfter = headers['retry-after'] ?? (error.retryAfter === undefined ? undefined : String(Math.max(1, Math.ceil(error.retryAfter))))
  return new ProxyError(message, {
    ...options,
    headers: { ...headers, ...(retryAfter !== undefined && { 'retry-after': retryAfter }) },
    cause: error
  })
}

/**
 * The body of a failure. An error that is not meant for callers tells nothing of itself.
 * @param inputParam the member of the caller's body that holds what did not fit
 */
export function toErrorBody (error: unknown, inputParam = 'messages'): ErrorBody {
  const { message, type, param, code } = error instanceof ProxyError
    ? error
    : { message: 'The server had an error while processing your request. Sorry about that!', type: 'server_error', param: null, code: null }
  return { error: { message, type, param: code === overflow.code ? inputParam : param, code } }
}

function toBlame (meaning: Meaning, owner: TokenOwner): Meaning {
  return owner === 'caller' && meaning.code === proxyToken.code ? { ...callerToken, status: meaning.status } : meaning
}

function toMeaning (error: UpstreamError, now: Date): Meaning {
  switch (error.kind) {
    case 'timeout': return timeout
    case 'unreachable': return { status: 502, type: 'server_error', code: 'upstream_unreachable' }
    case 'malformed': return { status: 502, type: 'server_error', code: 'upstream_malformed' }
    case 'truncated': return { status: 502, type: 'server_error', code: 'upstream_truncated' }
    case 'refused': return toRefusal(error, now)
  }
}

function toRefusal ({ code, status, message }: UpstreamError, now: Date): Meaning {
  if (code === 4006 || code === 3036 || QUOTA.test(message)) {
    return {
      status: 429,
      type: 'insufficient_quota',
      code: 'insufficient_quota',
      headers: { 'x-should-retry': 'false', 'retry-after': String(secondsToMidnight(now)) }
    }
  }
  if (OVERFLOW.test(message)) return overflow
  const known = code === undefined ? undefined : CODES.get(code)
  if (known) return known
  switch (status) {
    case 401: return proxyToken
    case 403: return forbidden
    case 404: return noModel
    case 408: return timeout
    case 413: return { status: 413, type: 'invalid_request_error' }
    case 429: return { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' }
    case 503: return { status: 503, type: 'server_error', code: 'upstream_overloaded' }
    case 504: return timeout
  }
  if (status >= 400 && status < 500) return badRequest
  return { status: 502, type: 'server_error', code: 'upstream_error' }
}

function toMessage ({ message, code }: UpstreamError, meaning: Meaning, current: readonly string[]): string {
  const named = code === undefined ? message : `${message} (Workers AI ${code})`
  if (meaning.code !== 'model_not_found' || current.length === 0) return named
  return `${named} Models that are served now: ${current.join(', ')}. GET /v1/models lists all.`
}

function secondsToMidnight (now: Date): number {
  const midnight = Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1)
  return Math.max(1, Math.ceil((midnight - now.getTime()) / 1000))
}
