import { ProxyError } from '../../errors.ts'
import { MICRO_NEURONS_PER_NEURON, type Bill } from '../../workers-ai/models/price.ts'
import { toOutcome, type UpstreamCall } from '../../workers-ai/transport/upstream-call.ts'
import type { EndedRequest } from '../ended-requests.ts'
import { toOperation, toUpstreamError, type Operation } from '../metrics/figures.ts'

/** What `GET /events` tells of a request that has ended: JSON, without content, and bounded in size. */
export interface RequestEvent {
  /** The answer's `x-request-id`; a client may have chosen it. */
  id: string
  /** Unix time in milliseconds. */
  ended_at: number
  key: string
  method: string
  /** Its pattern, or `unknown`. */
  route: string
  /** As the caller named it, shortened; null where none was named. */
  model: string | null
  served: string | null
  operation: Operation | null
  status: number
  stream: boolean
  /** The tokens of the answer; null where nobody counted any. The second is a part of the first, the fourth one of the third. */
  input_tokens: number | null
  cached_input_tokens: number | null
  output_tokens: number | null
  reasoning_tokens: number | null
  /** Of all calls of Cloudflare, billed, computed or estimated; null where there was none. */
  neurons: number | null
  first_token_ms: number | null
  duration_ms: number
  /** How often Cloudflare was asked, and how many of those repeated a call that had failed. */
  attempts: number
  retries: number
  /** As in `x-proxy-warnings`. */
  changes: string[]
  /** The outcome of the call that failed, as metrics name it, or the code of the proxy's own error. */
  error: string | null
  /** Only for who may see everybody's requests. */
  account?: string | null
  /** The caller only wanted to see what would be sent. */
  dry_run?: true
}

export interface EventSources {
  toBill: (call: UpstreamCall) => Bill
  /** Unix time in milliseconds. */
  now: () => number
}

/** Longest text of a caller's own, in characters. */
const MAX_TEXT = 200

/** @returns undefined for what is no use of the proxy: pages, scrapes, and what shows figures */
export function toRequestEvent (ended: EndedRequest, { toBill, now }: EventSources): RequestEvent | undefined {
  const { record, request, route, method, status, elapsedMs, isCounted } = ended
  if (!isCounted || request.routeConfig.figuresOf !== undefined) return undefined
  const { calls = [], model, servedModel, firstTokenMs, changes } = record
  const last = calls.at(-1)
  const usage = record.usage ?? last?.usage ?? last?.estimate
  return {
    id: request.id,
    ended_at: now(),
    key: record.keyLabel,
    method,
    route,
    model: model?.slice(0, MAX_TEXT) ?? null,
    served: servedModel?.slice(0, MAX_TEXT) ?? null,
    operation: toOperation(ended) ?? null,
    status,
    stream: record.stream ?? false,
    input_tokens: usage?.promptTokens ?? null,
    cached_input_tokens: usage?.cachedTokens ?? null,
    output_tokens: usage?.completionTokens ?? null,
    reasoning_tokens: usage?.reasoningTokens ?? null,
    neurons: calls.length === 0 ? null : calls.reduce((sum, call) => sum + toBill(call).microNeurons, 0) / MICRO_NEURONS_PER_NEURON,
    first_token_ms: firstTokenMs === undefined ? null : Math.round(firstTokenMs),
    duration_ms: Math.round(elapsedMs),
    attempts: record.attempts ?? calls.length,
    retries: calls.filter(({ attempt }) => attempt > 1).length,
    changes: changes === undefined ? [] : changes.split(', '),
    error: toErrorCode(ended),
    account: record.account ?? last?.account ?? null,
    ...(record.kind === 'dry-run' && { dry_run: true as const })
  }
}

function toErrorCode ({ record: { error, told }, isAborted }: EndedRequest): string | null {
  const upstream = toUpstreamError(error)
  if (upstream !== undefined) return toOutcome(upstream)
  const own = [told, error].find(one => one instanceof ProxyError)
  if (own !== undefined) return own.code ?? own.type
  if (isAborted) return 'client_gone'
  return error === undefined ? null : 'internal_error'
}
