import type { Change } from './change.ts'
import type { Batch, Stage } from './event.ts'
import type { CallGrammar } from './leaked-call-bodies.ts'
import { CLOSERS, MARKERS, toOpening, type CallBody } from './leaked-call-forms.ts'

/** A bracket at the beginning of a line, or a marker anywhere. */
const START = /(?<=\n)[{[]|<tool_call>|<function=|<\|python_tag\|>|\[TOOL_CALLS\]|```/

/** The same in text that is at the beginning of a line itself. */
const START_OF_LINE = /(?<![^\n])[{[]|<tool_call>|<function=|<\|python_tag\|>|\[TOOL_CALLS\]|```/

/** Characters that tell at the latest whether a call begins. */
const MAX_OPENING = 512

/** White space at the beginning of an answer that may belong to a call, in characters. */
const MAX_LEAD = 64

export interface LeakedToolCallsOptions extends CallGrammar {
  /** Makes an id that is unique in the conversation. */
  newCallId: () => string
  changes: Change[]
}

/**
 * Turns tool calls that a model wrote into its text into tool_call events, when it called a tool that was offered.
 *
 * Prose keeps flowing: only text that can still become a call is held back. What turns out to be none is told whole;
 * what separates two calls, and the words that close them, are no text for anybody. A bare bracket counts only where a
 * line begins with it, because the inside of other JSON is indented.
 * Native calls in the same answer keep their order before those that leaked.
 */
export class LeakedToolCalls implements Stage {
  #options: LeakedToolCallsOptions
  /** Text that is not told yet. While a body is read it only grows, and is not searched again. */
  #held = ''
  #body: CallBody | undefined
  #state: 'beginning' | 'text' | 'after call' = 'beginning'
  #isLineStart = true
  #isFenced = false
  #calls = 0
  #nativeIndexes = new Map<number, number>()

  constructor (options: LeakedToolCallsOptions) {
    this.#options = options
  }

  push (batch: Batch): Batch {
    const out: Batch = []
    for (const event of batch) {
      switch (event.type) {
        case 'text':
          this.#held += event.text
          if (!this.#body || this.#endsBody(event.text, out)) this.#search(out)
          break
        case 'tool_call':
          this.#end(out)
          out.push({ ...event, index: this.#indexOf(event.index) })
          break
        case 'finish':
        case 'failure':
          this.#end(out)
          out.push(event)
          break
        default:
          out.push(event)
      }
    }
    return out
  }

  /** Tells what is certainly text, and reads calls, up to where more text has to decide. */
  #search (out: Batch): void {
    while (this.#state !== 'after call' || this.#isPastClosers()) {
      const lead = this.#state === 'beginning' ? this.#held.length - this.#held.trimStart().length : 0
      if (lead > MAX_LEAD) {
        this.#tell(lead, out)
        continue
      }
      const rest = this.#held.slice(lead)
      if (rest === '') return
      const start = this.#startIn(rest)
      const opening = start > 0 ? 'text' : toOpening(rest.slice(0, MAX_OPENING), this.#options)
      if (opening === 'open' && rest.length < MAX_OPENING) return
      if (typeof opening === 'string') {
        this.#tell(lead + Math.max(start, 1), out)
        continue
      }
      this.#body = { ...opening, start: lead + opening.start }
      if (!this.#endsBody(this.#held.slice(this.#body.start), out)) return
    }
  }

  /** Where a call may begin in a text that is not empty; the text's length when nowhere. */
  #startIn (text: string): number {
    const match = (this.#isLineStart ? START_OF_LINE : START).exec(text)
    return match?.index ?? markerStart(text)
  }

  /** Reads on in the body of a call: whether it has come to its end, and is told. */
  #endsBody (piece: string, out: Batch): boolean {
    const body = this.#body as CallBody
    const length = body.scanner.read(piece)
    if (length === undefined) return false
    this.#body = undefined
    const end = body.start + length
    const calls = body.toCalls(this.#held.slice(body.start, end))
    if (calls === undefined) {
      this.#tell(end, out)
      return true
    }
    this.#options.changes.push({ param: 'tool_calls', action: 'repaired', reason: 'the model wrote its call into the text' })
    for (const call of calls) out.push({ type: 'tool_call', index: this.#calls++, id: this.#options.newCallId(), ...call })
    this.#held = this.#held.slice(end)
    this.#isFenced ||= body.isFenced
    this.#isLineStart = true
    this.#state = 'after call'
    return true
  }

  /** Drops what separates and closes calls: whether there is more, and it is something else. */
  #isPastClosers (): boolean {
    while (true) {
      this.#held = this.#held.replace(/^[\s;,]+/, '')
      const closers = this.#isFenced ? [...CLOSERS, '```'] : CLOSERS
      const closer = closers.find(word => this.#held.startsWith(word))
      if (closer === undefined) {
        if (closers.some(word => word.startsWith(this.#held))) return false
        this.#state = 'text'
        return true
      }
      this.#held = this.#held.slice(closer.length)
      if (closer === '```') this.#isFenced = false
    }
  }

  /** Nothing follows: what is held is text, but for the cut closing word of a call. */
  #end (out: Batch): void {
    this.#body = undefined
    if (this.#state === 'after call') this.#held = ''
    this.#tell(this.#held.length, out)
  }

  #tell (length: number, out: Batch): void {
    if (length === 0) return
    const text = this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    this.#isLineStart = text.endsWith('\n')
    this.#isFenced = false
    this.#state = 'text'
    out.push({ type: 'text', text })
  }

  #indexOf (native: number): number {
    const known = this.#nativeIndexes.get(native)
    if (known !== undefined) return known
    this.#nativeIndexes.set(native, this.#calls)
    return this.#calls++
  }
}

/** Where the end of `text` begins that may become a marker; the text's length when there is none. */
function markerStart (text: string): number {
  const longest = Math.max(...MARKERS.map(word => word.length)) - 1
  for (let at = Math.max(0, text.length - longest); at < text.length; at++) {
    const end = text.slice(at)
    if (MARKERS.some(word => word.startsWith(end))) return at
  }
  return text.length
}
