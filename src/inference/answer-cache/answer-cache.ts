import { createHash } from 'node:crypto'
import type { Change } from '../../generation/change.ts'
import type { Batch, Usage } from '../../generation/event.ts'
import { once } from '../../generation/pipeline.ts'
import type { AnswerStore } from '../../stores/answers/answers.ts'
import type { Model } from '../../workers-ai/models/model.ts'
import { toBody, type RunRequest } from '../../workers-ai/request/run-request.ts'
import { toText } from '../../workers-ai/transport/request-body.ts'
import type { Call } from '../call.ts'
import type { Generations } from '../generations.ts'
import { MAX_BYTES, recorded } from './recording.ts'

export interface AnswerCacheOptions {
  store: AnswerStore
  ttlSeconds: number
  /** Keys have their answers in common. Callers who bring their own tokens never have. */
  isShared: boolean
  /** Of the program: another one may tell the same answer differently. */
  version: string
  /** Unix time in milliseconds. */
  now: () => number
}

/** A request for a generation, as it would be sent. */
export interface CachedRun {
  run: RunRequest
  model: Model
  /** It is told as the model writes it, so that tool calls and structured outputs are not mended as those of a plain answer are. */
  isStreamed: boolean
  /** The caller wants the same answer each time, and nothing that makes it differ is in the request. */
  isDeterministic: boolean
}

/** What the cache says of a request. That it is a hit is noted by the caller, when the answer may be given. */
interface Looked<Answer> {
  /** For the answer. */
  headers: Record<string, string>
  /** The answer, where it is known. */
  hit?: Answer
  /** Keeps the answer; absent where it is not to be kept. */
  keep?: (answer: Answer) => void
}

export interface LookedGeneration {
  /** For the answer. */
  headers: Record<string, string>
  /** The answer, where it is known, and what was told beside it. */
  hit?: { generations: Generations, changes: Change[] }
  /**
   * Returns the same generation, which is kept when it has ended well and been told to its end; absent where none is.
   * @param mayKeep asked at the end
   */
  keep?: (generations: Generations, mayKeep: () => boolean) => Generations
}

/** The events of one choice, as the stages have left them, and what its caller is told beside them. */
interface KeptGeneration {
  events: Batch
  changes: Change[]
}

/** Vectors, one for each input. */
interface KeptVectors {
  vectors: number[][]
  usage: Usage
}

interface Kept<Answer> {
  /** When it was answered: Unix time in milliseconds. */
  at: number
  answer: Answer
}

type CallFacts = Pick<Call, 'caller' | 'credential' | 'cacheControl' | 'simulatorWords' | 'record' | 'log'>

/**
 * Finds answers to requests that were answered before, where the same request has the same answer. A key is a digest of all
 * that decides: the native body to its last byte, what is done with the answer, the model, the route, and whose it is.
 */
export class AnswerCache {
  readonly #options: AnswerCacheOptions

  constructor (options: AnswerCacheOptions) {
    this.#options = options
  }

  /** Looks for the answer to a chat or a text. */
  async generation ({ run, model, isStreamed, isDeterministic }: CachedRun, call: CallFacts): Promise<LookedGeneration> {
    const isKept = isDeterministic && run.choices === 1 && run.maxTokens > 0 && !run.changes.some(({ param }) => param === 'temperature')
    const isAsWritten = isStreamed && (run.tools.size > 0 || run.format !== undefined)
    const toNativeBody = () => toText(toBody(run, { stream: false, choice: 0, baseSeed: 1 }))
    const toParts = () => [model.id, model.family.name, String(isAsWritten), toFacts(run), toNativeBody()]
    // What is known before the answer, every request finds out for itself.
    const known = new Set(run.changes)
    const { headers, hit, keep } = await this.#look<KeptGeneration>(isKept, call, toParts)
    return {
      headers,
      ...(hit && { hit: { generations: toGenerations(hit), changes: hit.changes } }),
      ...(keep && {
        keep: (generations, mayKeep) => recorded(generations, events => {
          if (mayKeep()) keep({ events, changes: run.changes.filter(change => !known.has(change)) })
        })
      })
    }
  }

