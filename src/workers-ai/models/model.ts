import type { Family, ModelThinking } from './family.ts'
import type { Task } from './task.ts'

declare const resolved: unique symbol
/** A model id that passed `resolveModel`: `@cf/author/name` or `@hf/author/name`, safe to put into an upstream path. */
export type ModelId = string & { [resolved]: true }

/** US dollars per million tokens, as Cloudflare lists them. */
export interface Price {
  input?: number
  output?: number
  cachedInput?: number
}

/** One model as this proxy knows it. */
export interface Model {
  id: ModelId
  task: Task | 'other'
  family: Family
  /** What is only guessed, by its name or by what is listed of it. */
  guessed?: 'family' | 'everything'
  /** What is known of its thinking beside what its family has in common; `family` has it, too. */
  thinking?: ModelThinking
  /** Tokens of prompt and answer together; undefined when Cloudflare does not say. */
  contextWindow?: number
  /** The most of it that can be used, where Cloudflare lists more. */
  usableWindow?: number
  /** The most tokens one answer may have, where that is known to be less than the window. */
  maxOutputTokens?: number
  tools: boolean
  reasoning: boolean
  vision: boolean
  lora: boolean
  json: boolean
  beta: boolean
  /** Needs the Workers Paid plan (5035 otherwise). */
  paidOnly: boolean
  price?: Price
  /** ISO date after which Cloudflare answers 5028. */
  retirement?: string
  /** The nearest model of the same maker, for a retired one; absent where none can honestly stand in for it. */
  successor?: ModelId
  /** Unix time in seconds since when Cloudflare lists it. */
  created?: number
  /** Length of an embedding. */
  dimensions?: number
}
