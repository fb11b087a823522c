import type { Change } from '../generation/change.ts'
import type { Model } from '../workers-ai/models/model.ts'
import type { BilledTokens } from '../workers-ai/models/price.ts'
import type { RunRequest } from '../workers-ai/request/run-request.ts'
import type { Models } from './models.ts'
import type { RequestRecord } from './request-record.ts'

type ModelNames = Pick<Models, 'toId'>

/** What the key of one request may use. */
export interface Allowance {
  /** Whether the key may use a model. */
  mayUse: (model: Model, models: ModelNames) => boolean
  /**
   * Whether a model may not take over when another has failed.
   * @param isSuccessor of a retired model that the key may use, for which it stands
   */
  withholds: (model: Model, models: ModelNames, isSuccessor: boolean) => boolean
  /** @throws LimitError when the key may not use the model, or has a budget and nobody knows what the model costs */
  checkModel: (model: Model, models: ModelNames) => void
  /**
   * Holds what a request may use until it has ended. A second call for the same request does nothing: a model that takes
   * over goes on with what is held.
   * @throws LimitError when a limit is reached
   */
  reserve: (tokens: BilledTokens, model: Model) => void | Promise<void>
}

/** Watches the free neurons of the account, where `FREE_NEURONS_GUARD` wants that. */
export interface FreeNeurons {
  /**
   * Whether a model may be asked at all.
   * @returns false for one without a known price, where nothing may be sent that would not be free
   */
  mayAsk: (model: Model) => boolean
  /** @throws LimitError when the model may not be asked */
  checkModel: (model: Model) => void
  /**
   * Holds what a request may use until it has ended. A second call for the same request does nothing.
   * @throws LimitError when nothing is left
   */
  admit: (record: RequestRecord, tokens: BilledTokens, model: Model) => void | Promise<void>
  /** What the caller should know of what is left; undefined while most is. */
  warning: () => Change | undefined
}

/** Of an answer that is known already. */
export const NO_TOKENS: BilledTokens = { promptTokens: 0, completionTokens: 0 }

/** The most tokens the choices of a request may have; those of its prompts are estimated. */
export function toMostTokens ({ inputs, choices, maxTokens }: Pick<RunRequest, 'inputs' | 'choices' | 'maxTokens'>): BilledTokens {
  const ofInputs = inputs.reduce((sum, { promptTokens }) => sum + promptTokens, 0)
  return { promptTokens: ofInputs * (choices / inputs.length), completionTokens: maxTokens * choices }
}
