import { ProxyError, UpstreamError } from '../../errors.ts'
import type { RepairKind } from '../../generation/change.ts'
import type { Usage } from '../../generation/event.ts'
import type { CacheResult, Fallback, LimitName, RequestRecord } from '../../inference/request-record.ts'
import type { Bill } from '../../workers-ai/models/price.ts'
import { toOutcome, type CallOutcome, type UpstreamCall } from '../../workers-ai/transport/upstream-call.ts'
import type { EndedRequest } from '../ended-requests.ts'

/** GenAI's word for what a request asks of a model. */
export type Operation = 'chat' | 'text_completion' | 'embeddings'

/** What is counted of tokens. The last two are parts of the first two: they are never added up. */
export type TokenCounts = Record<'input' | 'output' | 'cached_input' | 'reasoning', number>

/** Neurons of one call, and whether Cloudflare said so or they were computed from its tokens. */
export interface CallNeurons {
  neurons: number
  source: 'billed' | 'computed'
}

/** What one call of Cloudflare adds to the figures. */
export interface CallFigures extends Partial<CallNeurons> {
  account: string
  model: string
  outcome: CallOutcome
  isRetry: boolean
  tokens?: TokenCounts
}

/** What an answer of a model adds to the figures that GenAI defines. */
export interface AnswerFigures {
  operation: Operation
  /** Of the model that was asked for, and of the one that answered or failed last. */
  requestModel: string
  responseModel: string
  /** Absent where nothing failed. */
  errorType?: string
  /** Of a stream. */
  firstTokenSeconds?: number
  perTokenSeconds?: number
  tokens?: TokenCounts
}

/** All that one request adds to the figures. Every text in it is a label, and so comes from a short list. It is JSON. */
export interface Figures {
  route: string
  status: number
  model: string
  key: string
  seconds: number
  answer?: AnswerFigures
  calls: CallFigures[]
  fallbacks: Fallback[]
  repairs: RepairKind[]
  refusedBy?: LimitName
  /** Absent where there is no cache of answers, or it was not asked. */
  cache?: CacheResult
}

/** What labels are made with. */
export interface FigureSources {
  /** Whether an id is that of a model in the catalogue or in the account's list. */
  isListed: (id: string) => boolean
  /** What a call costs. */
  toBill: (call: UpstreamCall) => Bill
}

const OPERATIONS: ReadonlyArray<[route: RegExp, operation: Operation]> = [
  [/\/(?:chat\/completions|responses|messages)$/, 'chat'],
  [/\/completions$/, 'text_completion'],
  [/\/embeddings$/, 'embeddings']
]

/** What a request asks of a model; undefined where it asks nothing of one. */
export function toOperation ({ record, route, method }: Pick<EndedRequest, 'record' | 'route' | 'method'>): Operation | undefined {
  if (method !== 'POST' || record.kind === 'dry-run') return undefined
  return OPERATIONS.find(([routes]) => routes.test(route))?.[1]
}

/** What a request that has ended adds to the figures. */
export function toFigures (ended: EndedRequest, sources: FigureSources): Figures {
  const { record, route, status, elapsedMs } = ended
  const toModel = (id: string | undefined) => id === undefined ? 'none' : sources.isListed(id) ? id : 'other'
  const { servedModel, keyLabel, calls = [], fallbacks = [], repairs = [] } = record
  const operation = toOperation(ended)
  const model = toModel(servedModel ?? (record.model === undefined ? undefined : ''))
  const refusedBy = toLimit(record)
  return {
    route,
    status,
    model,
    key: keyLabel,
    seconds: elapsedMs / 1_000,
    ...(operation && { answer: toAnswer(operation, ended, toModel(fallbacks[0]?.from ?? servedModel), model) }),
    calls: calls.map(call => toCall(call, toModel(call.model), sources)),
    fallbacks: fallbacks.map(({ from, to }) => ({ from: toModel(from), to: toModel(to) })),
    repairs,
    ...(refusedBy && { refusedBy }),
    ...(record.cache && { cache: record.cache })
  }
}

function toAnswer (operation: Operation, ended: EndedRequest, requestModel: string, responseModel: string): AnswerFigures {
  const { record, status, elapsedMs } = ended
  const { usage, stream, firstTokenMs } = record
  const answer: AnswerFigures = { operation, requestModel, responseModel }
  const errorType = toErrorType(record, status)
  if (errorType !== undefined) answer.errorType = errorType
  if (usage) answer.tokens = toTokens(usage)
  if (stream !== true || firstTokenMs === undefined) return answer
  answer.firstTokenSeconds = firstTokenMs / 1_000
  const others = (usage?.completionTokens ?? 0) - 1
  if (others > 0) answer.perTokenSeconds = Math.max(0, elapsedMs - firstTokenMs) / 1_000 / others
  return answer
}

/** Cloudflare's refusal that a failure is, or comes from. */
export function toUpstreamError (error: RequestRecord['error']): UpstreamError | undefined {
  return [error, error?.cause].find(one => one instanceof UpstreamError)
}

/** What failed, in a word; undefined where nothing did. What the caller is at fault for is told by its status alone. */
export function toErrorType ({ error }: RequestRecord, status: number): string | undefined {
  if (status === 499) return 'client_gone'
  const upstream = toUpstreamError(error)
  if (upstream !== undefined) return toOutcome(upstream)
  if (status >= 400) return String(status)
  if (error === undefined) return undefined
  return error instanceof ProxyError ? String(error.status) : 'other'
}

function toLimit ({ refusedBy, error }: RequestRecord): LimitName | undefined {
  return refusedBy ?? (error instanceof ProxyError && error.code === 'overloaded' ? 'overload' : undefined)
}

/** Nobody knows the price of some models: their calls cost no neurons here. */
function toNeurons ({ microNeurons, source }: Bill): CallNeurons | undefined {
  if (microNeurons === 0) return undefined
  return { neurons: microNeurons / 1_000_000, source: source === 'billed' ? 'billed' : 'computed' }
}

function toCall (call: UpstreamCall, model: string, { toBill }: FigureSources): CallFigures {
  const { account, outcome, attempt } = call
  const usage = call.usage ?? call.estimate
  return { account, model, outcome, isRetry: attempt > 1, ...(usage && { tokens: toTokens(usage) }), ...toNeurons(toBill(call)) }
}

function toTokens ({ promptTokens, completionTokens, cachedTokens = 0, reasoningTokens = 0 }: Usage): TokenCounts {
  return { input: promptTokens, output: completionTokens, cached_input: cachedTokens, reasoning: reasoningTokens }
}
