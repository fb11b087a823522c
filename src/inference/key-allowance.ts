import { LimitError, type KeyLimitName } from '../errors.ts'
import type { LimitedKey, Limits, Refusal, Reservation, Spent, Standing } from '../stores/limits/limits.ts'
import { CATALOGUE } from '../workers-ai/models/catalogue.ts'
import type { Model } from '../workers-ai/models/model.ts'
import { toMicroNeurons, toRates, type BilledTokens, type Rates } from '../workers-ai/models/price.ts'
import type { Allowance } from './allowance.ts'
import type { Models } from './models.ts'
import type { LimitName, RequestRecord } from './request-record.ts'

/** What figures call the limits; a model that is refused is no limit that is used up. */
const FIGURES: Partial<Record<KeyLimitName, LimitName>> = {
  parallel: 'parallel',
  rpm: 'requests',
  rpd: 'requests',
  tpm: 'tokens',
  neurons_per_day: 'budget',
  neurons_per_month: 'budget'
}

export interface KeyAllowanceOptions {
  limits: Limits
  key: LimitedKey
  /** Whose it is, as the subject of a sentence: `the key 'alice'`. */
  owner: string
  record: Pick<RequestRecord, 'refusedBy'>
  /** Hears the state of the limits right after something was held. */
  onReserved: (standing: Standing) => void
}

/** What a key with limits may use for one request. */
export class KeyAllowance implements Allowance {
  readonly #options: KeyAllowanceOptions
  #outcome: Reservation | Refusal | undefined
  /** What was used, once the request has ended. */
  #spent: Spent | undefined

  constructor (options: KeyAllowanceOptions) {
    this.#options = options
  }

  mayUse (model: Model, models: Pick<Models, 'toId'>): boolean {
    return this.#isListed(model, models) && !this.#isUnpriced(model)
  }

  withholds (model: Model, models: Pick<Models, 'toId'>, isSuccessor: boolean): boolean {
    return this.#isUnpriced(model) || !(isSuccessor || this.#isListed(model, models))
  }

  checkModel (model: Model, models: Pick<Models, 'toId'>): void {
    const names = this.#options.key.limits.models
    if (!this.#isListed(model, models)) throw this.#refused({ limit: 'models', model: model.id, ...(names && { models: names }) })
    if (this.#isUnpriced(model)) throw this.#refused({ limit: 'unpriced', model: model.id })
  }

  reserve (tokens: BilledTokens, model: Model): void | Promise<void> {
    if (this.#outcome !== undefined) return
    const { limits, key } = this.#options
    const rates = this.#hasBudget ? ratesOf(model) : undefined
    const outcome = limits.reserve(key, {
      inputTokens: tokens.promptTokens,
      outputTokens: tokens.completionTokens,
      microNeurons: rates === undefined ? 0 : Math.ceil(toMicroNeurons(rates, tokens))
    })
    return outcome instanceof Promise ? outcome.then(known => this.#hear(known)) : this.#hear(outcome)
  }

  /**
   * The state of the limits, as far as it is known with what this request has used so far.
   * @param usedTokens of the whole answer; undefined while it goes on
   */
  standing (usedTokens: number | undefined): Standing | Promise<Standing> {
    const { limits, key } = this.#options
    if (this.#outcome === undefined) return limits.standing(key)
    const { standing } = this.#outcome
    if (this.#outcome.kind === 'refused' || standing.tokens === undefined || usedTokens === undefined) return standing
    const { limit, remaining, resetMs } = standing.tokens
    const back = Math.min(this.#outcome.tokens - usedTokens, limit - remaining)
    const tokens = { limit, remaining: Math.max(0, remaining + back), resetMs: Math.max(0, resetMs - Math.floor(back * 60_000 / limit)) }
    return { ...standing, tokens }
  }

  /** Counts what the request has used in place of what was held for it; once, when it has ended. */
  settle (spent: Spent): void | Promise<void> {
    if (this.#spent !== undefined) return
    this.#spent = spent
    if (this.#outcome?.kind === 'reserved') return this.#outcome.settle(spent)
  }

  #hear (outcome: Reservation | Refusal): void | Promise<void> {
    this.#outcome = outcome
    if (outcome.kind === 'refused') throw this.#refused(outcome.facts)
    // Its client has left while it was asked for.
    if (this.#spent !== undefined) return outcome.settle(this.#spent)
    this.#options.onReserved(outcome.standing)
  }

  #refused (facts: LimitError['facts']): LimitError {
    const limit = FIGURES[facts.limit]
    if (limit !== undefined) this.#options.record.refusedBy = limit
    return new LimitError(facts, this.#options.owner)
  }

  get #hasBudget (): boolean {
    const { neurons_per_day: day, neurons_per_month: month } = this.#options.key.limits
    return day !== undefined || month !== undefined
  }

  #isListed ({ id }: Model, models: Pick<Models, 'toId'>): boolean {
    const { models: names } = this.#options.key.limits
    return names === undefined || names.some(name => models.toId(name) === id)
  }

  #isUnpriced (model: Model): boolean {
    return this.#hasBudget && ratesOf(model) === undefined
  }
}

/** What a model costs; of one whose price nobody knows any more, what its successor costs. */
export function ratesOf (model: Model): Rates | undefined {
  const successor = model.successor && CATALOGUE.get(model.successor)
  return toRates(model) ?? (successor && toRates(successor))
}
