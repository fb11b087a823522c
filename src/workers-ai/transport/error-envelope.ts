import { UpstreamError } from '../../errors.ts'

/** What went wrong in Cloudflare's own words, out of their wrapping, and its number where it gave one. */
export interface Failure {
  message: string
  code?: number
}

/** A body that is no ordinary answer, as it came over the wire. */
export interface BodyInTrouble {
  status: number
  contentType: string
  text: string
  /** Seconds. */
  retryAfter?: number | undefined
}

interface FailureShape {
  success?: unknown
  errors?: unknown
  error?: unknown
  object?: unknown
  name?: unknown
  message?: unknown
  description?: unknown
  code?: unknown
  internalCode?: unknown
}

const MAX_MESSAGE_LENGTH = 1_000

/**
 * Finds the failure in a JSON value from Cloudflare or its model servers; undefined for an ordinary answer.
 * Known shapes: the API's envelope (`errors`, `success: false`), OpenAI's and AI Gateway's `error`, vLLM's
 * `object: "error"`, and the bare AiError with its `internalCode`. It looks at the top level only, so that it
 * costs next to nothing on every frame of a stream.
 */
export function errorIn (value: unknown): Failure | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const answer = value as FailureShape
  if (answer.success === true) return undefined
  const stated = firstOf(answer.errors) ?? firstOf(answer.error)
  if (stated !== undefined) return toFailure(stated)
  const isFailure = answer.success === false || answer.object === 'error' || answer.name === 'AiError' || answer.internalCode != null
  return isFailure ? toFailure(answer) : undefined
}

/** The same of a whole answer, where the failure of the model may stand inside an envelope that knows of none. */
export function errorInAnswer (answer: object): Failure | undefined {
  return errorIn(answer) ?? errorIn((answer as { result?: unknown }).result)
}

/**
 * The error for an answer that is a refusal. Bodies without a readable failure (web pages of the edge, plain text,
 * nothing at all) get a sentence of ours: nothing of such a page is repeated.
 * @param redact takes secrets out of Cloudflare's sentence
 */
export function toUpstreamError (
  { status, contentType, text, retryAfter }: BodyInTrouble,
  redact = (sentence: string) => sentence
): UpstreamError {
  const json = readJson(text)
  const failure =
    json === undefined
      ? { message: describeBody({ status, contentType, text }) }
      : (errorInAnswer(json) ?? { message: `Cloudflare answered ${status} without saying why` })
  return new UpstreamError(redact(failure.message), { kind: 'refused', status, code: failure.code, retryAfter })
}

/** One sentence about a body that could not be read as JSON; it names the status and never quotes the body. */
export function describeBody ({ status, contentType, text }: BodyInTrouble): string {
  const start = text.trimStart()
  if (start === '') return `Cloudflare answered ${status} with an empty body`
  if (start.startsWith('<') || /html/i.test(contentType)) return `Cloudflare answered ${status} with a web page instead of JSON`
  if (/^[{[]/.test(start)) return `Cloudflare answered ${status} with JSON that does not parse`
  return `Cloudflare answered ${status} with something other than JSON`
}

/** The JSON object or array in a text, whatever its content type claims; undefined when it holds neither. */
export function readJson (text: string): object | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined
  try {
    return JSON.parse(text) as object
  } catch {
    return undefined
  }
}

/** Seconds to wait by a `Retry-After` header (a number of seconds or an HTTP date), never below 0; undefined when it is neither. */
export function retryAfterSeconds (header: string | undefined, now: Date): number | undefined {
  const value = header?.trim() ?? ''
  if (/^\d{1,9}(?:\.\d{1,3})?$/.test(value)) return Number(value)
  // Date.parse makes a date of nearly anything, "-5" included; an HTTP date always ends with GMT.
  if (!value.endsWith('GMT')) return undefined
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now.getTime()) / 1_000))
}

/** `errors` may be a list, one object or one string; so may `error`, which AI Gateway sends as a list. */
function firstOf (stated: unknown): unknown {
  const first: unknown = Array.isArray(stated) ? stated[0] : stated
  return first === null || first === false || first === '' ? undefined : first
}

function toFailure (stated: unknown): Failure {
  const shape: FailureShape = typeof stated === 'object' && stated !== null ? stated : { message: stated }
  // Beside a description the message of an AiError only repeats it with a prefix.
  const sentence = [shape.description, shape.message].find(text => typeof text === 'string' && text !== '')
  const inner = unwrap(typeof sentence === 'string' ? sentence : '')
  const code = toCode(shape.internalCode) ?? toCode(shape.code) ?? inner.code
  return {
    message: inner.message === '' ? 'Cloudflare reported a failure without saying why' : inner.message,
    ...(code !== undefined && { code })
  }
}

/** The code is a number, or the same number as text; the names OpenAI-shaped errors use are none. */
function toCode (code: unknown): number | undefined {
  if (typeof code === 'number' && Number.isInteger(code)) return code
  return typeof code === 'string' && /^\d{1,6}$/.test(code) ? Number(code) : undefined
}

/**
 * `AiError: Ai: … (request id)`: the prefixes repeat once per layer the failure passed, the request id is in a header
 * anyway, and what is left may be the model server's own error as JSON text.
 */
function unwrap (sentence: string): Failure {
  const text = sentence
    .trim()
    .replace(/^(?:(?:AiError|Ai):\s*)+/, '')
    .replace(/ ?\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\)$/i, '')
  return errorIn(readJson(text)) ?? { message: withoutAddresses(text) }
}

/**
 * Cloudflare quotes the path it could not route, account id included, and pages quote their address. Credentials
 * should never be quoted; should a header ever be echoed, its token stays here as well.
 */
function withoutAddresses (text: string): string {
  if (/<(?:!doctype|html|head|body)\b/i.test(text)) return ''
  return text
    .slice(0, 4 * MAX_MESSAGE_LENGTH) // megabytes are not worth searching
    .replace(/https?:\/\/[^\s"'<>)]+|(?<![^\s"'(])[^\s"'(]*\/accounts\/[^\s"',)]*/gi, '[address]')
    .replace(/\bBearer\s+[^\s"',]+/gi, 'Bearer [token]')
    .replace(/\b[0-9a-f]{32}\b/gi, '[id]')
    .slice(0, MAX_MESSAGE_LENGTH)
    .trim()
}
