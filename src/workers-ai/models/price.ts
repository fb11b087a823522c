import { CATALOGUE } from './catalogue.ts'
import type { Model, Price } from './model.ts'

/** Micro-neurons per token, which is the same number as neurons per million tokens. Whole numbers: sums never drift. */
export interface Rates {
  input: number
  /** For input tokens that came from Cloudflare's cache; part of the input. */
  cachedInput: number
  output: number
}

/** Tokens of one call, as Workers AI counts them. */
export interface BilledTokens {
  promptTokens: number
  completionTokens: number
  /** How many of the prompt's tokens came from the cache. */
  cachedTokens?: number
  /** The counts are estimated from the length of the text. */
  estimated?: boolean
}

/** What is known of the bill of one call. */
export interface BilledCall {
  /** As Cloudflare states them, in the header `cf-ai-neurons` or in `usage.neurons`. */
  neurons?: number | undefined
  usage?: BilledTokens | undefined
  /** What stands for the usage where the answer told none. */
  estimate?: BilledTokens | undefined
  /** The answer ended before its end, so that this is what was stated or counted so far. */
  isCut?: boolean | undefined
}

/**
 * Where a bill comes from: Cloudflare stated it; it is computed from Cloudflare's token counts; it is an estimate, because the
 * tokens are estimated or were counted only up to where the answer was cut; the model has no known price, and it counts as 0.
 */
export type BillSource = 'billed' | 'computed' | 'estimated' | 'unpriced'

export interface Bill {
  microNeurons: number
  source: BillSource
}

export const MICRO_NEURONS_PER_NEURON = 1_000_000

/** Most that a call is billed: what is more is a mistake, and sums of it would no longer be exact. */
const MAX_MICRO_NEURONS = 1e15

/** US dollars that Cloudflare charges for 1,000 neurons beyond the free ones. */
export const DOLLARS_PER_1000_NEURONS = 0.011

interface PublishedNeurons {
  input: number
  output?: number
}

/**
 * Neurons per million input and output tokens from Cloudflare's page of prices. Its dollars are rounded, so neurons that are
 * computed from them are up to 2 % off.
 */
const PUBLISHED: ReadonlyMap<string, PublishedNeurons> = new Map<string, PublishedNeurons>([
  ['@cf/meta/llama-3.2-1b-instruct', { input: 2_457, output: 18_252 }],
  ['@cf/meta/llama-3.2-3b-instruct', { input: 4_625, output: 30_475 }],
  ['@cf/meta/llama-3.1-8b-instruct-fp8-fast', { input: 4_119, output: 34_868 }],
  ['@cf/meta/llama-3.2-11b-vision-instruct', { input: 4_410, output: 61_493 }],
  ['@cf/meta/llama-3.1-70b-instruct-fp8-fast', { input: 26_668, output: 204_805 }],
  ['@cf/meta/llama-3.3-70b-instruct-fp8-fast', { input: 26_668, output: 204_805 }],
  ['@cf/deepseek-ai/deepseek-r1-distill-qwen-32b', { input: 45_170, output: 443_756 }],
  ['@cf/meta/llama-3.1-8b-instruct', { input: 25_608, output: 75_147 }],
  ['@cf/meta/llama-3-8b-instruct', { input: 25_608, output: 75_147 }],
  ['@cf/meta/llama-3.1-8b-instruct-fp8', { input: 13_778, output: 26_128 }],
  ['@cf/meta/llama-3.1-8b-instruct-awq', { input: 11_161, output: 24_215 }],
  ['@cf/meta/llama-3-8b-instruct-awq', { input: 11_161, output: 24_215 }],
  ['@cf/meta/llama-2-7b-chat-fp16', { input: 50_505, output: 606_061 }],
  ['@cf/mistral/mistral-7b-instruct-v0.1', { input: 10_000, output: 17_300 }],
  ['@cf/baai/bge-small-en-v1.5', { input: 1_841 }],
  ['@cf/baai/bge-base-en-v1.5', { input: 6_058 }],
  ['@cf/baai/bge-large-en-v1.5', { input: 18_582 }]
])

