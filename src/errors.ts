/** OpenAI's `error.type` values this proxy uses. */
export type ErrorType = 'invalid_request_error' | 'authentication_error' | 'permission_error' | 'rate_limit_error' | 'insufficient_quota' | 'server_error'

export interface ProxyErrorOptions {
  status: number
  type: ErrorType
  code?: string | null
  param?: string | null
  /** Response headers that tell SDKs what to do next, e.g. `retry-after`, `x-should-retry`. */
  headers?: Record<string, string>
  cause?: unknown
}

/** A failure a client can read and act on: it knows the HTTP status and OpenAI's error object its reader will see. */
export class ProxyError extends Error {
  override name = 'ProxyError'
  readonly status: number
  readonly type: ErrorType
  readonly code: string | null
  readonly param: string | null
  readonly headers: Record<string, string>

  constructor (message: string, { status, type, code = null, param = null, headers = {}, cause }: ProxyErrorOptions) {
    super(message, cause === undefined ? undefined : { cause })
    this.status = status
    this.type = type
    this.code = code
    this.param = param
    this.headers = headers
  }
}

/** The caller sent something that cannot be served; 400 unless a status says otherwise. */
export class InvalidRequestError extends ProxyError {
  override name = 'InvalidRequestError'
  constructor (message: string, { param = null, code = null, status = 400 }: { param?: string | null, code?: string | null, status?: number } = {}) {
    super(message, { status, type: 'invalid_request_error', code, param })
  }
}

/** Where the talk with Cloudflare broke, before OpenAI's words are chosen for it (see translate/error.ts). */
export type UpstreamErrorKind =
  | 'refused'      // Cloudflare answered with an error of its own
  | 'unreachable'  // no connection, or it broke before an answer
  | 'timeout'      // silence before the first byte or inside the answer
  | 'malformed'    // an answer that is not what the protocol promises
  | 'empty'        // an answer that holds nothing at all
  | 'truncated'    // an answer that ended before its end

export interface UpstreamErrorOptions {
  kind: UpstreamErrorKind
  /** HTTP status Cloudflare answered with; 0 when there was none. */
  status?: number
  /** `errors[0].code` of Cloudflare's envelope, or the code of an inner error. */
  code?: number | undefined
  /** `Retry-After` in seconds, when Cloudflare sent one. */
  retryAfter?: number | undefined
  cause?: unknown
}

/** Cloudflare failed us. `message` is Cloudflare's own sentence without its wrapping, or ours when there was none. */
export class UpstreamError extends Error {
  override name = 'UpstreamError'
  readonly kind: UpstreamErrorKind
  readonly status: number
  readonly code: number | undefined
  readonly retryAfter: number | undefined
  /** How many attempts had failed when this one was the last; 0 when Cloudflare was not asked at all. */
  attempts = 1

  constructor (message: string, { kind, status = 0, code, retryAfter, cause }: UpstreamErrorOptions) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
    this.status = status
    this.code = code
    this.retryAfter = retryAfter
  }
}

/** What keeps the program from starting, in a sentence for whoever started it. */
export class StartError extends Error {
  override name = 'StartError'
  /** 2 where settings are the cause, else 1. */
  readonly exitCode: 1 | 2

  constructor (message: string, exitCode: 1 | 2) {
    super(message)
    this.exitCode = exitCode
  }
}
