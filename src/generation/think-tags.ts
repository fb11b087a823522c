import type { Batch, Stage } from './event.ts'

const OPEN = '<think>'
const CLOSE = '</think>'

export interface ThinkTagsOptions {
  /** The model's template opens the thinking itself, so that the answer begins inside it. */
  isOpen: boolean
  /** The limit that was sent upstream, in tokens. */
  maxTokens: number
}

/**
 * Turns thinking that a model writes into its answer, between `<think>` and `</think>`, into reasoning events.
 *
 * Only the beginning of an answer can be thinking. The tags may be split anywhere, and only as much text is held back
 * as may still be a tag. deepseek-r1 and qwq begin without the opening tag, because their chat template has already
 * written it: with `isOpen` everything before `</think>` is reasoning. An answer of theirs that ends without the
 * closing tag, though not for want of tokens, was no thinking after all and is told as text.
 */
export class ThinkTags implements Stage {
  #options: ThinkTagsOptions
  #state: 'start' | 'opening' | 'thinking' | 'gap' | 'answer' = 'start'
  #completionTokens = 0
  #held = ''
  /** Thinking without an opening tag, kept until the closing one proves it. */
  #unproven: string[] | undefined

  constructor (options: ThinkTagsOptions) {
    this.#options = options
  }

  push (batch: Batch): Batch {
    if (this.#state === 'answer') return batch
    const out: Batch = []
    for (const event of batch) {
      if (event.type === 'text') {
        const before = out.length
        this.#read(event.text, out)
        const told = out[before]
        // What passed whole keeps what else is known of it.
        if (told?.type === 'text' && told.text === event.text) out[before] = event
        continue
      }
      if (event.type === 'usage') this.#completionTokens = event.usage.completionTokens
      if (event.type === 'tool_call') this.#end(false, out)
      if (event.type === 'finish') this.#end(event.reason === 'length' || this.#completionTokens >= this.#options.maxTokens, out)
      out.push(event)
    }
    return out
  }

  #read (text: string, out: Batch): void {
    this.#held += text
    if (this.#state === 'start') this.#start()
    if (this.#state === 'opening') this.#skipWhiteSpace('thinking')
    if (this.#state === 'thinking') this.#think(out)
    if (this.#state === 'gap') this.#skipWhiteSpace('answer')
    if (this.#state === 'answer') this.#tell('text', out)
  }

  #start (): void {
    const seen = this.#held.trimStart()
    if (seen.length < OPEN.length && OPEN.startsWith(seen)) return
    if (seen.startsWith(OPEN)) {
      this.#state = 'opening'
      this.#held = seen.slice(OPEN.length)
    } else if (this.#options.isOpen) {
      this.#state = 'opening'
      this.#unproven = []
    } else {
      this.#state = 'answer'
    }
  }

  #think (out: Batch): void {
    const close = this.#held.indexOf(CLOSE)
    if (close !== -1) {
      const rest = this.#held.slice(close + CLOSE.length)
      this.#held = this.#held.slice(0, close).trimEnd()
      this.#tell('reasoning', out)
      this.#held = rest
      this.#unproven = undefined
      this.#state = 'gap'
      return
    }
    const open = unfinishedEnd(this.#held)
    const rest = this.#held.slice(open)
    this.#held = this.#held.slice(0, open)
    this.#tell('reasoning', out)
    this.#held = rest
  }

  /** The line breaks around thinking belong to neither it nor the answer. */
  #skipWhiteSpace (next: 'thinking' | 'answer'): void {
    this.#held = this.#held.trimStart()
    if (this.#held !== '') this.#state = next
  }

  #tell (type: 'text' | 'reasoning', out: Batch): void {
    if (this.#held !== '') out.push({ type, text: this.#held })
    if (type === 'reasoning') this.#unproven?.push(this.#held)
    this.#held = ''
  }

  #end (isCut: boolean, out: Batch): void {
    if (this.#state === 'answer') return
    this.#tell(this.#state === 'start' ? 'text' : 'reasoning', out)
    if (this.#unproven && !isCut) out.push({ type: 'text', text: this.#unproven.join('') })
    this.#state = 'answer'
  }
}

/** Where the end of `text` begins that may become the closing tag, with the white space before it. */
function unfinishedEnd (text: string): number {
  const tag = Array.from({ length: CLOSE.length - 1 }, (_, cut) => CLOSE.length - 1 - cut)
    .find(length => text.endsWith(CLOSE.slice(0, length))) ?? 0
  return text.slice(0, text.length - tag).trimEnd().length
}
