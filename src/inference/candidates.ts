import { InvalidRequestError, UpstreamError } from '../errors.ts'
import type { Change } from '../generation/change.ts'
import type { Settings } from '../settings/schema.ts'
import { saysRetired } from '../workers-ai/transport/fallback.ts'
import type { Model } from '../workers-ai/models/model.ts'
import type { Models } from './models.ts'

/** A model that may answer. */
export interface Candidate {
  model: Model
  /** The retired model it is the successor of, where that is why its turn has come. */
  replaces?: Model
}

/** A model that did not answer, and why. */
export interface Failed {
  model: Model
  error: UpstreamError
}

/** The models and settings of a server, for every request. */
export interface CandidateSources {
  models: Models
  settings: Pick<Settings, 'modelFallbacks' | 'retiredModels'>
}

/**
 * The models that may answer one question, in their order: the one that was asked for, those `MODEL_FALLBACKS` names for
 * it, then the successors of those that turned out to be retired.
 */
export class Candidates {
  readonly #sources: CandidateSources
  readonly #name: string
  readonly #requested: Model
  readonly #credential: string
  /** Names of `MODEL_FALLBACKS` whose turn has not come; undefined until the first model has failed. */
  #fallbacks: string[] | undefined
  readonly #retired: Model[] = []
  readonly #failed: string[] = []

  /**
   * Of most requests only the first candidate is asked for, so nothing else is made for it.
   * @param name the model as the caller names it
   * @param credential whose account is asked, by a name that is no secret
   */
  constructor (sources: CandidateSources, name: string, requested: Model, credential: string) {
    this.#sources = sources
    this.#name = name
    this.#requested = requested
    this.#credential = credential
  }

  first (): Candidate {
    return { model: this.#requested }
  }

  /** The next of them, looked up when its turn comes; a name of no chat model has none. */
  async next (): Promise<Candidate | undefined> {
    const { models, settings } = this.#sources
    const fallbacks = this.#fallbacks ??= fallbacksOf(settings.modelFallbacks, this.#name, this.#requested.id)
    for (let name = fallbacks.shift(); name !== undefined; name = fallbacks.shift()) {
      const model = await models.find(name)
      if (model?.task === 'text-generation') return { model }
    }
    for (let replaces = this.#retired.shift(); replaces !== undefined; replaces = this.#retired.shift()) {
      const model = replaces.successor && await models.find(replaces.successor)
      if (model && !this.#failed.includes(model.id)) return { model, replaces }
    }
    return undefined
  }

  /** @throws UpstreamError when Cloudflare has said within the last hour that it has retired the model */
  refuseRetired ({ id }: Model): void {
    this.#sources.models.retirements.refuseKnown(this.#credential, id)
  }

  /** Hears what a model failed with. The successor of one that is retired is a candidate from now on, and asked at once next time. */
  failed ({ model }: Candidate, error: UpstreamError): void {
    const { models, settings: { retiredModels } } = this.#sources
    this.#failed.push(model.id)
    if (retiredModels === 'reject' || model.successor === undefined || !saysRetired(error)) return
    this.#retired.push(model)
    // What is only remembered was not said again.
    if (error.attempts > 0) models.retirements.note(this.#credential, model.id, error)
  }
}

/** The names of the models that may take over, in their order. */
function fallbacksOf (modelFallbacks: CandidateSources['settings']['modelFallbacks'], name: string, id: string): string[] {
  const key = [name, id].find(one => Object.hasOwn(modelFallbacks, one))
  return key === undefined ? [] : [...modelFallbacks[key] ?? []]
}

/** That another model has its turn, and why. */
export function toTurn ({ model: { id: from }, error }: Failed, { model: { id: to }, replaces }: Candidate): Change {
  if (replaces === undefined) return { param: 'model', action: 'renamed', from, to, reason: `the model failed: ${toReason(error)}` }
  return { param: 'model', action: 'replaced', from: replaces.id, to, reason: `Cloudflare has retired ${replaces.id}${toDay(replaces)}; ${to} is its nearest successor` }
}

/** Reasons are logged, and Cloudflare's sentence may quote the request. */
function toReason ({ kind, status, code }: UpstreamError): string {
  return [kind, ...(status === 0 ? [] : [status]), ...(code === undefined ? [] : [`Workers AI ${code}`])].join(', ')
}

function toDay ({ retirement }: Model): string {
  return retirement === undefined ? '' : ` on ${retirement}`
}

/**
 * What a caller is told of a failure who named another model than the one that failed, or a retired one whose successor is
 * not to be asked: the same, with the model it is about.
 */
export function withModels<E extends UpstreamError | InvalidRequestError> (error: E, { model, replaces }: Candidate): E {
  if (replaces !== undefined) return saying(error, said => `'${replaces.id}' has been retired, and its successor '${model.id}' cannot answer this: ${said}`)
  if (error instanceof InvalidRequestError || model.successor === undefined || !saysRetired(error)) return error
  return saying(error, said => `${said} Its nearest successor is '${model.successor}'.`)
}

/** The same error, with more said. */
function saying<E extends UpstreamError | InvalidRequestError> (error: E, say: (said: string) => string): E {
  if (error instanceof InvalidRequestError) return new InvalidRequestError((_name, nameOf) => say(error.say(nameOf)), error) as E
  const said = new UpstreamError(say(error.message), { ...error as UpstreamError, cause: error })
  said.attempts = error.attempts
  return said as E
}
