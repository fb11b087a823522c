import type { UpstreamCall } from '../../workers-ai/transport/upstream-call.ts'
import type { Bill } from '../../workers-ai/models/price.ts'
import type { EndedRequest } from '../ended-requests.ts'
import { toLoggedPath } from '../logged-path.ts'
import { toErrorType, toOperation } from '../metrics/figures.ts'
import { toContentAttributes } from './message-content.ts'

export type Attributes = Record<string, string | number | boolean | string[]>

/** What a span is, whatever library makes it. Times are milliseconds since the epoch. */
export interface SpanFacts {
  name: string
  startMs: number
  endMs: number
  attributes: Attributes
  /** Whether its status is an error; else it has none. */
  isError: boolean
  /** Attributes with what was said, where that is wanted. */
  content?: Attributes | undefined
}

/** What spans are made with beside the record. */
export interface SpanSources {
  /** Where calls of models go. */
  upstream: { address: string, port: number }
  /** What a call costs. */
  toBill: (call: UpstreamCall) => Bill
}

/** When a request began and ended, in milliseconds since the epoch. */
export interface Moments {
  startMs: number
  endMs: number
  /** Added to times of `performance.now()`. */
  offsetMs: number
}

/** GenAI's name of a provider that is none of those it knows. */
const PROVIDER = 'cloudflare.workers_ai'

/** Models are named by callers. */
const MAX_MODEL_LENGTH = 200

/** @param now of `performance.now()` and @param epochMs of the clock, at the same moment: right after the request has ended */
export function toMoments ({ elapsedMs }: Pick<EndedRequest, 'elapsedMs'>, now: number, epochMs: number): Moments {
  return { startMs: epochMs - elapsedMs, endMs: epochMs, offsetMs: epochMs - now }
}

/** The name of the span of a request: HTTP's conventions want the method alone where no route is known. */
export function toServerSpanName ({ method, route }: Pick<EndedRequest, 'method' | 'route'>): string {
  return route === 'unknown' ? method : `${method} ${route}`
}

/** The span of a request, by HTTP's conventions for servers. */
export function toServerSpan (ended: EndedRequest, { startMs, endMs }: Moments): SpanFacts {
  const { record, method, route, status, request } = ended
  const { error, keyLabel, changes, model, cache } = record
  const attributes: Attributes = {
    'http.request.method': method,
    'http.response.status_code': status,
    'url.path': toLoggedPath(request.url),
    'url.scheme': 'http',
    'workers_ai_proxy.key': keyLabel,
    'workers_ai_proxy.request_id': request.id
  }
  if (route !== 'unknown') attributes['http.route'] = route
  if (model !== undefined) attributes['workers_ai_proxy.requested_model'] = model.slice(0, MAX_MODEL_LENGTH)
  if (cache !== undefined) attributes['workers_ai_proxy.cache'] = cache
  if (changes !== undefined) attributes['workers_ai_proxy.changes'] = changes.split(', ')
  const errorType = toErrorType(record, status)
  if (errorType !== undefined) attributes['error.type'] = errorType
  // What a client is at fault for is no error of a server. An answer that broke has had its status sent already.
  const isError = !ended.isAborted && (status >= 500 || (status < 400 && error !== undefined))
  return { name: toServerSpanName(ended), startMs, endMs, attributes, isError }
}

/** The spans of its calls of Cloudflare, by GenAI's conventions for clients, in their order. */
export function toCallSpans (ended: EndedRequest, moments: Moments, sources: SpanSources): SpanFacts[] {
  const operation = toOperation(ended) ?? 'chat'
  const { calls = [] } = ended.record
  return calls.flatMap(call => call.details === undefined ? [] : [toCallSpan(call, call.details, { operation, moments, sources })])
}

type Details = NonNullable<UpstreamCall['details']>

interface CallContext {
  operation: string
  moments: Moments
  sources: SpanSources
}

function toCallSpan (call: UpstreamCall, details: Details, { operation, moments, sources }: CallContext): SpanFacts {
  const { startMs, endMs, offsetMs } = moments
  const { model, outcome, attempt, account } = call
  const { startedAt, endedAt, content } = details
  const attributes: Attributes = {
    'gen_ai.operation.name': operation,
    'gen_ai.provider.name': PROVIDER,
    'gen_ai.request.model': model,
    'server.address': sources.upstream.address,
    'server.port': sources.upstream.port,
    'workers_ai.account': account,
    ...toRequestAttributes(details),
    ...toAnswerAttributes(details),
    ...toUsageAttributes(call)
  }
  if (attempt > 1) attributes['http.request.resend_count'] = attempt - 1
  const { microNeurons, source } = sources.toBill(call)
  if (source !== 'unpriced' && (microNeurons > 0 || source === 'billed')) attributes['workers_ai.neurons'] = microNeurons / 1_000_000
  if (outcome !== 'ok') attributes['error.type'] = outcome
  const begin = Math.max(startMs, startedAt + offsetMs)
  return {
    name: `${operation} ${model}`,
    startMs: begin,
    endMs: Math.max(begin, endedAt === undefined ? endMs : endedAt + offsetMs),
    attributes,
    isError: outcome !== 'ok' && outcome !== 'client_gone',
    content: content && toContentAttributes(content)
  }
}

function toRequestAttributes ({ asked }: Details): Attributes {
  const attributes: Attributes = { 'gen_ai.request.stream': asked.stream }
  const { choices = 1, stop } = asked
  if (choices !== 1) attributes['gen_ai.request.choice.count'] = choices
  if (stop !== undefined) attributes['gen_ai.request.stop_sequences'] = [...stop]
  if (asked.isJson === true) attributes['gen_ai.output.type'] = 'json'
  const numbers: ReadonlyArray<[name: string, value: number | undefined]> = [
    ['max_tokens', asked.maxTokens], ['temperature', asked.temperature], ['top_p', asked.topP], ['top_k', asked.topK], ['seed', asked.seed],
    ['frequency_penalty', asked.frequencyPenalty], ['presence_penalty', asked.presencePenalty]
  ]
  for (const [name, value] of numbers) if (value !== undefined) attributes[`gen_ai.request.${name}`] = value
  return attributes
}

function toAnswerAttributes ({ answerId, answerModel, finishReason, requestId, firstPieceAt, startedAt }: Details): Attributes {
  const attributes: Attributes = {}
  if (answerId !== undefined) attributes['gen_ai.response.id'] = answerId
  if (answerModel !== undefined) attributes['gen_ai.response.model'] = answerModel
  if (finishReason !== undefined) attributes['gen_ai.response.finish_reasons'] = [finishReason]
  if (requestId !== undefined) attributes['workers_ai.req_id'] = requestId
  if (firstPieceAt !== undefined) attributes['gen_ai.response.time_to_first_chunk'] = (firstPieceAt - startedAt) / 1_000
  return attributes
}

function toUsageAttributes ({ usage, estimate }: UpstreamCall): Attributes {
  const counted = usage ?? estimate
  if (counted === undefined) return {}
  const attributes: Attributes = { 'gen_ai.usage.input_tokens': counted.promptTokens, 'gen_ai.usage.output_tokens': counted.completionTokens }
  if (counted.cachedTokens !== undefined) attributes['gen_ai.usage.cache_read.input_tokens'] = counted.cachedTokens
  if (counted.reasoningTokens !== undefined) attributes['gen_ai.usage.reasoning.output_tokens'] = counted.reasoningTokens
  if (counted.estimated === true) attributes['workers_ai_proxy.usage_estimated'] = true
  return attributes
}
