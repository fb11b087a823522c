import type { Change } from '../generation/change.ts'
import type { Model } from '../workers-ai/models/model.ts'
import type { BilledTokens } from '../workers-ai/models/price.ts'
import type { RequestRecord } from './request-record.ts'

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
  admit: (record: RequestRecord, tokens: BilledTokens, model: Model) => void
  /** What the caller should know of what is left; undefined while most is. */
  warning: () => Change | undefined
}
