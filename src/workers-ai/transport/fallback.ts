import { UpstreamError } from '../../errors.ts'
import { toFacts } from './error-codes.ts'

/**
 * Whether another model may succeed where this one failed before its first token. A wrong request, a wrong token and a used-up
 * quota would fail there as well.
 */
export function mayFallBack (error: unknown): error is UpstreamError {
  return error instanceof UpstreamError && toFacts(error).fallback
}

/** Whether Cloudflare says that the model is retired. */
export function saysRetired (error: UpstreamError): boolean {
  return toFacts(error).meaning === 'retired-model'
}
