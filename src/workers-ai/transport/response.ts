import { UpstreamError } from '../../errors.ts'
import { toStreamError } from './connection-errors.ts'
import { isCacheHit } from './upstream-call.ts'
import { FORWARDED_HEADERS, headerOf, type UpstreamResponse, type ResponseBody } from './dispatch.ts'
import { describeBody, errorInAnswer, readJson, retryAfterSeconds, toUpstreamError } from './error-envelope.ts'
import type { RunAnswer, WireObserver } from './runner.ts'

/** How the read parts of an answer are handled. */
interface Reading {
  /** Removes the secrets of the request from a text. */
  redact: (text: string) => string
  observer?: WireObserver | undefined
}

const MAX_WHOLE_BYTES = 32 * 1024 * 1024
const MAX_ERROR_BYTES = 64 * 1024
const ERROR_BODY_TIMEOUT_MS = 2_000

/**
 * The JSON object or array of an answer, of at most 32 MiB, also of one with the content type of a stream.
 * @throws UpstreamError ('refused', 'malformed', 'timeout' or 'truncated')
 */
export async function toWholeJson (answer: RunAnswer<'json' | 'events'>): Promise<object> {
  if (answer.form === 'json') return answer.json
  const { status: statusCode, body, redact } = answer
  return toJson((await readAll({ statusCode, body })).toString(), { statusCode, headers: { 'content-type': 'text/event-stream' } }, { redact })
}

/** The JSON of a whole answer. Throws the failure that Cloudflare may report with status 200. */
export function toJson (text: string, response: Pick<UpstreamResponse, 'statusCode' | 'headers'>, { redact, observer }: Reading): object {
  observer?.received(redact(text))
  const json = readJson(text)
  if (json !== undefined && errorInAnswer(json) === undefined) return json
  const answer = { status: response.statusCode, contentType: headerOf(response, 'content-type'), text }
  if (json === undefined) throw new UpstreamError(describeBody(answer), { kind: 'malformed', status: answer.status })
  throw toUpstreamError({ ...answer, retryAfter: retryAfter(response) }, redact)
}

/** The error for a response that is not a success: reads as much of its body as explains it. */
export async function toRefusedError (response: UpstreamResponse, { redact, observer }: Reading): Promise<UpstreamError> {
  const text = isEncoded(response) ? '' : await readStart(response)
  response.body.destroy()
  observer?.received(redact(text))
  const answer = { status: response.statusCode, contentType: headerOf(response, 'content-type'), text, retryAfter: retryAfter(response) }
  return toUpstreamError(answer, redact)
}

/** The same body. The observer, if there is one, gets it when it has ended. */
export function tapped (body: ResponseBody, { observer, redact }: Reading): ResponseBody {
  if (observer === undefined) return body
  const read: ResponseBody['read'] = async sink => {
    const pieces: Buffer[] = []
    try {
      await body.read({
        write: bytes => {
          pieces.push(bytes)
          return sink.write(bytes)
        }
      })
    } finally {
      observer.received(redact(Buffer.concat(pieces).toString()))
    }
  }
  return { read, destroy: () => body.destroy(), release: () => body.release() }
}

/** Why a 2xx or 3xx cannot be read as an answer. Redirects are never followed: they would send the token elsewhere. */
export function whyUnreadable (response: UpstreamResponse): string | undefined {
  const status = response.statusCode
  if (status >= 300) return `Cloudflare answered ${status}, and redirects are not followed`
  if (status >= 204 && status <= 206) return `Cloudflare answered ${status} where a whole answer was expected`
  return isEncoded(response) ? `Cloudflare answered ${status} with a compressed body that was not asked for` : undefined
}

/** Whether the response to a request for bytes has them: it may also be JSON, or an HTML page with an error. */
export function isBytes (response: Pick<UpstreamResponse, 'headers'>): boolean {
  return /^(?!text\/)[^/]+\/(?!json\b|[\w.-]+\+json\b)/i.test(headerOf(response, 'content-type'))
}

function isEncoded (response: UpstreamResponse): boolean {
  return !/^(?:identity)?$/i.test(headerOf(response, 'content-encoding').trim())
}

/** The forwarded headers with a plain value; a value that contains a secret is left out. */
export function forwardedHeaders (response: UpstreamResponse, redacted: (text: string) => string): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of FORWARDED_HEADERS) {
    const value = headerOf(response, name)
    if (fitsHeader(value) && redacted(value) === value) headers[name] = value
  }
  // AI Gateway repeats the header of the answer that it kept, which is billed once.
  if (isCacheHit(headers) && headers['cf-ai-neurons'] !== undefined) headers['cf-ai-neurons'] = '0'
  return headers
}

function retryAfter (response: Pick<UpstreamResponse, 'headers'>): number | undefined {
  return retryAfterSeconds(headerOf(response, 'retry-after'), new Date())
}

/** Whether a text can be the value of a header: 1 to 256 characters of visible ASCII. */
export function fitsHeader (value: string): boolean {
  return /^[\x21-\x7e]{1,256}$/.test(value)
}

/** All of a body, of at most 32 MiB. @throws UpstreamError ('malformed', 'timeout' or 'truncated') */
export async function readAll ({ statusCode: status, body }: Pick<UpstreamResponse, 'statusCode' | 'body'>, idleTimeoutMs?: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  try {
    await body.read({
      write: piece => {
        size += piece.length
        pieces.push(piece)
        return size > MAX_WHOLE_BYTES ? 'cancel' : undefined
      }
    })
  } catch (error) {
    throw toStreamError(error, idleTimeoutMs)
  }
  if (size > MAX_WHOLE_BYTES) {
    body.destroy()
    throw new UpstreamError(`Cloudflare answered ${status} with more than 32 MiB`, { kind: 'malformed', status })
  }
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces, size)
}

/** The beginning of an error's body. However it ends, the status is the most important part. */
async function readStart ({ body }: UpstreamResponse): Promise<string> {
  const pieces: Buffer[] = []
  let size = 0
  const timer = setTimeout(() => body.destroy(), ERROR_BODY_TIMEOUT_MS)
  try {
    await body.read({
      write: piece => {
        pieces.push(piece)
        size += piece.length
        return size >= MAX_ERROR_BYTES ? 'cancel' : undefined
      }
    })
  } catch {
    // the part that arrived is used
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(pieces).subarray(0, MAX_ERROR_BYTES).toString()
}
