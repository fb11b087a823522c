import type { Usage } from '../generation/event.ts'

/**
 * What is recorded of one request. Log, metrics and traces read this, and nothing else. Never content, never a key.
 * HTTP makes it and notes what it refuses; the engine notes the rest. It has all members from the beginning: an object that
 * grows is moved in memory time and again.
 */
export class RequestRecord {
  /** Whether a model was asked, or the caller wanted to see what would be sent; undefined where nothing came so far. */
  kind?: 'answer' | 'dry-run'
  /** Name of the key that was used, never the key. */
  key?: string
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
}

/** Adds what one answer of Cloudflare's is billed by its headers. */
export function addNeurons (record: RequestRecord, headers: Readonly<Record<string, string>>): void {
  const told = headers['cf-ai-neurons']
  if (told === undefined) return
  const neurons = Number(told)
  if (neurons >= 0) record.neurons = (record.neurons ?? 0) + neurons
}
