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

/** One model, as far as the proxy knows it. */
export interface Model {
  id: ModelId
  task: Task | 'other'
  family: Family
  /** What is only guessed, from its name or its listing. */
  guessed?: 'family' | 'everything'
  /** Facts about its thinking that differ from its family; `family` contains them too. */
  thinking?: ModelThinking
  /** Tokens of prompt and answer together; undefined if unknown. */
  contextWindow?: number
  /** The usable part of it, if Cloudflare lists more. */
  usableWindow?: number
  /** The most tokens of one answer, if that is known to be less than the window. */
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
  /** The nearest model of the same maker, for a retired one; absent if none is comparable. */
  successor?: ModelId
  /** Unix time in seconds since when Cloudflare lists it. */
  created?: number
  /** Length of an embedding. */
  dimensions?: number
}
