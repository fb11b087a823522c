import { LRUCache } from 'lru-cache'
import { InvalidRequestError, ProxyError, quoted } from '../errors.ts'
import { nearestName } from '../settings/did-you-mean.ts'
import type { Settings } from '../settings/schema.ts'
import { toFailureKind } from '../workers-ai/transport/failure-kind.ts'
import type { Model, ModelId } from '../workers-ai/models/model.ts'
import type { ModelSchemas } from '../workers-ai/models/model-schemas.ts'
import { guessModel } from '../workers-ai/models/model-list.ts'
import type { ModelSource } from '../workers-ai/models/model-lists.ts'
import { isRetired, toModelId, toSuggestions } from '../workers-ai/models/resolve-model.ts'
import { Retirements } from '../workers-ai/models/retirements.ts'
import { TASKS, type Task } from '../workers-ai/models/task.ts'
import { toModelCount, type ModelSurvey } from './model-survey.ts'
import type { RequestRecord } from './request-record.ts'

/** A model under one of its names. */
export interface ListedModel {
  /** Its own id, or an alias. */
  name: string
  model: Model
  /** Cloudflare has retired it. */
  isRetired: boolean
}

type ModelsSettings = Pick<Settings, 'modelAliases' | 'defaultModel' | 'retiredModels'>

/** Models that are remembered as plain, for a limited time: the refusal may have been the request's fault. */
const MAX_PLAIN = 1_000
const PLAIN_MS = 3_600_000

/** Longest name that an error quotes in full, and compares with the names of models. */
const MAX_NAME_LENGTH = 100

/** Finds the model that a caller names, and lists all models. */
export class Models {
  /** Models that Cloudflare has reported as retired. */
  readonly retirements: Retirements
  #list: ModelSource
  #settings: ModelsSettings
  #schemas: ModelSchemas | undefined
  /** Guessed models whose guess was refused. */
  #plain: LRUCache<string, Model>

  /** @param schemas give the family of a model outside the catalogue; without them it is guessed */
  constructor (
    list: ModelSource,
    settings: ModelsSettings,
    schemas?: ModelSchemas,
    retirements = new Retirements(Date.now),
    now: () => number = Date.now
  ) {
    this.#list = list
    this.#settings = settings
    this.#schemas = schemas
    this.retirements = retirements
    this.#plain = new LRUCache({ max: MAX_PLAIN, ttl: PLAIN_MS, ttlResolution: 0, perf: { now } })
  }

