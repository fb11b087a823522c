import type { Change } from './change.ts'
import type { Batch, Stage } from './event.ts'
import { MARKERS, toVerdict, type CallGrammar } from './leaked-call-forms.ts'

/** Characters of an unfinished call that are held at most; no tool takes more. */
const MAX_HELD = 4 * 1024 * 1024

/** A line that begins with a bracket, or a marker anywhere. */
const START = /\n[ \t]*[{[]|<tool_call>|<function=|<\|python_tag\|>|```/

/** Only these characters can end a call, so text without one of them cannot decide anything. */
const DECISIVE = /[}\])>`]/

/** Below this the held text is judged at every piece, so that what can no longer be a call is let go at once. */
const SHORT = 200

export interface LeakedToolCallsOptions extends CallGrammar {
  /** Makes an id that is unique in the conversation. */
  newCallId: () => string
  changes: Change[]
}

/**
 * Turns tool calls that a model wrote into its text into tool_call events, when it called a tool that was offered.
 *
 * Prose keeps flowing: only text that can still become a call is held back. What turns out to be none is told whole.
 * Native calls in the same answer keep their order before those that leaked.
 */
export class LeakedToolCalls implements Stage {
  #options: LeakedToolCallsOptions
  #held = ''
  /** Whether `#held` begins at a possible call that more text has to decide. */
  #isOpen = false
  #atLineStart = true
  #hasText = false
  #isAfterCall = false
  #calls = 0
  #nativeIndexes = new Map<number, number>()

  constructor (options: LeakedToolCallsOptions) {
    this.#options = options
  }

  push (batch: Batch): Batch {
    const out: Batch = []
    for (const event of batch) {
      if (event.type === 'text') {
        this.#held += event.text
        if (!this.#isOpen || this.#held.length < SHORT || DECISIVE.test(event.text)) this.#read(false, out)
      } else if (event.type === 'tool_call') {
        this.#read(true, out)
        out.push({ ...event, index: this.#indexOf(event.index) })
      } else {
        if (event.type === 'finish') this.#read(true, out)
        out.push(event)
      }
    }
    return out
  }

  #read (isLast: boolean, out: Batch): void {
    if (this.#isAfterCall) {
      // What separates two calls is no text for anybody.
      this.#held = this.#held.replace(/^[\s;,]+/, '')
      this.#isAfterCall = this.#held === ''
    }
    while (this.#held !== '') {
      this.#isOpen = false
      const start = this.#start()
      if (start === -1) return this.#tell(isLast ? this.#held.length : this.#undecidedFrom(), out)
      // White space at the beginning of an answer is dropped with the call behind it, so it waits for the verdict.
      const lead = this.#hasText || this.#held.slice(0, start).trim() !== '' ? 0 : start
      this.#tell(start - lead, out)
      const verdict = toVerdict(this.#held.slice(lead), this.#options, isLast || this.#held.length > MAX_HELD)
      switch (verdict.is) {
        case 'open':
          this.#isOpen = true
          return
        case 'text':
          this.#tell(lead + (this.#held.startsWith('```', lead) ? 3 : 1), out)
          break
        case 'calls':
          this.#options.changes.push({ param: 'tool_calls', action: 'repaired', reason: 'the model wrote its call into the text' })
          for (const call of verdict.calls) {
            out.push({ type: 'tool_call', index: this.#calls++, id: this.#options.newCallId(), name: call.name, arguments: call.arguments })
          }
          this.#held = this.#held.slice(lead + verdict.length).replace(/^[\s;,]+/, '')
          this.#isAfterCall = this.#held === ''
          this.#atLineStart = true
      }
    }
  }

  /** Where the next possible call begins in the held text; -1 when there is none. */
  #start (): number {
    const match = START.exec(this.#atLineStart ? `\n${this.#held}` : this.#held)
    if (!match) return -1
    const shift = this.#atLineStart ? 1 : 0
    return match.index + match[0].search(/\S/) - shift
  }

  /** How much of the held text, which has no possible call yet, is certainly text. */
  #undecidedFrom (): number {
    if (!this.#hasText && this.#held.trim() === '') return 0
    const longest = Math.max(...MARKERS.map(word => word.length)) - 1
    for (let at = Math.max(0, this.#held.length - longest); at < this.#held.length; at++) {
      const end = this.#held.slice(at)
      if (MARKERS.some(word => word.startsWith(end))) return at
    }
    return this.#held.length
  }

  #tell (length: number, out: Batch): void {
    if (length === 0) return
    const text = this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    const line = text.slice(text.lastIndexOf('\n') + 1)
    this.#atLineStart = line.trim() === '' && (text.includes('\n') || this.#atLineStart)
    this.#hasText ||= text.trim() !== ''
    out.push({ type: 'text', text })
  }

  #indexOf (native: number): number {
    const known = this.#nativeIndexes.get(native)
    if (known !== undefined) return known
    this.#nativeIndexes.set(native, this.#calls)
    return this.#calls++
  }
}
