import { UpstreamError } from '../../errors.ts'
import { toFacts } from './error-codes.ts'

/** What prevents an answer: the network, the account id, the token, or something after all three. */
export type FailureKind = 'network' | 'account' | 'token' | 'other'

/** Sorts what the client throws; a refusal without a code is judged by its status. */
export function toFailureKind (error: unknown): FailureKind {
  if (!(error instanceof UpstreamError)) return 'other'
  if (error.kind !== 'refused') return 'network'
  const { meaning } = toFacts(error)
  if (meaning === 'account') return 'account'
  // A bare 403 says no more of a token than that it is refused.
  const isTokenRefused = meaning === 'token' || meaning === 'gateway-token' || (meaning === 'forbidden' && error.code === undefined)
  return isTokenRefused ? 'token' : 'other'
}

/** The operating system's or TLS's word for a connection that failed, e.g. `ENOTFOUND`; empty when there is none. */
export function toConnectionCode (error: unknown): string {
  const cause = error instanceof UpstreamError && error.kind === 'unreachable' ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}

/** Cloudflare's words, with its code, as a sentence. */
export function toSentence (error: unknown): string {
  const words = (error instanceof Error ? error.message : String(error)).replace(/[.\s]+$/, '')
  return error instanceof UpstreamError && error.code !== undefined ? `${words} (${error.code}).` : `${words}.`
}
