import { UpstreamError } from '../errors.ts'

/** The model itself is not to be had: unknown, retired, not allowed or not paid for. */
const NO_SUCH_MODEL = new Set([3041, 3042, 5007, 5016, 5018, 5028, 5035, 7001])

/**
 * Whether another model may do better where this one failed before its first token. A wrong request, a wrong token and
 * the account's used-up quota would fail there as well.
 */
export function mayFallBack (error: unknown): error is UpstreamError {
  if (!(error instanceof UpstreamError)) return false
  if (error.kind !== 'refused') return true
  const { code, status, message } = error
  if (code === 4006 || code === 3036 || /daily free allocation/i.test(message)) return false
  return code === 3040 || (code !== undefined && NO_SUCH_MODEL.has(code)) || status === 429 || status === 408 || status >= 500
}
