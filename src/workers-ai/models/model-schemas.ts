import { settledWithin } from './settled-within.ts'
import { CATALOGUE } from './catalogue.ts'
import { FAMILIES, restrictTo, type FamilyName } from './family.ts'
import type { Model, ModelId } from './model.ts'
import { toFamilyName } from './model-schema.ts'

export interface ModelSchemasOptions {
  /** Fetches `/ai/models/schema` for a model; rejects if there is none. */
  fetchSchema: (id: ModelId) => Promise<unknown>
  /** Milliseconds since any fixed moment. */
  now: () => number
  /** The longest time in milliseconds a caller waits for a schema. */
  waitMs?: number
  /** Gets the reason if a schema could not be fetched. */
  onError?: (error: unknown, id: ModelId) => void
}

interface Entry {
  /** Absent until it is known from a schema. */
  family?: FamilyName
  /** Whether Cloudflare has ever sent a schema. */
  isKnown: boolean
  /** When to fetch; Infinity while a fetch is running. */
  dueAt: number
  /** Resolves when the last fetch has ended, or has taken too long. */
  answered: Promise<void>
}

const KNOWN_MS = 24 * 60 * 60_000
const UNKNOWN_MS = 10 * 60_000
const WAIT_MS = 2_000
const MAX_ENTRIES = 500

/**
 * Families of the models outside the catalogue, by Cloudflare's schemas of them. Each schema is fetched once for all waiting
 * callers. A known family stays until a schema shows another one.
 */
export class ModelSchemas {
  readonly #options: ModelSchemasOptions
  readonly #entries = new Map<ModelId, Entry>()

  constructor (options: ModelSchemasOptions) {
    this.#options = options
  }

  /** The model with the family of its schema; unchanged, and at once, if it is in the catalogue; unchanged if no schema arrives in time. */
  complete (model: Model): Model | Promise<Model> {
    if (CATALOGUE.has(model.id) || model.task !== 'text-generation') return model
    return this.#told(model.id).then(({ family }) => family === undefined ? model : toKnown(model, family))
  }

  /** Whether Cloudflare has a schema of the model, for any task. */
  async knows (id: ModelId): Promise<boolean> {
    const { isKnown } = await this.#told(id)
    return isKnown
  }

  async #told (id: ModelId): Promise<Readonly<Entry>> {
    const { now, waitMs = WAIT_MS } = this.#options
    const entry = this.#entries.get(id) ?? this.#add(id)
    if (now() >= entry.dueAt) {
      entry.dueAt = Infinity
      entry.answered = settledWithin(this.#ask(id, entry), waitMs)
    }
    if (entry.family === undefined) await entry.answered
    return entry
  }

  /** Evicts ids without a model first: many of them must not evict known models. */
  #add (id: ModelId): Entry {
    if (this.#entries.size >= MAX_ENTRIES) {
      this.#entries.delete(this.#oldest(({ family }) => family === undefined) ?? this.#oldest(() => true) ?? id)
    }
    const entry: Entry = { isKnown: false, dueAt: -Infinity, answered: Promise.resolve() }
    this.#entries.set(id, entry)
    return entry
  }

  #oldest (isMeant: (entry: Entry) => boolean): ModelId | undefined {
    for (const [id, entry] of this.#entries) if (isMeant(entry)) return id
    return undefined
  }

  async #ask (id: ModelId, entry: Entry): Promise<void> {
    const { fetchSchema, now, onError } = this.#options
    let family: FamilyName | undefined
    try {
      const answer = await fetchSchema(id) as { result?: { input?: unknown } | null } | null | undefined
      family = toFamilyName(answer?.result?.input)
      entry.isKnown ||= typeof answer?.result?.input === 'object' && answer.result.input !== null
    } catch (error) {
      onError?.(error, id)
    }
    if (family !== undefined) entry.family = family
    entry.dueAt = now() + (family === undefined ? UNKNOWN_MS : KNOWN_MS)
  }
}

/** A model whose schema shows its family. One that is not even listed, and takes classic bodies, is not taken for more than that. */
function toKnown ({ guessed, ...model }: Model, told: FamilyName): Model {
  // Schemas do not contain the makers' own additions to OpenAI's form.
  const isOfLine = told === 'openai' && model.family.maxTokensName === 'max_completion_tokens'
  const name = isOfLine ? model.family.name : told
  const isPlain = guessed === 'everything' && FAMILIES[name].output === 'classic'
  const able = isPlain
    ? { tools: false, reasoning: false, json: false }
    : { tools: model.tools, reasoning: model.reasoning, json: model.json }
  return { ...model, ...able, family: restrictTo(FAMILIES[name], able) }
}
