import { settledWithin } from './settled-within.ts'
import { CATALOGUE, toWindow } from './catalogue.ts'
import { FAMILIES, restrictTo, type Family, type FamilyName, type ModelThinking } from './family.ts'
import { toNewestOfLine } from './model-line.ts'
import type { Model, ModelId, Price } from './model.ts'
import { isModelId } from './resolve-model.ts'
import { TASKS, toTask, type Task } from './task.ts'

/** The used part of a page of `/ai/models/search`; every member may be missing. */
interface SearchPage {
  result?: unknown
  result_info?: { total_pages?: unknown } | null
}

interface SearchRow {
  /** The model's id; `id` is a uuid that no other endpoint takes. */
  name?: unknown
  task?: { name?: unknown } | null
  created_at?: unknown
  properties?: unknown
}

/** A model's properties by `property_id`. Values are strings ("true", "131072"), except the price. */
type Properties = ReadonlyMap<unknown, unknown>

/** Known facts of a model whose family is guessed. */
export interface Hints {
  tools: boolean
  reasoning: boolean
  vision: boolean
  contextWindow?: number | undefined
  /** In Cloudflare's form: "2025-09-25 19:21:11.898". */
  createdAt?: string | undefined
}

export interface ModelListOptions {
  /** Answers page 1, 2, … of `/ai/models/search` with `PAGE_SIZE` rows each; rejects when the token may not list. */
  fetchPage: (page: number) => Promise<unknown>
  /** Milliseconds since any fixed moment. */
  now: () => number
  /** Age in milliseconds at which the list is fetched again. */
  ttlMs?: number
  /** The longest time in milliseconds the first caller waits for the live list. */
  firstWaitMs?: number
  /** Gets the first failure of a row of failures. */
  onError?: (error: unknown) => void
}

/** Rows per page of the search; Cloudflare gives no more. */
export const PAGE_SIZE = 100

/** Fetches one page of Cloudflare's search, from 1. Rejects if the token may not list. */
export function searchPage (
  workersAi: { getJson: (path: string, query: Record<string, string>) => Promise<object> },
  page: number
): Promise<object> {
  return workersAi.getJson('/ai/models/search', { per_page: String(PAGE_SIZE), page: String(page) })
}

const MAX_PAGES = 20
const TTL_MS = 10 * 60_000
const RETRY_MS = 60_000
const FIRST_WAIT_MS = 3_000
const LARGE_CONTEXT_WINDOW = 100_000

/** From none to most. */
const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

const PRICE_UNITS = new Map<unknown, keyof Price>([
  ['per M input tokens', 'input'],
  ['per M output tokens', 'output'],
  ['per M cached input tokens', 'cachedInput']
])

/**
 * The models that this account can run, as Cloudflare lists them now. The built-in catalogue adds missing facts, and replaces a
 * missing list: many tokens that may run models may not list them (10000).
 * Only the very first callers wait for a list, and only for a short time.
 */
export class ModelList {
  readonly #options: ModelListOptions
  #listed: readonly Model[] = [...CATALOGUE.values()]
  /** The listed models, and those that are only in the catalogue. */
  #all: ReadonlyMap<string, Model> = CATALOGUE
  readonly #ids: Iterable<string> = { [Symbol.iterator]: () => this.#all.keys() }
  #first: Promise<void> | undefined
  #dueAt = -Infinity
  #isRefreshing = false
  #isFailing = false
  #isLive = false
  #failure: unknown

  constructor (options: ModelListOptions) {
    this.#options = options
  }

  /** The models to list: the last good live list, else the built-in catalogue. */
  async current (): Promise<Model[]> {
    this.#refreshWhenDue()
    await this.#first
    return this.known()
  }

