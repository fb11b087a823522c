import { toDuration } from '../text/figures.ts'

/** What a person can do about a failure. */
export type FailureKind = 'key' | 'quota' | 'busy' | 'plan' | 'admin' | 'figures' | 'model' | 'size' | 'context' | 'request' | 'upstream' | 'unreachable' | 'broken'

interface Facts {
  kind: FailureKind
  status?: number
  code?: string
  param?: string
  /** Seconds. */
  retryAfter?: number
  requestId?: string
}

/** The server's refusal, in its own words. */
export class ServerError extends Error {
  override name = 'ServerError'
  readonly kind: FailureKind
  readonly status: number | undefined
  readonly code: string | undefined
  readonly param: string | undefined
  readonly retryAfter: number | undefined
  readonly requestId: string | undefined

  constructor (message: string, { kind, status, code, param, retryAfter, requestId }: Facts) {
    super(message)
    this.kind = kind
    this.status = status
    this.code = code
    this.param = param
    this.retryAfter = retryAfter
    this.requestId = requestId
  }
}

interface ErrorObject {
  message?: unknown
  type?: unknown
  code?: unknown
  param?: unknown
}

/** @param body as it came; it may be no JSON where a server in front answered */
export function toServerError (status: number, headers: Pick<Headers, 'get'>, body: string): ServerError {
  const error = readErrorObject(body)
  const code = typeof error.code === 'string' ? error.code : typeof error.type === 'string' ? error.type : undefined
  const retryAfter = Number(headers.get('retry-after') ?? NaN)
  const requestId = headers.get('x-request-id')
  return new ServerError(typeof error.message === 'string' ? error.message : `The server answered with status ${status}.`, {
    kind: toKind(status, code),
    status,
    ...(code !== undefined && { code }),
    ...(typeof error.param === 'string' && { param: error.param }),
    ...(retryAfter >= 0 && { retryAfter }),
    ...(requestId !== null && { requestId })
  })
}

/** The error event of a stream that had begun. */
export function toStreamError (error: ErrorObject): ServerError {
  return new ServerError(typeof error.message === 'string' ? error.message : 'The stream ended with an error.', {
    kind: 'broken',
    ...(typeof error.code === 'string' && { code: error.code })
  })
}

/** What to do about it, in one sentence. */
export function toAdvice ({ kind, retryAfter, param }: Pick<ServerError, 'kind' | 'retryAfter' | 'param'>): string {
  const wait = retryAfter === undefined ? '' : toDuration(retryAfter * 1_000)
  switch (kind) {
    case 'key': return 'Enter a key of this server at the top of the page.'
    case 'quota': return wait === '' ? 'Wait until the limit is reset, or ask whoever runs this server.' : `It can be used again in ${wait}. Until then, another account or the Workers Paid plan helps.`
    case 'busy': return wait === '' ? 'Try again in a moment, or choose another model.' : `Try again in ${wait}, or choose another model.`
    case 'plan': return 'Choose a model that the free plan runs. The view "Models" shows which.'
    case 'admin': return 'Figures are shown to keys of ADMIN_KEYS, and to a key of API_KEYS that has a name. Enter one of these as the key.'
    case 'figures': return 'This key shows requests and charts. For models enter a key of API_KEYS.'
    case 'model': return 'Choose another model. The view "Models" lists those of this account.'
    case 'size': return 'Make the request smaller: fewer or smaller images, a shorter conversation.'
    case 'context': return 'Start a new conversation, shorten it, or choose a model with a larger window.'
    case 'request': return param === undefined ? 'Change the request and send it again.' : `Change "${param}" and send it again.`
    case 'upstream': return 'Try again, or choose another model. Cloudflare could not answer this one.'
    case 'unreachable': return 'Check that the server is running and that you are online, then try again.'
    case 'broken': return 'What had arrived is kept above. Try again.'
  }
}

function toKind (status: number, code = ''): FailureKind {
  if (status === 401) return 'key'
  if (status === 429) return /quota|budget|allocation/.test(code) ? 'quota' : 'busy'
  if (code.startsWith('context_length')) return 'context'
  if (status === 404 || code === 'model_not_found') return 'model'
  if (code === 'admin_key_only') return 'figures'
  if (code.startsWith('admin_key')) return 'admin'
  if (status === 403) return 'plan'
  if (status === 413) return 'size'
  if (status === 503) return 'busy'
  return status >= 500 ? 'upstream' : 'request'
}

/** OpenAI's and Anthropic's errors both have an object `error`. */
function readErrorObject (body: string): ErrorObject {
  try {
    const { error } = JSON.parse(body) as { error?: unknown }
    if (typeof error === 'object' && error !== null) return error
  } catch {}
  return {}
}
