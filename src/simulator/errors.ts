import { STATUS_CODES } from 'node:http'
import { ERROR_CODES } from '../workers-ai/transport/error-codes.ts'

interface Row {
  status: number
  message: string
  /** `edge`: said by the API in front of Workers AI, with `result: null`; `service`, the usual: by Workers AI itself, with `result: {}`. */
  origin?: 'service' | 'edge'
}

/** These come without `AiError: ` before the sentence. */
const BARE = [5007, 5025, 5028]

const ROWS: ReadonlyMap<number, Row> = new Map(ERROR_CODES.map(({ code, status, sentence, origin = 'service' as const }): [number, Row] => {
  const message = origin === 'edge' || BARE.includes(code) ? sentence : `AiError: ${sentence}`
  return [code, { status, message, origin }]
}))

/** A failure as Cloudflare would answer it: an HTTP status and an envelope with one error. */
export class NativeError extends Error {
  override name = 'NativeError'
  readonly code: number
  readonly status: number
  readonly origin: 'service' | 'edge'

  /** `code` is Cloudflare's, and one that is not known becomes a 500 of Workers AI; `change` replaces what usually comes with it. */
  constructor (code: number, change: Partial<Row> = {}) {
    const { status, message, origin = 'service' }: Row = { ...ROWS.get(code) ?? { status: 500, message: 'AiError: Internal server error' }, ...change }
    super(message)
    this.code = code
    this.status = status
    this.origin = origin
  }
}

/** Code 5006 with the sentence of Cloudflare's validator about one or more faults. */
export function toBadInput (faults: string): NativeError {
  return new NativeError(5006, { message: `AiError: Bad input: Error: ${faults}` })
}

/** Code 8007: what a vLLM server of Workers AI refused, its error object quoted inside the sentence. */
export function toVllmRefusal (message: string): NativeError {
  return new NativeError(8007, { message: `AiError: AiError: ${toVllmError(message)}` })
}

function toVllmError (message: string): string {
  return JSON.stringify({ object: 'error', message, type: 'BadRequestError', param: null, code: 400 })
}

/** The JSON body of a failure. An `AiError` ends with the request's id in brackets, as it does upstream. */
export function toFailureEnvelope ({ code, message, origin }: NativeError, requestId: string): object {
  if (origin === 'edge') return { success: false, errors: [{ code, message }], messages: [], result: null }
  return { errors: [{ message: withId(message, requestId), code }], success: false, result: {}, messages: [] }
}

/** The same failure under HTTP 200, where only `success` shows it: seen for transient capacity and internal failures. */
export function toFailureIn200 ({ code, message }: NativeError, requestId: string): object {
  return { result: null, success: false, errors: [{ code, message: withId(message, requestId) }], messages: [] }
}

function withId (message: string, requestId: string): string {
  return message.startsWith('AiError') ? `${message} (${requestId})` : message
}

/** What Cloudflare's edge sends for an HTTP status when no server answered it: a page, or one line from 504 on. */
export function toEdgePage (status: number): { type: string, body: string } {
  if (status >= 504) return { type: 'text/plain; charset=UTF-8', body: `error code: ${status}` }
  const title = `${status} ${STATUS_CODES[status] ?? 'Error'}`
  return {
    type: 'text/html',
    body: `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n`
  }
}
