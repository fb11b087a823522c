import type { ListedModel } from '../server/model-list.ts'

/** US dollars that Cloudflare charges for 1,000 neurons. */
const DOLLARS_PER_1000_NEURONS = 0.011

/** Neurons that are free on each day, by Cloudflare's free allocation. */
const FREE_NEURONS = 10_000

export interface ModelFacts {
  id: string
  /** What it can, in words. */
  abilities: string[]
  /** Tokens. */
  window: number | undefined
  /** Neurons per million tokens; undefined where the price is not known. */
  inputNeurons: number | undefined
  outputNeurons: number | undefined
  /** How many tokens the free neurons of a day buy: of output, or of input where there is no output. */
  freeTokens: number | undefined
  isFree: boolean
  isChat: boolean
  isRetired: boolean
  /** ISO date of its planned end. */
  end: string | undefined
  successor: string | undefined
}

export function toModelFacts (model: ListedModel): ModelFacts {
  const { id, task, capabilities = {}, context_length: window, dimensions, pricing, neurons } = model
  const inputNeurons = neurons?.input ?? toNeurons(pricing?.input)
  const outputNeurons = neurons?.output ?? toNeurons(pricing?.output)
  const isChat = task === undefined || task === 'text-generation'
  const price = isChat ? outputNeurons : inputNeurons
  return {
    id,
    abilities: [
      ...isChat ? ['chat'] : [String(task).replace(/^text-/, '').replaceAll('-', ' ')],
      ...capabilities.tools ? ['tools'] : [],
      ...capabilities.vision ? ['vision'] : [],
      ...capabilities.reasoning ? ['reasoning'] : [],
      ...capabilities.json ? ['JSON'] : [],
      ...dimensions === undefined ? [] : [`${dimensions} numbers`]
    ],
    window,
    inputNeurons,
    outputNeurons: isChat ? outputNeurons : undefined,
    freeTokens: price === undefined || price === 0 ? undefined : FREE_NEURONS / price * 1_000_000,
    isFree: model.requires_workers_paid !== true,
    isChat,
    isRetired: model.retired === true,
    end: model.shutdown_date,
    successor: model.successor ?? undefined
  }
}

export interface ModelFilter {
  text: string
  /** Abilities that it must have. */
  abilities: readonly string[]
  onlyFree: boolean
}

export const ABILITIES = ['chat', 'embeddings', 'tools', 'vision', 'reasoning', 'JSON'] as const

export function fits (facts: ModelFacts, { text, abilities, onlyFree }: ModelFilter): boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const searched = [facts.id, ...facts.abilities].join(' ').toLowerCase()
  if (onlyFree && !facts.isFree) return false
  return words.every(word => searched.includes(word)) && abilities.every(ability => facts.abilities.includes(ability))
}

function toNeurons (dollarsPerMillion: number | null | undefined): number | undefined {
  return dollarsPerMillion == null ? undefined : Math.round(dollarsPerMillion / DOLLARS_PER_1000_NEURONS * 1_000)
}