/** A listed price that is dearer than the dearest known one by more than this factor is a mistake, such as a price per token. */
const IMPLAUSIBLE_FACTOR = 10
const DEAREST = Math.max(...[...CATALOGUE.values()].flatMap(({ price = {} }) => Object.values(price) as number[]))

/**
 * What a model costs. A listed price beats the built-in one when they differ; where they agree, Cloudflare's published neurons
 * count, which are more exact than its dollars.
 * @returns undefined when the price of its input, or of a chat model's output, is unknown
 */
export function toRates (model: PricedModel): Rates | undefined {
  const known = RATES.get(model)
  if (known !== undefined) return known.rates
  const rates = readRates(model)
  RATES.set(model, { rates })
  return rates
}

type PricedModel = Pick<Model, 'id' | 'task' | 'price'>

/** Of models that were asked for: every call asks. */
const RATES = new WeakMap<PricedModel, { rates: Rates | undefined }>()

function readRates ({ id, task, price }: PricedModel): Rates | undefined {
  const known = CATALOGUE.get(id)?.price
  const published = PUBLISHED.get(id)
  const rateOf = (part: keyof Price, publishedRate?: number): number | undefined => {
    const listed = price?.[part]
    const dollars = isPlausible(listed) ? listed : known?.[part]
    if (publishedRate !== undefined && dollars === known?.[part]) return publishedRate
    return dollars === undefined ? undefined : toNeurons(dollars)
  }
  const input = rateOf('input', published?.input)
  const output = rateOf('output', published?.output) ?? (task === 'text-embeddings' ? 0 : undefined)
  if (input === undefined || output === undefined) return undefined
  return { input, output, cachedInput: rateOf('cachedInput') ?? input }
}

/** Micro-neurons of so many tokens. Cached input counts at its own rate. */
export function toMicroNeurons (rates: Rates, { promptTokens, completionTokens, cachedTokens = 0 }: BilledTokens): number {
  const { input, cachedInput, output } = rates
  const cached = Math.min(cachedTokens, promptTokens)
  const sum = (promptTokens - cached) * input + cached * cachedInput + completionTokens * output
  // What is not finite is also less than nothing, or no number.
  return Math.min(MAX_MICRO_NEURONS, Number.isNaN(sum) ? MAX_MICRO_NEURONS : sum)
}

/** Micro-neurons of neurons as Cloudflare writes them, with decimals. */
export function inMicroNeurons (neurons: number): number {
  return Math.min(MAX_MICRO_NEURONS, Math.round(neurons * MICRO_NEURONS_PER_NEURON))
}

/**
 * The bill of one call: what Cloudflare states, else what its tokens cost.
 * @param model the one that was called
 * @returns 0 for a call that neither states neurons nor counts tokens, such as one that failed
 */
export function toBill (model: PricedModel, { neurons, usage: counted, estimate, isCut = false }: BilledCall): Bill {
  const usage = counted ?? estimate
  if (neurons !== undefined && neurons >= 0 && neurons < Infinity) {
    return { microNeurons: inMicroNeurons(neurons), source: isCut ? 'estimated' : 'billed' }
  }
  if (usage === undefined) return { microNeurons: 0, source: 'computed' }
  const rates = toRates(model)
  if (rates === undefined) return { microNeurons: 0, source: 'unpriced' }
  return { microNeurons: toMicroNeurons(rates, usage), source: isCut || usage.estimated === true ? 'estimated' : 'computed' }
}

function isPlausible (dollars: number | undefined): dollars is number {
  return dollars !== undefined && dollars >= 0 && dollars <= DEAREST * IMPLAUSIBLE_FACTOR
}

/** Neurons per million tokens of dollars per million tokens. */
function toNeurons (dollars: number): number {
  return Math.round(dollars / DOLLARS_PER_1000_NEURONS * 1_000)
}
