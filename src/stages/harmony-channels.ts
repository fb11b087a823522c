import type { Batch, Stage, TextEvent } from '../generation/event.ts'

/** The beginnings of a message. The template writes the first token of the answer, so mostly the channel comes first. */
const BEGINS = ['<|start|>', '<|channel|>'] as const

const MESSAGE = '<|message|>'

/** The ends of a message. */
const ENDS = ['<|end|>', '<|return|>', '<|call|>'] as const

/** The most characters of a message's head; the longest observed one has a hundred. */
const MAX_HEAD = 512

/**
 * Separates harmony messages in the text, as observed on gpt-oss: the channel `analysis` is thinking, `final` and
 * `commentary` are the answer. A message to a tool stays unchanged for the stage that reads calls.
 *
 * Only an answer that begins with such a message contains them; all others pass unchanged.
 */
export class HarmonyChannels implements Stage {
  #state: 'start' | 'head' | 'body' | 'ended' | 'off' = 'start'
  #kind: 'text' | 'reasoning' | 'call' = 'text'
  /** Text before it is certain how the answer begins. */
  #waiting: TextEvent[] = []
  /** Text not emitted yet; of a body only what may be its end. */
  #held = ''
  /** The end marker of the last message, which is dropped when another message or nothing follows. */
  #end = ''

  get isTransparent (): boolean {
    return this.#state === 'off'
  }

  push (batch: Batch): Batch {
    return this.#state === 'off' ? batch : this.#readAll(batch)
  }

  #readAll (batch: Batch): Batch {
    const out: Batch = []
    for (const event of batch) {
      if (event.type === 'text' && this.#state !== 'off') {
        this.#held += event.text
        if (this.#state === 'start') this.#start(event, out)
        this.#read(out)
        continue
      }
      if (event.type === 'tool_call' || event.type === 'finish' || event.type === 'failure') this.#finish(out)
      out.push(event)
    }
    return out
  }

  #start (event: TextEvent, out: Batch): void {
    this.#waiting.push(event)
    const text = this.#held.trimStart()
    if (BEGINS.some(word => word.startsWith(text))) return
    if (BEGINS.some(word => text.startsWith(word))) {
      this.#state = 'head'
      this.#held = text
    } else {
      this.#state = 'off'
      this.#held = ''
      for (const waiting of this.#waiting) out.push(waiting)
    }
    this.#waiting = []
  }

  #read (out: Batch): void {
    while ((this.#state === 'head' && this.#readHead(out)) || (this.#state === 'body' && this.#readBody(out)) || (this.#state === 'ended' && this.#readSeam(out)));
  }

  /** Reads `<|start|>assistant<|channel|>…<|message|>`. Returns whether it is complete. */
  #readHead (out: Batch): boolean {
    const end = this.#held.indexOf(MESSAGE)
    if (end === -1 && this.#held.length <= MAX_HEAD) return false
    const head = end === -1 ? '' : this.#held.slice(0, end)
    if (/\bto=/.test(head)) this.#kind = 'call'
    else if (/<\|channel\|>\s*analysis/.test(head)) this.#kind = 'reasoning'
    else this.#kind = 'text'
    this.#state = 'body'
    if (end !== -1 && this.#kind !== 'call') {
      this.#held = this.#held.slice(end + MESSAGE.length)
      return true
    }
    // Unchanged, so that a later stage reads the call in it.
    this.#emit(end === -1 ? this.#held.length : end + MESSAGE.length, out)
    return true
  }

  /** Reads up to the end of the message. Returns whether it has ended. */
  #readBody (out: Batch): boolean {
    const at = firstOf([...ENDS, ...BEGINS], this.#held)
    const mark = [...ENDS, ...BEGINS].find(word => this.#held.startsWith(word, at))
    this.#emit(at, out)
    if (mark === undefined) return false
    if (isOneOf(BEGINS, mark)) {
      this.#state = 'head'
      return true
    }
    this.#end = mark
    this.#held = this.#held.slice(mark.length)
    this.#state = 'ended'
    return true
  }

  /** After a message comes another one, or nothing. Before anything else, the end marker was a part of the text. */
  #readSeam (out: Batch): boolean {
    const text = this.#held.trimStart()
    if (text === '') return false
    const isMessage = BEGINS.some(word => text.startsWith(word))
    if (!isMessage && BEGINS.some(word => word.startsWith(text))) return false
    if (isMessage) {
      if (this.#kind === 'call') out.push({ type: 'text', text: this.#end })
      this.#held = text
      this.#state = 'head'
    } else {
      this.#held = this.#end + this.#held
      this.#state = 'body'
      this.#emit(this.#end.length, out)
    }
    this.#end = ''
    return true
  }

  #finish (out: Batch): void {
    if (this.#state === 'start') for (const waiting of this.#waiting) out.push(waiting)
    if (this.#state === 'head') this.#kind = 'text'
    if (this.#state === 'head' || this.#state === 'body') this.#emit(this.#held.length, out)
    if (this.#state === 'ended' && this.#kind === 'call') out.push({ type: 'text', text: this.#end })
    this.#state = 'off'
    this.#held = ''
    this.#waiting = []
  }

  #emit (length: number, out: Batch): void {
    if (length === 0) return
    out.push({ type: this.#kind === 'reasoning' ? 'reasoning' : 'text', text: this.#held.slice(0, length) })
    this.#held = this.#held.slice(length)
  }
}

/** The position where one of the words begins, or may begin at the text's end; the text's length if there is none. */
function firstOf (words: readonly string[], text: string): number {
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at + 1)) {
    const rest = text.slice(at, at + 16)
    if (words.some(word => rest.startsWith(word) || word.startsWith(rest))) return at
  }
  return text.length
}

function isOneOf (words: readonly string[], word: string): boolean {
  return words.includes(word)
}
