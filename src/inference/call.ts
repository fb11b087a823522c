import type { CancelSignal } from '../generation/cancellation.ts'
import type { Change } from '../generation/change.ts'
import { ClientDisconnectedError } from '../generation/client-disconnected.ts'
import type { Write } from '../generation/pipeline.ts'
import type { WireObserver } from '../workers-ai/transport/runner.ts'
import type { Allowance } from './allowance.ts'
import type { RequestRecord } from './request-record.ts'

/** Whose token Cloudflare judges: the proxy's own, or that of a caller who brought one as the key. */
export type TokenOwner = 'proxy' | 'caller'

/** Where lines about one request go. */
export interface CallLog {
  debug: (fields: object, message: string) => void
  error: (fields: object, message: string) => void
}

/** What one call brings beside the request it makes of a model, however it came in. */
export interface Call {
  readonly record: RequestRecord
  readonly log: CallLog
  /** Aborts when the client no longer waits for the answer. */
  readonly signal: CancelSignal
  /** The caller's own Cloudflare token, when callers bring theirs. */
  readonly apiToken: string | undefined
  readonly tokenOwner: TokenOwner
  /** Whose call it is, by a name that is no secret; undefined where no key is required. */
  readonly caller: string | undefined
  /** Whose account at Cloudflare is asked, by a name that is no secret. */
  readonly credential: string
  /** What the key of the call may use; undefined where it has no limits. */
  readonly allowance: Allowance | undefined
  /** Whether the caller may know which of several accounts serves it. */
  readonly seesAccounts: boolean
  /** The caller wants to see what would be sent, and nothing is. */
  readonly isDryRun: boolean
  /** What the caller says of caches: the value of `cache-control`. */
  readonly cacheControl: string | undefined
  /** The caller's words for the simulator. */
  readonly simulatorWords: string | string[] | undefined
  /** Tells that another model counts than the one the request names. */
  readonly modelChange: Change | undefined
  /** Sees all that goes over the wire, where that is to be logged. */
  readonly observer: WireObserver | undefined
  /** Hears the native frames of a stream, where the caller wants to see them. */
  readonly onFrame: Write<string> | undefined
  /**
   * @param cacheKey the caller's own name for what its prompt begins with
   * @param cachePrefix what it begins with, the same in every turn of a conversation
   * @returns what keeps the turns of one conversation together
   */
  toSessionAffinity: (cacheKey: string | undefined, cachePrefix: readonly unknown[]) => string
  /** Milliseconds since the call came. */
  elapsedMs: () => number
  /** Counts bytes that are held for this call. @throws ProxyError 503 when there is no room for them */
  holdMemory: (bytes: number) => void
  /** What was held for this call is free again. */
  releaseMemory: () => void
}

/**
 * The response headers about who has answered.
 * @param model id of the model
 * @param attempts how often Cloudflare was asked
 */
export function toServedHeaders (call: Call, model: string, attempts: number): Record<string, string> {
  const headers: Record<string, string> = { 'x-proxy-model': model, 'x-proxy-attempts': String(attempts) }
  const { account } = call.record
  if (account !== undefined && call.seesAccounts) headers['x-proxy-account'] = account
  return headers
}

/**
 * Notes what ended an answer after its first byte.
 * @returns false when the client has disconnected
 */
export function noteFailure (error: unknown, { record }: Pick<Call, 'record'>): boolean {
  if (error instanceof ClientDisconnectedError) return false
  record.error = error as Error
  return true
}
