import { ProxyError, type LimitError } from '../../errors.ts'
import { toLimitRefusal } from '../../inference/limit-refusal.ts'

/**
 * The refusal of a key's limit: 429 as OpenAI tells a rate or a quota, 403 for a model the key may not use, 503 while
 * nobody knows what is left of a budget.
 * @param now for the moment the limit starts anew
 */
export function toLimitError (error: LimitError, now: Date): ProxyError {
  const { limit } = error.facts
  const { isAboutModel, isQuota, isUnavailable, text, headers } = toLimitRefusal(error, now)
  if (isAboutModel) {
    return new ProxyError(text, {
      status: 403,
      type: 'invalid_request_error',
      code: limit === 'models' ? 'model_not_found' : 'model_not_priced',
      param: 'model',
      cause: error
    })
  }
  if (isUnavailable) {
    return new ProxyError(`No budget is available for ${text}`, { status: 503, type: 'server_error', code: 'budget_unavailable', headers, cause: error })
  }
  if (isQuota) {
    const quota = 'insufficient_quota'
    return new ProxyError(`You exceeded your current quota for ${text}`, { status: 429, type: quota, code: quota, headers, cause: error })
  }
  const type = limit === 'parallel' || limit === 'rpm' || limit === 'rpd' ? 'requests' : 'tokens'
  return new ProxyError(`Rate limit reached for ${text}`, { status: 429, type, code: 'rate_limit_exceeded', headers, cause: error })
}