  /** The same without waiting, from the current state. */
  known (): Model[] {
    return [...this.#listed]
  }

  /** Whether Cloudflare has ever listed its models; until then an unlisted model may exist. */
  get isLive (): boolean {
    return this.#isLive
  }

  /** Why the last fetch of the list failed; undefined if it succeeded, or if there was none yet. */
  get failure (): unknown {
    return this.#failure
  }

  /** The ids `find` finds. */
  ids (): Iterable<string> {
    return this.#ids
  }

  /** A model by its id, from the current state; models that left the live list are still found in the catalogue. */
  find (id: string): Model | undefined {
    this.#refreshWhenDue()
    return this.#all.get(id)
  }

  #refreshWhenDue (): void {
    const { now, firstWaitMs = FIRST_WAIT_MS } = this.#options
    if (this.#isRefreshing || now() < this.#dueAt) return
    const refreshed = this.#refresh()
    this.#first ??= settledWithin(refreshed, firstWaitMs)
  }

  async #refresh (): Promise<void> {
    const { fetchPage, now, ttlMs = TTL_MS, onError } = this.#options
    this.#isRefreshing = true
    try {
      const live = await readPages(fetchPage)
      this.#listed = [...live.values()]
      this.#all = new Map([...CATALOGUE, ...live])
      this.#dueAt = now() + ttlMs
      this.#isLive = true
      this.#isFailing = false
      this.#failure = undefined
    } catch (error) {
      this.#failure = error
      this.#dueAt = now() + RETRY_MS
      if (!this.#isFailing) onError?.(error)
      this.#isFailing = true
    } finally {
      this.#isRefreshing = false
    }
  }
}

/**
 * Reads a page of the model search. Rows without a usable model id are left out: the list also has partners' models with
 * other names, which the run route does not take.
 */
export function toModels (searchResult: unknown): Model[] {
  return rowsOf(searchResult).flatMap(row => typeof row.name === 'string' && isModelId(row.name) ? [toModel(row.name, row)] : [])
}

/**
 * A model of which only the id is known: treated like the newest of its maker's line, if there is one, otherwise like current
 * models, which take OpenAI's bodies, call tools and think.
 */
export function guessModel (id: ModelId, task: Task = 'text-generation'): Model {
  const known = CATALOGUE.get(id)
  if (known !== undefined) return known
  if (task !== 'text-generation') return toModel(id, { task: { name: TASKS[task].listedAs[0] } })
  const { tools, reasoning, vision, json, family } = toNewestOfLine(id) ?? { ...PRESENT, family: restrictTo(FAMILIES.openai, PRESENT) }
  return { id, task, family: asGuess(family), guessed: 'everything', tools, reasoning, vision, json, lora: false, beta: false, paidOnly: false }
}

/**
 * A guessed model with the fewest assumptions: plain text in classic bodies, which every model takes, with tools and JSON in
 * the prompt.
 */
export function toPlainest (model: Model): Model {
  const able = { tools: false, reasoning: false, vision: false, json: false }
  return { ...model, ...able, family: restrictTo(FAMILIES['classic-2025'], able) }
}

/** Abilities of current models. Vision is not guessed. */
const PRESENT = { tools: true, reasoning: true, vision: false, json: true }

/** Models know at least one name of the limit, and ignore the other. */
function asGuess (family: Family): Family {
  return family.maxTokensName === 'max_tokens' ? family : { ...family, bothMaxTokensNames: true }
}

/**
 * The family of a model the catalogue does not know. Every model Cloudflare added since autumn 2025 takes OpenAI's
 * bodies, and nearly all of those reason, see, call tools or have a large window; older models do so rarely, and the
 * catalogue knows them. The rest is taken for the last classic schema: its plain text and narrow ranges are accepted
 * by both kinds.
 */
export function guessFamily ({ tools, reasoning, vision, contextWindow = 0, createdAt = '' }: Hints): FamilyName {
  if (reasoning || vision || contextWindow >= LARGE_CONTEXT_WINDOW) return 'openai'
  return tools && createdAt >= '2025-09' ? 'openai' : 'classic-2025'
}

/** A stated fact wins over the catalogue; one that is not stated may be false or merely unknown. */
function toModel (id: ModelId, row: SearchRow): Model {
  const known = CATALOGUE.get(id)
  const properties = propertiesOf(row)
  const task = known?.task ?? toTaskOf(id, row.task?.name)
  const tools = toFlag(properties.get('function_calling')) ?? known?.tools ?? false
  const thinking = toThinking(properties.get('reasoning_effort')) ?? known?.thinking
  const reasoning = toFlag(properties.get('reasoning')) ?? known?.reasoning ?? thinking !== undefined
  const vision = toFlag(properties.get('vision')) ?? known?.vision ?? false
  const contextWindow = toCount(properties.get('context_window')) ?? toCount(properties.get('max_input_tokens')) ?? known?.contextWindow
  const dimensions = toCount(properties.get('output_dimensions')) ?? known?.dimensions
  const price = toPrice(properties.get('price')) ?? known?.price
  const retirement = toDate(properties.get('planned_deprecation_date'))
  const createdAt = typeof row.created_at === 'string' ? row.created_at : undefined
  const isGuess = known === undefined && task === 'text-generation'
  const line = isGuess ? toNewestOfLine(id) : undefined
  const json = known?.json ?? line?.json ?? false
  const guess = line?.family.name ?? guessFamily({ tools, reasoning, vision, contextWindow, createdAt })
  const family = task === 'text-generation' ? restrictTo(known ? FAMILIES[known.family.name] : toGuessed(guess), { tools, reasoning, json, ...(thinking && { thinking }) }) : FAMILIES.classic
  return {
    id,
    task,
    family: isGuess ? asGuess(family) : family,
    ...(isGuess && { guessed: 'family' }),
    tools,
    reasoning,
    vision,
    lora: toFlag(properties.get('lora')) ?? known?.lora ?? false,
    json,
    beta: toFlag(properties.get('beta')) ?? known?.beta ?? false,
    paidOnly: toFlag(properties.get('require_workers_paid')) ?? known?.paidOnly ?? false,
    ...(thinking && { thinking }),
    ...toWindow({ ...known, ...(contextWindow !== undefined && { contextWindow }) }),
    ...(known?.usableWindow !== undefined && { usableWindow: known.usableWindow }),
    ...(known?.maxOutputTokens !== undefined && { maxOutputTokens: known.maxOutputTokens }),
    ...(price !== undefined && { price }),
    ...(createdAt !== undefined && toCreated(createdAt)),
    ...(retirement !== undefined && { retirement }),
    ...(known?.successor !== undefined && { successor: known.successor }),
    ...(dimensions !== undefined && { dimensions })
  }
}

/** The form that both generations of classic schemas accept, because the generation is unknown. */
function toGuessed (name: FamilyName): Family {
  const family = FAMILIES[name]
  if (name !== 'classic-2025') return family
  return { ...family, sampling: { ...family.sampling, frequency_penalty: [0, 2], presence_penalty: [0, 2] } }
}

async function readPages (fetchPage: (page: number) => Promise<unknown>): Promise<ReadonlyMap<string, Model>> {
  const models = new Map<string, Model>()
  for (let page = 1; page <= MAX_PAGES; page++) {
    const searchResult = await fetchPage(page)
    for (const model of toModels(searchResult)) models.set(model.id, model)
    if (isLast(page, searchResult)) break
  }
  if (models.size === 0) throw new Error('Cloudflare listed no models')
  return models
}

function isLast (page: number, searchResult: unknown): boolean {
  const totalPages = (searchResult as SearchPage | null | undefined)?.result_info?.total_pages
  return typeof totalPages === 'number' ? page >= totalPages : rowsOf(searchResult).length < PAGE_SIZE
}

function rowsOf (searchResult: unknown): SearchRow[] {
  const result = (searchResult as SearchPage | null | undefined)?.result
  return Array.isArray(result) ? result.filter(row => typeof row === 'object' && row !== null) : []
}

function propertiesOf ({ properties }: SearchRow): Properties {
  const rows: Array<{ property_id?: unknown, value?: unknown } | null> = Array.isArray(properties) ? properties : []
  return new Map(rows.map(row => [row?.property_id, row?.value]))
}

/** Cloudflare lists its clef models, which cannot chat, as "Text Generation". */
function toTaskOf (id: ModelId, listedName: unknown): Model['task'] {
  return id.startsWith('@cf/cloudflare/clef') ? 'other' : toTask(listedName)
}

function toFlag (value: unknown): boolean | undefined {
  if (value === true || value === 'true') return true
  return value === false || value === 'false' ? false : undefined
}

function toCount (value: unknown): number | undefined {
  const count = typeof value === 'string' && value !== '' ? Number(value) : value
  return typeof count === 'number' && Number.isInteger(count) && count > 0 ? count : undefined
}

/**
 * Reads the property `reasoning_effort`: `{supported_efforts, default_enabled, mandatory, …}`, maybe as JSON text. Cloudflare
 * replaces an unsupported effort by the one in `normalizes_to`, which may be the highest. So unsupported ones are not sent.
 * @returns undefined if it names no effort
 */
function toThinking (value: unknown): ModelThinking | undefined {
  const stated = typeof value === 'string' ? parsed(value) : value
  const { supported_efforts: supported, mandatory, default_enabled: isDefault } = (typeof stated === 'object' && stated !== null ? stated : {}) as Record<string, unknown>
  const efforts = Array.isArray(supported) ? EFFORTS.filter(effort => supported.includes(effort)) : []
  if (efforts.length === 0) return undefined
  const isMandatory = toFlag(mandatory) ?? false
  return { efforts, isMandatory, ...(isMandatory ? { isDefault: true } : toDefault(toFlag(isDefault))) }
}

function toDefault (isDefault: boolean | undefined): Pick<ModelThinking, 'isDefault'> {
  return isDefault === undefined ? {} : { isDefault }
}

function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Cloudflare writes UTC without saying so: "2025-09-25 19:21:11.898". */
function toCreated (text: string): Pick<Model, 'created'> {
  const ms = Date.parse(`${text.replace(' ', 'T').replace(/Z$/, '')}Z`)
  return Number.isNaN(ms) ? {} : { created: Math.floor(ms / 1_000) }
}

function toDate (value: unknown): string | undefined {
  return typeof value === 'string' ? /^\d{4}-\d{2}-\d{2}/.exec(value)?.[0] : undefined
}

function toPrice (value: unknown): Price | undefined {
  const items: Array<{ unit?: unknown, price?: unknown } | null> = Array.isArray(value) ? value : []
  const price: Price = {}
  for (const item of items) {
    const name = PRICE_UNITS.get(item?.unit)
    if (name !== undefined && typeof item?.price === 'number') price[name] = item.price
  }
  return Object.keys(price).length > 0 ? price : undefined
}