  /** Looks for vectors; texts have the same ones each time. */
  async vectors (model: Pick<Model, 'id'>, bodies: readonly string[], call: CallFacts): Promise<Looked<KeptVectors>> {
    const { keep, ...looked } = await this.#look<KeptVectors>(true, call, () => [model.id, ...bodies])
    if (keep === undefined) return looked
    return { ...looked, keep: answer => { if (!isCertainlyTooLong(answer)) keep(answer) } }
  }

  async #look<Answer> (isKept: boolean, call: CallFacts, toParts: () => string[]): Promise<Looked<Answer>> {
    const { cacheControl = '', record } = call
    if (!isKept || /\bno-store\b/i.test(cacheControl)) {
      record.cache = 'bypass'
      return { headers: { 'x-proxy-cache': 'bypass' } }
    }
    const { now } = this.#options
    const key = this.#toKey(toParts(), call)
    const kept = /\bno-cache\b/i.test(cacheControl) ? undefined : await this.#get<Answer>(key, call)
    if (kept === undefined) {
      record.cache = 'miss'
      return { headers: { 'x-proxy-cache': 'miss' }, keep: answer => { void this.#keep(key, answer, call) } }
    }
    return { headers: { 'x-proxy-cache': 'hit', age: String(Math.max(0, Math.floor((now() - kept.at) / 1_000))) }, hit: kept.answer }
  }

  #toKey (parts: readonly string[], { caller = '', credential, simulatorWords = '', record }: CallFacts): string {
    const { isShared, version } = this.#options
    const owner = [credential, isShared ? '' : caller]
    const hash = createHash('sha256')
    // As JSON, in which no part can pass for the end of one and the beginning of another.
    hash.update(JSON.stringify([version, owner, record.route, simulatorWords, parts]))
    return hash.digest('base64url')
  }

  /** Undefined as well where the store fails: the model can be asked all the same. */
  async #get<Answer> (key: string, { log }: CallFacts): Promise<Kept<Answer> | undefined> {
    try {
      const value = await this.#options.store.get(key)
      return value && JSON.parse(value.toString()) as Kept<Answer>
    } catch (error) {
      log.error({ reason: nameOf(error) }, 'an answer could not be looked for')
      return undefined
    }
  }

  async #keep (key: string, answer: unknown, { log }: CallFacts): Promise<void> {
    const { store, ttlSeconds, now } = this.#options
    try {
      const value = Buffer.from(JSON.stringify({ at: now(), answer }))
      if (value.length <= MAX_BYTES) await store.set(key, value, ttlSeconds)
    } catch (error) {
      log.error({ reason: nameOf(error) }, 'an answer was not kept')
    }
  }
}

/** All vectors are about as long as the first: thousands of them are not written only to find out. */
function isCertainlyTooLong ({ vectors }: KeptVectors): boolean {
  return vectors.length * JSON.stringify(vectors[0] ?? []).length > 2 * MAX_BYTES
}

/** What an error says may be what was to be kept. */
function nameOf (error: unknown): string {
  return error instanceof Error ? error.name : 'unknown'
}

/** All that is done with the answer to a request: whatever of it is neither its body nor told beside it. */
function toFacts (run: RunRequest): string {
  const { fields: _, inputs: _inputs, changes: _changes, workBudget: _budget, likelyPromptTokens: _tokens, cacheKey: _key, ...rest } = run
  return JSON.stringify(rest, (_name, value: unknown) => value instanceof Map || value instanceof Set ? [...value] : value)
}

/** Tells an answer again. */
function toGenerations ({ events }: KeptGeneration): Generations {
  return { choices: [once(events)], bypassTo: [], status: undefined, headers: {}, close: () => {} }
}
