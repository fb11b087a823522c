import type { CompletionUsage } from '../usage.ts'

/** Answer of `POST /v1/completions`; a stream is a sequence of the same objects. */
export interface Completion {
  id: string
  object: 'text_completion'
  /** Unix time in seconds. */
  created: number
  /** The model as the caller named it. */
  model: string
  system_fingerprint: string
  choices: CompletionChoice[]
  /** In a stream only for callers that requested it: null until the last chunk. */
  usage?: CompletionUsage | null
}

export interface CompletionChoice {
  text: string
  /** The prompt's index × `n` + the index of the answer to it. */
  index: number
  logprobs: CompletionLogprobs | null
  /** In a stream, null in every chunk except a choice's last. */
  finish_reason: 'stop' | 'length' | 'content_filter' | null
}

/** Parallel lists about the tokens. */
export interface CompletionLogprobs {
  tokens: string[]
  token_logprobs: number[]
  top_logprobs: Array<Record<string, number>>
  /** Position of each token in the choice's text, in characters. */
  text_offset: number[]
}
