import type { Model } from '../../workers-ai/models/model.ts'
import type { Completion } from '../answers/completion.ts'
import type { Dialect } from './dialect.ts'

/** One answer and its form on the wire, plain or streamed. */
export interface Rendering {
  model: Model
  dialect: Dialect
  /** The form of the request body. */
  form: 'prompt' | 'messages' | 'input'
  isJson: boolean
  /** Number of alternatives per token; undefined for no logprobs. */
  topLogprobs: number | undefined
  completion: Completion
  promptTokens: number
  requestId: string
  /** Unix time in seconds. */
  created: number
}
