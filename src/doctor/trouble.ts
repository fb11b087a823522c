import { UpstreamError } from '../errors.ts'

/** What stands between us and an answer: the way there, the account id, the token, or something behind all three. */
export type Trouble = 'network' | 'account' | 'token' | 'other'

const UNKNOWN_ACCOUNT = 7003

/** The code by which an AI Gateway, and not the API, refuses a token. */
export const GATEWAY_REFUSAL = 2009

/** What Cloudflare's API says of tokens it does not take; 10000 is by far the commonest. */
const REFUSALS = [10000, 9109, 6003, 6111, GATEWAY_REFUSAL]

/** Sorts what the client throws; a refusal without a code is judged by its status. */
export function toTrouble (error: unknown): Trouble {
  if (!(error instanceof UpstreamError)) return 'other'
  const { kind, code, status } = error
  if (kind !== 'refused') return 'network'
  if (code === UNKNOWN_ACCOUNT) return 'account'
  const isTokenRefused = code === undefined ? status === 401 || status === 403 : REFUSALS.includes(code)
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