  /**
   * @throws ProxyError 404 `model_not_found` if the name means no model; 400 if the model cannot do this task
   */
  async resolve (requested: string, task: Task = 'text-generation'): Promise<Model> {
    const model = await this.find(requested, task)
    if (model === undefined) throw notFound(requested, this.#near(requested))
    if (model.task !== task) {
      const others =
        task === 'text-generation' ? 'GET /v1/models lists those that are.' : `Those that are: ${this.#idsOf(task).join(', ')}.`
      throw new InvalidRequestError(`The model '${model.id}' is not ${TASKS[task].noun}. ${others}`, {
        param: 'model',
        code: 'unsupported_value'
      })
    }
    return model
  }

  /** The model that a caller names; an unknown id is accepted as a model of the requested task. */
  async find (asked: string, task?: Task): Promise<Model | undefined> {
    const id = toModelId(asked, {
      aliases: this.#settings.modelAliases,
      defaultModel: this.#settings.defaultModel,
      known: this.#list.ids()
    })
    if (id === undefined) return undefined
    const model = this.#list.find(id) ?? guessModel(id, task)
    const told = this.#schemas?.complete(model) ?? model
    const completed = told instanceof Promise ? await told : told
    return completed.guessed ? (this.#plain.get(id) ?? completed) : completed
  }

  /** The id a name stands for: an alias, an id or a bare name; never that of the default model. */
  toId (name: string): string | undefined {
    return toModelId(name, { aliases: this.#settings.modelAliases, known: this.#list.ids() })
  }

  /** A model by its id, from the current state. */
  byId (id: ModelId): Model {
    return this.#list.find(id) ?? guessModel(id)
  }

  /** Remembers for an hour that a guessed model accepts the plainest form; at most a thousand models. */
  rememberPlain (model: Model): void {
    this.#plain.set(model.id, model)
  }

  /**
   * A model that is known to exist: from the list, the catalogue, or Cloudflare's schema of it. The target of an alias is assumed
   * to exist as long as Cloudflare has listed nothing.
   */
  async findKnown (asked: string): Promise<Model | undefined> {
    await this.#list.current()
    const model = await this.find(asked)
    if (model?.guessed !== 'everything') return model
    if (!this.#list.isLive && Object.hasOwn(this.#settings.modelAliases, asked)) return model
    // A model without the schema of a chat model has another task.
    return (await this.#schemas?.knows(model.id)) === true ? { ...model, task: 'other' } : undefined
  }

  /**
   * The models that can be called today, with all their names; other names come before the id. A retired model is still found,
   * so that its caller learns what to use instead.
   */
  async listed (): Promise<ListedModel[]> {
    const day = today()
    const current = (await this.#list.current()).filter(model => model.task !== 'other' && !isRetired(model, day))
    return [...(await this.#aliased(day)), ...current.map(model => ({ name: model.id, model, isRetired: false }))]
  }

  /**
   * The model of a name, for `GET /v1/models/{id}`.
   * @throws ProxyError 404 `model_not_found` if no such model is known
   */
  async describe (name: string, record: RequestRecord): Promise<ListedModel> {
    record.model = name
    const model = await this.findKnown(name)
    if (model === undefined) throw notFound(name, this.#near(name))
    return { name, model, isRetired: isRetired(model, today()) }
  }

  /**
   * Ids of models to suggest if the requested one is not served.
   * @param failed the id of the requested one, which is not suggested
   */
  suggestions (failed: string | undefined, task?: Task): string[] {
    return toSuggestions(this.known(), task).filter(id => id !== failed)
  }

  /** Lists the models, and reports the result of the last fetch from Cloudflare. */
  async survey (): Promise<ModelSurvey> {
    const listed = await this.listed()
    if (this.#list.failure !== undefined) return { failure: toFailureKind(this.#list.failure) }
    return this.#list.isLive ? { count: toModelCount(listed) } : {}
  }

  /**
   * The targets of aliases that can be run: without retired models that have no answering successor, and without unknown
   * models.
   */
  async #aliased (day: string): Promise<ListedModel[]> {
    const found = await Promise.all(
      Object.keys(this.#settings.modelAliases).map(async name => ({ name, model: await this.findKnown(name) }))
    )
    return found.flatMap(({ name, model }) =>
      model !== undefined && this.#canRun(model, day) ? [{ name, model, isRetired: isRetired(model, day) }] : []
    )
  }

  #canRun (model: Model, day: string): boolean {
    if (model.task === 'other') return false
    return !isRetired(model, day) || (this.#settings.retiredModels === 'replace' && model.successor !== undefined)
  }

  /** The same without waiting. */
  known (): Model[] {
    return this.#list.known()
  }

  /** Whether an id is in the catalogue or in the account's list, from the current state. */
  isListed (id: string): boolean {
    return this.#list.find(id) !== undefined
  }

  /** The models whose bare name is close to the caller's. */
  #near (asked: string): string[] {
    if (asked.length > MAX_NAME_LENGTH) return []
    const day = today()
    const served = this.known()
      .filter(model => !isRetired(model, day))
      .map(({ id }) => id)
    const near = nearestName(toBareName(asked), new Set(served.map(toBareName)))
    return near === undefined ? [] : served.filter(id => toBareName(id) === near)
  }

  #idsOf (task: Task): string[] {
    return this.known()
      .filter(model => model.task === task && model.retirement === undefined)
      .map(({ id }) => id)
  }
}

/** As an ISO date. */
function today (): string {
  return new Date().toISOString().slice(0, 10)
}

/** The last segment of an id, in lower case. */
function toBareName (id: string): string {
  return id.slice(id.lastIndexOf('/') + 1).toLowerCase()
}

function notFound (asked: string, near: readonly string[]): ProxyError {
  const name = asked.length > MAX_NAME_LENGTH ? `${asked.slice(0, MAX_NAME_LENGTH)}…` : asked
  return new ProxyError(`The model \`${quoted(name)}\` does not exist or you do not have access to it.${near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : ''} GET /v1/models lists all models; MODEL_ALIASES and DEFAULT_MODEL of the proxy give them other names.`, { status: 404, type: 'invalid_request_error', code: 'model_not_found' })
}
