import { errors } from 'undici'
import { UpstreamError } from '../../errors.ts'

/**
 * Classifies an error while the body of an answer was read: 'timeout', 'truncated' or 'malformed'.
 * Rethrows other errors: the reason of our own abort, and bugs.
 */
export function toStreamError (error: unknown, idleTimeoutMs?: number): UpstreamError {
  if (error instanceof UpstreamError) return error
  const code = codeOf(error)
  if (code === 'UND_ERR_BODY_TIMEOUT') {
    const duration = idleTimeoutMs === undefined ? '' : ` for ${idleTimeoutMs / 1_000} s`
    return new UpstreamError(`Cloudflare went silent${duration} inside the answer`, { kind: 'timeout', cause: error })
  }
  const isParserError = error instanceof errors.HTTPParserError
  // The parser's message for a connection that closed inside a chunk.
  const isEarlyEnd = isParserError && error.message.includes('EOF')
  if (isParserError && !isEarlyEnd) return brokenHttp(error)
  if (isEarlyEnd || isConnectionCode(code)) return new UpstreamError('Cloudflare ended the answer before its end', { kind: 'truncated', cause: error })
  throw error
}

/** Classifies an error before the head of an answer: 'timeout', 'unreachable' or 'malformed'. Returns bugs unchanged. */
export function toRequestError (error: unknown, headersTimeoutMs = 0): unknown {
  if (isBrokenHttp(error)) return brokenHttp(error)
  const code = codeOf(error)
  if (code === '' || code === 'UND_ERR_INVALID_ARG') return error
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new UpstreamError(`Cloudflare did not begin to answer within ${headersTimeoutMs / 1_000} s`, { kind: 'timeout', cause: error })
  }
  return new UpstreamError(`No answer from Cloudflare: the connection failed (${code})`, { kind: 'unreachable', cause: error })
}

/** Whether the received bytes are not an HTTP response. undici has no error code for an unexpected 100 or 101. */
function isBrokenHttp (error: unknown): boolean {
  if (
    error instanceof errors.HTTPParserError ||
    error instanceof errors.HeadersOverflowError ||
    error instanceof errors.ResponseContentLengthMismatchError
  ) { return true }
  return error instanceof Error && (error.message === 'bad response' || error.message === 'bad upgrade')
}

function brokenHttp (error: unknown): UpstreamError {
  // Not undici's error itself, because it contains the unparsed bytes, which may quote anything.
  const cause = new Error(error instanceof Error ? error.message : '')
  return new UpstreamError('Cloudflare answered with broken HTTP', { kind: 'malformed', cause })
}

function codeOf (error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** Codes of the operating system, TLS and undici; not those of aborts, nor Node's own for misuse. */
function isConnectionCode (code: string): boolean {
  return /^(?:E[A-Z]+|ERR_(?:SSL|TLS)_\w+|UND_ERR_(?:SOCKET|DESTROYED|CLOSED|RES_CONTENT_LENGTH_MISMATCH))$/.test(code)
}
