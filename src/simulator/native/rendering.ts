import type { Model } from '../../workers-ai/models/model.ts'
import type { Completion } from '../answers/completion.ts'
import type { Dialect } from './dialect.ts'

/** One answer and how it is to be written, whole or as a stream. */
export interface Rendering {
  model: Model
  dialect: Dialect
  /** Which form the question had. */
  form: 'prompt' | 'messages' | 'input'
  isJson: boolean
  /** How many likely tokens are written with each token; undefined for no logprobs. */
  topLogprobs: number | undefined
  completion: Completion
  promptTokens: number
  requestId: string
  /** Unix time in seconds. */
  created: number
}
