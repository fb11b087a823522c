import type { Batch, Stage, TextEvent } from '../generation/event.ts'

/** Tags around thinking. */
export interface ThinkTag {
  open: string
  close: string
}

export const THINK: ThinkTag = { open: '<think>', close: '</think>' }

/** Gemma 4's template. */
export const THOUGHT_CHANNEL: ThinkTag = { open: '<|channel>thought', close: '<channel|>' }

export interface ThinkTagsOptions {
  /** The tags that the model's template may write; the first pair if the template opens the thinking itself. */
  tags: readonly [ThinkTag, ...ThinkTag[]]
  /** The model's template opens the thinking itself, so that the answer begins inside it. */
  isOpen: boolean
  /** The limit that was sent upstream, in tokens. */
  maxTokens: number
}

/**
 * Converts thinking that a model writes into its answer, between tags like `<think>` and `</think>`, to reasoning events.
 *
 * Only the beginning of an answer can be thinking. The tags may be split anywhere, and only text that may still be a tag is
 * held back. deepseek-r1 and qwq begin without the opening tag, because their chat template has already written it: with
 * `isOpen` everything before `</think>` is reasoning. If such an answer ends without the closing tag, but not at the token
 * limit, it was not thinking but text.
 */
export class ThinkTags implements Stage {
  #options: ThinkTagsOptions
  #state: 'start' | 'opening' | 'thinking' | 'gap' | 'answer' = 'start'
  #completionTokens = 0
  #close: string
  /** Text before it is certain whether the answer begins with thinking. */
  #waiting: TextEvent[] = []
  /** Text that may still become a tag. */
  #held = ''
  /** White space before the held thinking, emitted only when more thinking follows. */
  #space = ''
  /** Thinking without an opening tag, kept until the closing one proves it. */
  #unproven: string[] | undefined

  constructor (options: ThinkTagsOptions) {
    this.#options = options
    this.#close = options.tags[0].close
  }

  get isTransparent (): boolean {
    return this.#state === 'answer'
  }

  push (batch: Batch): Batch {
    return this.#state === 'answer' ? batch : this.#readAll(batch)
  }

  #readAll (batch: Batch): Batch {
    const out: Batch = []
    for (const event of batch) {
      if (event.type === 'text' && this.#state !== 'answer') {
        this.#read(event, out)
        continue
      }
      if (event.type === 'usage') this.#completionTokens = event.usage.completionTokens
      if (event.type === 'tool_call') this.#end(false, out)
      if (event.type === 'finish') this.#end(event.reason === 'length' || this.#completionTokens >= this.#options.maxTokens, out)
      if (event.type === 'failure') this.#end(true, out)
      out.push(event)
    }
    return out
  }

  #read (event: TextEvent, out: Batch): void {
    this.#held += event.text
    if (this.#state === 'start') this.#start(event, out)
    if (this.#state === 'opening') this.#skipWhiteSpace('thinking')
    if (this.#state === 'thinking') this.#think(out)
    if (this.#state === 'gap') this.#skipWhiteSpace('answer')
    if (this.#state === 'answer') this.#emit('text', this.#held.length, out)
  }

  #start (event: TextEvent, out: Batch): void {
    this.#waiting.push(event)
    this.#held = this.#held.trimStart()
    const { tags, isOpen } = this.#options
    const tag = tags.find(({ open }) => this.#held.startsWith(open))
    if (tag === undefined && tags.some(({ open }) => open.startsWith(this.#held))) return
    if (tag !== undefined || isOpen) {
      this.#state = 'opening'
      this.#close = tag?.close ?? this.#close
      if (tag !== undefined) this.#held = this.#held.slice(tag.open.length)
      else this.#unproven = []
    } else {
      this.#state = 'answer'
      this.#held = ''
      this.#emitWaiting(out)
    }
    this.#waiting = []
  }

  #think (out: Batch): void {
    const close = this.#held.indexOf(this.#close)
    const end = close === -1 ? tagStart(this.#close, this.#held) : close
    this.#emit('reasoning', this.#held.slice(0, end).trimEnd().length, out)
    if (close === -1) {
      const tag = this.#held.trimStart()
      this.#space += this.#held.slice(0, this.#held.length - tag.length)
      this.#held = tag
      return
    }
    this.#held = this.#held.trimStart().slice(this.#close.length)
    this.#space = ''
    this.#unproven = undefined
    this.#state = 'gap'
  }

  /** The line breaks around thinking belong to neither it nor the answer. */
  #skipWhiteSpace (next: 'thinking' | 'answer'): void {
    this.#held = this.#held.trimStart()
    if (this.#held !== '') this.#state = next
  }

  #emit (type: 'text' | 'reasoning', length: number, out: Batch): void {
    if (length === 0) return
    const text = this.#space + this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    this.#space = ''
    out.push({ type, text })
    if (type === 'reasoning') this.#unproven?.push(text)
  }

  /** Emits the events unchanged, because they may also have logprobs. */
  #emitWaiting (out: Batch): void {
    for (const event of this.#waiting) out.push(event)
  }

  #end (isCut: boolean, out: Batch): void {
    if (this.#state === 'answer') return
    const rest = this.#space + this.#held
    if (this.#state === 'start') this.#emitWaiting(out)
    else if (rest !== '') out.push({ type: 'reasoning', text: rest })
    if (this.#unproven && !isCut) out.push({ type: 'text', text: [...this.#unproven, rest].join('') })
    this.#state = 'answer'
  }
}

/** The position of an end of `text` that may become the closing tag; the text's length if there is none. */
function tagStart (close: string, text: string): number {
  for (let at = Math.max(0, text.length - close.length + 1); at < text.length; at++) {
    if (close.startsWith(text.slice(at))) return at
  }
  return text.length
}
