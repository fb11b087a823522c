import { STATUS_CODES } from 'node:http'

interface Row {
  status: number
  message: string
  /** `edge`: said by the API in front of Workers AI, with `result: null`; `service`, the usual: by Workers AI itself, with `result: {}`. */
  origin?: 'service' | 'edge'
}

/** The codes of Cloudflare's error page and those observed beside it, each with the sentence it comes with. */
const ROWS: Record<number, Row> = {
  3003: { status: 400, message: 'AiError: Request is missing headers or body' },
  3006: { status: 413, message: 'AiError: Request is too large' },
  3007: { status: 408, message: 'AiError: Request timeout' },
  3008: { status: 408, message: 'AiError: Request was aborted' },
  3023: { status: 403, message: 'AiError: Service unavailable for account' },
  3030: { status: 400, message: 'AiError: Internal Server Error' },
  3036: { status: 429, message: "AiError: You have used up your daily free allocation of 10,000 neurons. Please upgrade to Cloudflare's Workers Paid plan if you would like to continue usage." },
  3039: { status: 400, message: 'AiError: Finetune is missing required files (model.safetensors and config.json)' },
  3040: { status: 429, message: 'AiError: Capacity temporarily exceeded, please try again.' },
  3041: { status: 403, message: 'AiError: The account is not allowed to access this model' },
  3042: { status: 404, message: 'AiError: The model name is invalid' },
  4006: { status: 429, message: "AiError: you have used up your daily free allocation of 10,000 neurons, please upgrade to Cloudflare's Workers Paid plan if you would like to continue usage." },
  5004: { status: 400, message: 'AiError: Invalid data type for base64 input: undefined' },
  5005: { status: 405, message: 'AiError: The model does not support LoRa inference' },
  5006: { status: 400, message: "AiError: Bad input: Error: oneOf at '/' not met, 0 matches: required properties at '/' are 'prompt', required properties at '/' are 'messages'" },
  5007: { status: 400, message: 'No such model @cf/simulated/model or task' },
  5016: { status: 403, message: 'AiError: User has not agreed to Llama3.2 model terms' },
  5018: { status: 403, message: 'AiError: The account is not allowed to access this model' },
  5019: { status: 405, message: 'AiError: Request trying to use deprecated SDK version' },
  5021: { status: 413, message: 'AiError: Ai: The estimated number of input and maximum output tokens (24092) exceeded this model context window limit (24000).' },
  5023: { status: 400, message: 'AiError: JSON Schema mode is not supported with stream mode.' },
  5024: { status: 400, message: "AiError: JSON Mode couldn't be met" },
  5025: { status: 400, message: "This model doesn't support JSON Schema" },
  5028: { status: 400, message: 'This model was deprecated on 2026-05-30. Please use an alternative model.' },
  5035: { status: 403, message: 'AiError: Model requires Workers Paid plan' },
  6003: { status: 400, message: 'Invalid request headers', origin: 'edge' },
  7000: { status: 400, message: 'No route for that URI', origin: 'edge' },
  7001: { status: 404, message: 'AiError: AiError: {"object":"error","message":"The model does not exist.","type":"NotFoundError","param":null,"code":404}' },
  7003: { status: 404, message: 'Could not route to /client/v4/accounts/unknown/ai/run, perhaps your object identifier is invalid?', origin: 'edge' },
  8001: { status: 400, message: 'AiError: Invalid input' },
  8005: { status: 500, message: 'AiError: Internal Server Error' },
  8006: { status: 400, message: 'AiError: The forced tool call could not be completed within max_tokens' },
  8007: { status: 400, message: `AiError: AiError: ${toVllmError("Requested token count exceeds the model's maximum context length of 262144 tokens.")}` },
  9109: { status: 403, message: 'Unauthorized to access requested resource', origin: 'edge' },
  10000: { status: 401, message: 'Authentication error', origin: 'edge' }
}

/** A failure as Cloudflare would answer it: an HTTP status and an envelope with one error. */
export class NativeError extends Error {
  override name = 'NativeError'
  readonly code: number
  readonly status: number
  readonly origin: 'service' | 'edge'

  /** `code` is Cloudflare's, and one that is not known becomes a 500 of Workers AI; `change` replaces what usually comes with it. */
  constructor (code: number, change: Partial<Row> = {}) {
    const { status, message, origin = 'service' }: Row = { ...ROWS[code] ?? { status: 500, message: 'AiError: Internal server error' }, ...change }
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

/** Code 8007: what a vLLM server behind Workers AI refused, its error object quoted inside the sentence. */
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

/** The same failure under HTTP 200, where only `success` tells: seen for transient capacity and internal failures. */
export function toFailureIn200 ({ code, message }: NativeError, requestId: string): object {
  return { result: null, success: false, errors: [{ code, message: withId(message, requestId) }], messages: [] }
}

function withId (message: string, requestId: string): string {
  return message.startsWith('AiError') ? `${message} (${requestId})` : message
}

/** What Cloudflare's edge sends for an HTTP status when nothing behind it answered: a page, or one line from 504 on. */
export function toEdgePage (status: number): { type: string, body: string } {
  if (status >= 504) return { type: 'text/plain; charset=UTF-8', body: `error code: ${status}` }
  const title = `${status} ${STATUS_CODES[status] ?? 'Error'}`
  return {
    type: 'text/html',
    body: `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n`
  }
}
