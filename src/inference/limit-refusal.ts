import type { KeyLimitName, LimitError, LimitFacts } from '../errors.ts'

/** A refusal by a limit, in what is the same in every API; how it begins is the API's. */
export interface LimitRefusal {
  /** The key may not use the model: no time helps. */
  isAboutModel: boolean
  /** A budget is used up; other limits are rates. */
  isQuota: boolean
  /** Nobody knows what is left of a budget, which is no fault of the caller. */
  isUnavailable: boolean
  /** Whose limit, which, and what to do: `the key 'alice' on …`; a whole sentence where it is about the model. */
  text: string
  /** When to try again, and whether at all. */
  headers: Record<string, string>
}

const COUNTED: Record<Exclude<KeyLimitName, 'models' | 'unpriced'>, string> = {
  parallel: 'requests in progress',
  rpm: 'requests per minute',
  rpd: 'requests per day',
  tpm: 'tokens per minute',
  neurons_per_day: 'neurons per day',
  neurons_per_month: 'neurons per month',
  free_allocation: 'free neurons per day'
}

/** SDKs wait a minute at most; a longer wait is no retry. */
const LONGEST_WAIT_MS = 60_000

const WHO_RAISES_IT = 'Whoever runs this proxy can raise it in KEY_LIMITS.'
const WHO_TURNS_IT_OFF = 'Whoever runs this proxy can let calls be billed: FREE_NEURONS_GUARD=off.'

const QUOTAS: ReadonlySet<KeyLimitName> = new Set(['neurons_per_day', 'neurons_per_month', 'free_allocation'])

/** @param now for the moment a limit starts anew */
export function toLimitRefusal ({ facts, owner }: LimitError, now: Date): LimitRefusal {
  const { limit, retryAfterMs, isHeld, isUnavailable } = facts
  if (limit === 'models' || limit === 'unpriced') return { isAboutModel: true, isQuota: false, isUnavailable: false, text: toModelText(facts, owner), headers: {} }
  if (isUnavailable) return { isAboutModel: false, isQuota: false, isUnavailable, text: toUnavailableText(facts, owner), headers: { ...toRetryHeaders(retryAfterMs), 'x-should-retry': 'true' } }
  const isQuota = QUOTAS.has(limit) && isHeld !== true
  const isWorthRetry = !isQuota && retryAfterMs !== undefined && retryAfterMs <= LONGEST_WAIT_MS
  return {
    isAboutModel: false,
    isQuota,
    isUnavailable: false,
    text: `${owner} on ${COUNTED[limit]} (${limit}): ${toFigures(facts)}. ${toAdvice(facts, now)}`,
    headers: { ...toRetryHeaders(retryAfterMs), 'x-should-retry': String(isWorthRetry) }
  }
}

function toModelText ({ limit, model, models = [] }: LimitFacts, owner: string): string {
  const subject = owner.charAt(0).toUpperCase() + owner.slice(1)
  if (limit === 'models') return `${subject} does not have access to the model \`${model}\`. It may use: ${models.join(', ')}.`
  return `${subject} has a budget of neurons, and the price of the model \`${model}\` is not known. Use a model with "pricing" in GET /v1/models.`
}

function toUnavailableText ({ limit, max = 0, retryAfterMs = 0 }: LimitFacts, owner: string): string {
  return `${owner} on ${COUNTED[limit as keyof typeof COUNTED]} (${limit}): limit ${max}, and what replicas have used together cannot be asked at the moment. Please try again in ${retryAfterMs / 1_000}s.`
}

function toFigures ({ limit, max = 0, used = 0, inputTokens, isHeld }: LimitFacts): string {
  const figures = `limit ${max}, ${limit === 'parallel' ? 'in progress' : 'used'} ${Math.round(used * 100) / 100}`
  if (inputTokens !== undefined) return `${figures}, requested about ${inputTokens} of input`
  return isHeld ? `${figures}, and requests in progress may use the rest` : figures
}

function toAdvice ({ limit, retryAfterMs }: LimitFacts, now: Date): string {
  if (retryAfterMs === undefined) return `The input alone is more than the limit, so this request can never pass: shorten it. ${WHO_RAISES_IT}`
  const who = limit === 'free_allocation' ? WHO_TURNS_IT_OFF : WHO_RAISES_IT
  // Clients read the time out of this very sentence, so it has one unit.
  if (retryAfterMs <= LONGEST_WAIT_MS || limit === 'tpm') return `Please try again in ${Math.ceil(retryAfterMs / 10) / 100}s. ${who}`
  return `It starts anew at ${new Date(now.getTime() + retryAfterMs).toISOString().replace(/\.\d+Z$/, 'Z')}. ${who}`
}

function toRetryHeaders (retryAfterMs: number | undefined): Record<string, string> {
  if (retryAfterMs === undefined) return {}
  return { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1_000))), 'retry-after-ms': String(Math.max(1, Math.ceil(retryAfterMs))) }
}
