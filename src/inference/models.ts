import type { FastifyInstance } from 'fastify'
import { InvalidRequestError, ProxyError, quoted } from '../errors.ts'
import type { Settings } from '../settings/schema.ts'
import { toModelDetails, toModelList } from '../surfaces/openai/models/list.ts'
import { ExpiringMap } from '../workers-ai/models/expiring-map.ts'
import type { Model } from '../workers-ai/models/model.ts'
import type { ModelSchemas } from '../workers-ai/models/model-schemas.ts'
import { guessModel, type ModelList } from '../workers-ai/models/model-list.ts'
import { isRetired, toModelId } from '../workers-ai/models/resolve-model.ts'
import { Retirements } from '../workers-ai/models/retirements.ts'
import { TASKS, type Task } from '../workers-ai/models/task.ts'

type ModelsSettings = Pick<Settings, 'modelAliases' | 'defaultModel' | 'retiredModels'>

/** Models that are remembered to be plain, and for how long: what was refused once may have been the request's fault. */
const MAX_PLAIN = 1_000
const PLAIN_MS = 3_600_000

/** Finds the model a caller means, and lists those there are. */
export class Models {
  /** What Cloudflare has said it runs no more. */
  readonly retirements: Retirements
  #list: ModelList
  #settings: ModelsSettings
  #schemas: ModelSchemas | undefined
  /** Guessed models that were refused as what they were taken for. */
  #plain: ExpiringMap<Model>

  /** @param schemas tell the family of a model the catalogue does not know; without them it is guessed */
  constructor (list: ModelList, settings: ModelsSettings, schemas?: ModelSchemas, retirements = new Retirements(Date.now), now: () => number = Date.now) {
    this.#list = list
    this.#settings = settings
    this.#schemas = schemas
    this.retirements = retirements
    this.#plain = new ExpiringMap({ ttlMs: PLAIN_MS, max: MAX_PLAIN, now })
  }

  /**
   * @throws ProxyError 404 `model_not_found` when no model can be meant; 400 when it is one that cannot do this task
   */
  async resolve (asked: string, task: Task = 'text-generation'): Promise<Model> {
    const model = await this.find(asked, task)
    if (model === undefined) throw notFound(asked)
    if (model.task !== task) {
      const others = task === 'text-generation' ? 'GET /v1/models lists those that are.' : `Those that are: ${this.#idsOf(task).join(', ')}.`
      throw new InvalidRequestError(`The model '${model.id}' is not ${TASKS[task].noun}. ${others}`, { param: 'model', code: 'unsupported_value' })
    }
    return model
  }

  /** The model a caller means; an id nobody knows is taken at its word, and for a model of the task it is asked for. */
  async find (asked: string, task?: Task): Promise<Model | undefined> {
    const id = toModelId(asked, { aliases: this.#settings.modelAliases, defaultModel: this.#settings.defaultModel, known: this.#list.ids() })
    if (id === undefined) return undefined
    const model = this.#list.find(id) ?? guessModel(id, task)
    const completed = await this.#schemas?.complete(model) ?? model
    return completed.guessed ? this.#plain.get(id) ?? completed : completed
  }

  /** Remembers a model of which nobody knows more than that it is taken so, for an hour; beyond a thousand the first is forgotten. */
  rememberPlain (model: Model): void {
    this.#plain.set(model.id, model)
  }

  /**
   * A model that is known to be there: by the list, by the catalogue, or by the schema Cloudflare tells of it. What an alias
   * stands for is believed as long as Cloudflare has listed nothing.
   */
  async findKnown (asked: string): Promise<Model | undefined> {
    await this.#list.current()
    const model = await this.find(asked)
    if (model?.guessed !== 'everything') return model
    if (!this.#list.isLive && Object.hasOwn(this.#settings.modelAliases, asked)) return model
    // One whose schema is not that of a chat model does something else.
    return await this.#schemas?.knows(model.id) === true ? { ...model, task: 'other' } : undefined
  }

  /** Those there are today: one that has been retired is still found, so that its caller hears what to use instead. */
  async listed (): Promise<Model[]> {
    const day = today()
    return (await this.#list.current()).filter(model => !isRetired(model, day))
  }

  /**
   * What the aliases stand for, as far as it can be run: not what has been retired and has no successor that answers in its
   * place, nor what nobody knows.
   */
  async aliased (): Promise<Map<string, Model>> {
    const day = today()
    const found = await Promise.all(Object.keys(this.#settings.modelAliases).map(async alias => [alias, await this.findKnown(alias)] as const))
    return new Map(found.flatMap(([alias, model]) => model !== undefined && this.#canRun(model, day) ? [[alias, model]] : []))
  }

  #canRun (model: Model, day: string): boolean {
    if (model.task === 'other') return false
    return !isRetired(model, day) || (this.#settings.retiredModels === 'replace' && model.successor !== undefined)
  }

  /** The same without waiting. */
  known (): Model[] {
    return this.#list.known()
  }

  #idsOf (task: Task): string[] {
    return this.known().filter(model => model.task === task && model.retirement === undefined).map(({ id }) => id)
  }
}

/** `GET /v1/models` and `GET /v1/models/{id}`, the id with its slashes raw or percent-encoded. */
export function modelRoutes (app: FastifyInstance, models: Models): void {
  app.get('/models', async () => toModelList(await models.listed(), await models.aliased(), today()))
  app.get<{ Params: { '*': string } }>('/models/*', async request => {
    const asked = request.params['*']
    request.report.model = asked
    const model = await models.findKnown(asked)
    if (model === undefined) throw notFound(asked)
    return toModelDetails(model, asked, today())
  })
}

/** As an ISO date. */
function today (): string {
  return new Date().toISOString().slice(0, 10)
}

function notFound (asked: string): ProxyError {
  const name = asked.length > 100 ? `${asked.slice(0, 100)}…` : asked
  return new ProxyError(`The model \`${quoted(name)}\` does not exist or you do not have access to it. GET /v1/models lists the models there are; MODEL_ALIASES and DEFAULT_MODEL of the proxy give them other names.`, { status: 404, type: 'invalid_request_error', code: 'model_not_found' })
}
