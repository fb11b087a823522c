import type { FinishReason, GenerationEvent, Usage } from '../../../generation/event.ts'
import type { ServedTools } from './tools.ts'
import type { OutputItem, ResponseLogprob } from './wire.ts'

/** Observes the growth of an output. Each item is added, grows any number of times, and is done; several calls may be open at once. */
export interface OutputListener {
  added: (item: OutputItem, index: number) => void
  /** @param delta the next piece of the item's text, arguments or input, never empty */
  grew: (item: OutputItem, index: number, delta: string, logprobs: readonly ResponseLogprob[]) => void
  done: (item: OutputItem, index: number) => void
}

export interface OutputItemsOptions {
  tools: Pick<ServedTools, 'toCalled'>
  /** Makes an id that is unique, of this prefix. */
  newItemId: (prefix: string) => string
  /** The caller requested a summary of the thinking. */
  asSummary: boolean
  /** The caller requested a compaction, not an answer. */
  isCompaction?: boolean
}

/** Folds the events of one generation. The caller reports failures. */
export interface Output {
  readonly items: OutputItem[]
  readonly usage: Usage
  readonly finishReason: FinishReason
  /** It was truncated, and is returned as complete. */
  readonly isCut?: boolean
  push: (event: GenerationEvent) => void
}
