import type { Batch, GenerationEvent, PieceEvent, Usage } from '../../../generation/event.ts'
import { newWorkBudget } from '../../../json/work-budget.ts'
import { parseModelJsonExactly } from '../../../json/lenient-json.ts'
import { isObject } from '../../../json/is-object.ts'
import { BlockSequence, type BlockListener } from './block-sequence.ts'
import { toEnding } from './ending.ts'
import { Prefill } from './prefill.ts'
import { toSignature } from './signature.ts'
import type { ThinkingDisplay } from './thinking.ts'
import { toMessageUsage } from './usage.ts'
import type { ContentBlock, MessageObject } from './wire.ts'

/** What is the same in every part of one reply. */
export interface ReplyIdentity {
  /** `msg_` and 24 letters or digits. */
  id: string
  /** The model as the caller named it. */
  model: string
}

export interface MessageOptions {
  display: ThinkingDisplay
  prefill: string | undefined
}

export interface FoldedMessage {
  message: MessageObject
  /** The model has thought, and the caller is not told. */
  leftOutThinking: boolean
}

/**
 * Folds the events of one generation into a message.
 * @param isWindowFull as `toEnding` takes it
 * @throws the error of a failure event
 */
export function toMessage (
  events: Batch,
  { id, model }: ReplyIdentity,
  { display, prefill }: MessageOptions,
  isWindowFull: boolean
): FoldedMessage {
  const fold = new ContentFold(display)
  const blocks = new BlockSequence(fold, display !== 'none')
  const beginning = prefill === undefined ? undefined : new Prefill(prefill)
  let usage: Usage = { promptTokens: 0, completionTokens: 0 }
  let finish: Extract<GenerationEvent, { type: 'finish' }> | undefined
  for (const event of events) {
    if (event.type === 'failure') throw event.error
    if (event.type === 'usage') usage = event.usage
    if (event.type === 'finish') finish = event
    for (const told of beginning?.push(event) ?? [event]) blocks.push(told)
  }
  return {
    message: { id, type: 'message', role: 'assistant', model, content: fold.content, ...toEnding(finish, isWindowFull), usage: toMessageUsage(usage) },
    leftOutThinking: blocks.leftOutThinking
  }
}

class ContentFold implements BlockListener {
  readonly content: ContentBlock[] = []
  #hidesThoughts: boolean
  #text = ''
  #effort = newWorkBudget()

  constructor (display: ThinkingDisplay) {
    this.#hidesThoughts = display === 'omitted'
  }

  opened (block: Parameters<BlockListener['opened']>[0]): void {
    this.#text = ''
    switch (block.type) {
      case 'text':
        this.content.push({ type: 'text', text: '' })
        break
      case 'thinking':
        this.content.push({ type: 'thinking', thinking: '', signature: '' })
        break
      case 'tool_use':
        this.content.push({ ...block, input: {} })
    }
  }

  grew ({ text }: PieceEvent): void {
    this.#text += text
  }

  inputGrew (json: string): void {
    this.#text += json
  }

  closed (): void {
    const block = this.content.at(-1)
    switch (block?.type) {
      case 'text':
        block.text = this.#text
        break
      case 'thinking':
        if (!this.#hidesThoughts) block.thinking = this.#text
        block.signature = toSignature(this.#hidesThoughts ? this.#text : '')
        break
      case 'tool_use': {
        // What was cut off, or is no JSON, is told as far as it can be read: the member is an object for every client.
        const input = this.#text === '' ? {} : parseModelJsonExactly(this.#text, this.#effort)
        block.input = isObject(input) ? input : {}
      }
    }
  }
}
