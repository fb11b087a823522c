import { ProxyError } from '../../../errors.ts'
import type { FinishReason, GenerationEvent, Usage } from '../../../generation/event.ts'
import type { OutputItem } from './wire.ts'
import { toCompactedContent } from './compaction.ts'
import type { Output, OutputItemsOptions, OutputListener } from './output.ts'

/**
 * Folds the events of one generation into the one item that replaces the summarized conversation. The model's thinking is not
 * a part of it.
 */
export class CompactionOutput implements Output {
  readonly items: OutputItem[] = []
  usage: Usage = { promptTokens: 0, completionTokens: 0 }
  /** A truncated summary counts as well: its caller has nothing else to continue with. */
  readonly finishReason: FinishReason = 'stop'
  isCut = false
  #options: Pick<OutputItemsOptions, 'newItemId'>
  #listener: OutputListener | undefined
  #summary = ''

  constructor (options: Pick<OutputItemsOptions, 'newItemId'>, listener?: OutputListener) {
    this.#options = options
    this.#listener = listener
  }

  /** @throws ProxyError if the model has ended without text */
  push (event: GenerationEvent): void {
    switch (event.type) {
      case 'text':
        this.#summary += event.text
        break
      case 'usage':
        this.usage = event.usage
        break
      case 'finish':
        this.isCut = event.reason === 'length' || event.reason === 'content_filter'
        this.#finish(this.#summary.trim())
    }
  }

  #finish (summary: string): void {
    if (summary === '') {
      throw new ProxyError('The model returned an empty summary, so the conversation could not be compacted. Try again, with a larger max_output_tokens or another model.', { status: 502, type: 'server_error', code: 'empty_summary' })
    }
    const item: OutputItem = { id: this.#options.newItemId('cmp_'), type: 'compaction', encrypted_content: toCompactedContent(summary) }
    this.items.push(item)
    this.#listener?.added(item, 0)
    this.#listener?.done(item, 0)
  }
}
