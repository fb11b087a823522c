import { ProxyError, type ErrorType, type LimitError, type LimitFacts } from '../../errors.ts'

type RateLimit = Exclude<LimitFacts['limit'], 'models' | 'unpriced'>

/** What is counted, and OpenAI's `type` of the refusal. */
const RATES: Record<RateLimit, { counted: string, type: ErrorType }> = {
  parallel: { counted: 'requests in progress', type: 'requests' },
  rpm: { counted: 'requests per minute', type: 'requests' },
  rpd: { counted: 'requests per day', type: 'requests' },
  tpm: { counted: 'tokens per minute', type: 'tokens' },
  neurons_per_day: { counted: 'neurons per day', type: 'insufficient_quota' },
  neurons_per_month: { counted: 'neurons per month', type: 'insufficient_quota' }
}

/** SDKs wait a minute at most; a longer wait is no retry. */
const LONGEST_WAIT_MS = 60_000

const WHO_RAISES_IT = 'Whoever runs this proxy can raise it in KEY_LIMITS.'

/**
 * The refusal of a key's limit as OpenAI's API words and heads it: 429 with `retry-after`, and 403 for a model the key may
 * not use.
 * @param now for the moment the limit starts anew
 */
export function toLimitRefusal (error: LimitError, now: Date): ProxyError {
  const { facts, owner } = error
  if (facts.limit === 'models') return modelRefusal(`${capitalized(owner)} does not have access to the model \`${facts.model}\`. It may use: ${(facts.models ?? []).join(', ')}.`, 'model_not_found', error)
  if (facts.limit === 'unpriced') return modelRefusal(`${capitalized(owner)} has a budget of neurons, and the price of the model \`${facts.model}\` is not known. Use a model with "pricing" in GET /v1/models.`, 'model_not_priced', error)
  return rateRefusal(facts.limit, error, now)
}

function modelRefusal (message: string, code: string, cause: LimitError): ProxyError {
  return new ProxyError(message, { status: 403, type: 'invalid_request_error', code, param: 'model', cause })
}

function rateRefusal (limit: RateLimit, error: LimitError, now: Date): ProxyError {
  const { facts: { retryAfterMs, isHeld }, owner } = error
  const { counted, type } = RATES[limit]
  const isQuota = type === 'insufficient_quota' && isHeld !== true
  const isShort = retryAfterMs !== undefined && retryAfterMs <= LONGEST_WAIT_MS
  const code = isQuota ? 'insufficient_quota' : 'rate_limit_exceeded'
  const lead = isQuota ? 'You exceeded your current quota' : 'Rate limit reached'
  return new ProxyError(`${lead} for ${owner} on ${counted} (${limit}): ${toFigures(error.facts)}. ${toAdvice(error.facts, now)}`, {
    status: 429,
    type: isQuota ? type : type === 'insufficient_quota' ? 'tokens' : type,
    code,
    headers: { ...toRetryHeaders(retryAfterMs), 'x-should-retry': String(isShort && !isQuota) },
    cause: error
  })
}

function toFigures ({ limit, max = 0, used = 0, inputTokens, isHeld }: LimitFacts): string {
  const figures = `limit ${max}, ${limit === 'parallel' ? 'in progress' : 'used'} ${rounded(used)}`
  if (inputTokens !== undefined) return `${figures}, requested about ${inputTokens} of input`
  return isHeld ? `${figures}, and requests in progress may use the rest` : figures
}

function toAdvice ({ limit, retryAfterMs }: LimitFacts, now: Date): string {
  if (retryAfterMs === undefined) return `The input alone is more than the limit, so this request can never pass: shorten it. ${WHO_RAISES_IT}`
  // Clients read the time out of this very sentence, so it has one unit.
  if (retryAfterMs <= LONGEST_WAIT_MS || limit === 'tpm') return `Please try again in ${Math.ceil(retryAfterMs / 10) / 100}s. ${WHO_RAISES_IT}`
  return `It starts anew at ${new Date(now.getTime() + retryAfterMs).toISOString().replace(/\.\d+Z$/, 'Z')}. ${WHO_RAISES_IT}`
}

function toRetryHeaders (retryAfterMs: number | undefined): Record<string, string> {
  if (retryAfterMs === undefined) return {}
  return { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))), 'retry-after-ms': String(Math.max(1, Math.ceil(retryAfterMs))) }
}

function rounded (used: number): number {
  return Math.round(used * 100) / 100
}

function capitalized (text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
