import type { RepairKind } from '../generation/change.ts'
import type { Usage } from '../generation/event.ts'
import type { UpstreamCall } from '../workers-ai/transport/upstream-call.ts'

/** What the answer cache has done for a request: an answer is known, or not, or it was not looked for. */
export type CacheResult = 'hit' | 'miss' | 'bypass'

/** A model that took over from another one, which had failed or is retired; both by their ids. */
export interface Fallback {
  from: string
  to: string
}

/** What may refuse a request that is in order: requests or tokens a minute or day, answers at the same time, neurons. */
export type LimitName = 'requests' | 'tokens' | 'parallel' | 'budget' | 'free_allocation' | 'overload'

/** How much is noted of a call; each one includes those before it. */
export type CallDetail = 'bill' | 'facts' | 'content'

/**
 * What is recorded of one request. Log, metrics and traces read this, and nothing else. Never a key, and content only where
 * the operator wants it in traces.
 * HTTP makes it and notes what it refuses; the engine notes the rest. It has all members from the beginning: an object that
 * grows is moved in memory time and again.
 */
export class RequestRecord {
  /** What is noted of each call beside its bill: for traces its times and parameters, and what was said where they tell that. */
  readonly detail: CallDetail
  /** What the trace of this request and its part of it go by, in the form of W3C Trace Context; undefined without traces. */
  traceId: string | undefined = undefined
  spanId: string | undefined = undefined
  /** Every call of Cloudflare it led to, in their order; undefined where no reader wants them. */
  calls?: UpstreamCall[] | undefined
  /** The pattern of the route it came by, or `unknown`. */
  route = 'unknown'
  /** Whether a model was asked, or the caller wanted to see what would be sent; undefined where nothing came so far. */
  kind?: 'answer' | 'dry-run'
  /** Name of the key that was used, never the key. */
  key?: string
  /** What the key goes by in figures: its name, `unnamed` where it has none, `none` where no key was accepted. */
  keyLabel = 'none'
  /** Which account at Cloudflare served it, by a name that is no secret; undefined where there is only one. */
  account?: string
  /** The model as the caller named it. */
  model?: string | undefined
  /** Id of the model that answered, or failed last. */
  servedModel?: string
  stream?: boolean
  /** How often Cloudflare was asked. */
  attempts?: number
  /** HTTP status Cloudflare began its answer with. */
  upstreamStatus?: number
  /** Milliseconds until the first piece of the answer. */
  firstTokenMs?: number
  finishReason?: string
  usage?: Usage
  /** What Cloudflare bills for this request's answers, in neurons: of those of which it says so, which streams seldom are. */
  neurons?: number
  /** What did not pass as it was, by parameter and action: see `toWarnings`. */
  changes?: string | undefined
  error?: Error
  /** The error the caller received, if the answer had not begun. */
  told?: unknown
  /** The limit that refused it, where one did. */
  refusedBy?: LimitName
  /** Models that took over before the answer began. */
  fallbacks?: Fallback[]
  /** Undefined where there is no cache, or nothing came so far. */
  cache?: CacheResult
  /** What was mended of the answer, or asked for once more. */
  repairs?: RepairKind[]

  /**
   * @param calls where calls of Cloudflare are noted
   * @param detail what is noted of each
   */
  constructor (calls?: UpstreamCall[], detail: CallDetail = 'bill') {
    this.calls = calls
    this.detail = detail
  }
}

/** Notes that something of an answer was mended; nothing where nothing was. */
export function noteRepair (record: RequestRecord, repair: RepairKind | undefined): void {
  if (repair !== undefined) (record.repairs ??= []).push(repair)
}

/** Adds what one answer of Cloudflare's is billed by its headers. */
export function addNeurons (record: RequestRecord, headers: Readonly<Record<string, string>>): void {
  const told = headers['cf-ai-neurons']
  if (told === undefined) return
  const neurons = Number(told)
  if (neurons >= 0) record.neurons = (record.neurons ?? 0) + neurons
}
