import type { CompletionUsage } from '../usage.ts'

/** Answer of `POST /v1/completions`; a streamed one is a row of the same objects. */
export interface Completion {
  id: string
  object: 'text_completion'
  /** Unix time in seconds. */
  created: number
  /** The model as the caller named it. */
  model: string
  system_fingerprint: string
  choices: CompletionChoice[]
  /** In a stream only for callers that asked: null until the last chunk. */
  usage?: CompletionUsage | null
}

export interface CompletionChoice {
  text: string
  /** The prompt's position × `n` + which of its answers this is. */
  index: number
  logprobs: CompletionLogprobs | null
  /** Null in every chunk of a stream but a choice's last. */
  finish_reason: 'stop' | 'length' | 'content_filter' | null
}

/** What is known of each token, list by list. */
export interface CompletionLogprobs {
  tokens: string[]
  token_logprobs: number[]
  top_logprobs: Array<Record<string, number>>
  /** Where each token begins in the choice's text, in characters. */
  text_offset: number[]
}
