import type { Change } from '../../generation/change.ts'
import type { Batch, ReasoningEvent, Stage } from '../../generation/event.ts'
import type { CallGrammar, LeakedCall } from './bodies.ts'
import { CLOSERS, MARKERS, toOpening, type CallBody } from './forms.ts'

const ANY_MARKER = MARKERS.map(word => word.replace(/[|[\]]/g, '\\$&')).join('|')

/** A bracket at the beginning of a line, or a marker anywhere. */
const START = new RegExp(`(?<=\\n)[{[]|${ANY_MARKER}`)

/** The same in text that is at the beginning of a line itself. */
const START_OF_LINE = new RegExp(`(?<![^\\n])[{[]|${ANY_MARKER}`)

/** Markers by what they begin with. */
const BY_LETTER = new Map([...new Set(MARKERS.map(word => word[0]))].map(letter => [letter, MARKERS.filter(word => word[0] === letter)]))

const LONGEST_MARKER = Math.max(...MARKERS.map(word => word.length))

/** Characters after which it is certain whether a call begins. */
const MAX_OPENING = 512

/** White space at the beginning of an answer that may belong to a call, in characters. */
const MAX_LEAD = 64

export interface LeakedToolCallsOptions extends CallGrammar {
  /** Makes an id that is unique in the conversation. */
  newCallId: () => string
  changes: Change[]
}

/** A piece of the input: text, or the calls of one body. */
type Piece = string | LeakedCall[]

/**
 * Converts calls of offered tools that a model wrote into its text to tool_call events.
 *
 * Prose passes at once: only text that can still become a call is held back. Text that is not a call is emitted completely.
 * Separators between calls, and their closing words, are removed. A bare bracket counts only at the beginning of a line,
 * because the inside of other JSON is indented.
 * Native calls in the same answer keep their order before those that leaked.
 *
 * A call in the thinking counts only if the answer ends without text or another call: a model may think about calls.
 * Until that is known, thinking is held back from the first call on.
 */
export class LeakedToolCalls implements Stage {
  #options: LeakedToolCallsOptions
  #text: CallReader
  #calls = 0
  #nativeIndexes = new Map<number, number>()
  /** White space at the beginning of the answer. */
  #lead = ''
  /** Reads the thinking until the answer has text. */
  #thoughts: CallReader | undefined
  /** Thinking not emitted yet, unchanged. */
  #heldThoughts = ''
  /** Calls in the thinking, and the thinking without them. */
  #thoughtCalls: LeakedCall[] = []
  #thoughtsAround = ''

  constructor (options: LeakedToolCallsOptions) {
    this.#options = options
    this.#text = new CallReader(options)
    this.#thoughts = new CallReader(options)
  }

  push (batch: Batch): Batch {
    const out: Batch = []
    for (const event of batch) {
      switch (event.type) {
        case 'text':
          this.#lead += event.text
          if (this.#thoughts && !/\S/.test(event.text)) break
          this.#endThoughts(out)
          this.#tellAll(this.#text.read(this.#lead), out)
          this.#lead = ''
          break
        case 'reasoning':
          if (this.#thoughts) this.#think(event, this.#thoughts, out)
          else out.push(event)
          break
        case 'tool_call':
          this.#end(out)
          out.push({ ...event, index: this.#indexOf(event.index) })
          break
        case 'finish':
          if (event.reason !== 'length' && event.reason !== 'content_filter') this.#callFromThoughts(out)
          this.#end(out)
          out.push(event)
          break
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

  /** Nothing follows that belongs to the text before. */
  #end (out: Batch): void {
    this.#endThoughts(out)
    this.#tellAll([...this.#text.read(this.#lead), ...this.#text.end()], out)
    this.#lead = ''
  }

  #think (event: ReasoningEvent, thoughts: CallReader, out: Batch): void {
    this.#heldThoughts += event.text
    let told = 0
    for (const piece of thoughts.read(event.text)) {
      if (typeof piece !== 'string') this.#thoughtCalls.push(...piece)
      else if (this.#thoughtCalls.length > 0) this.#thoughtsAround += piece
      else told += piece.length
    }
    if (told === 0) return
    const text = this.#heldThoughts.slice(0, told)
    this.#heldThoughts = this.#heldThoughts.slice(told)
    // An event that passes unchanged keeps its other members.
    out.push(text === event.text ? event : { type: 'reasoning', text })
  }

  /** The thinking contained no call: emits it unchanged. */
  #endThoughts (out: Batch): void {
    this.#thoughts = undefined
    this.#thoughtCalls = []
    if (this.#heldThoughts !== '') out.push({ type: 'reasoning', text: this.#heldThoughts })
    this.#heldThoughts = ''
  }

  /** The answer has ended: if it is empty, the calls in its thinking are its content. */
  #callFromThoughts (out: Batch): void {
    if (this.#thoughts === undefined) return
    for (const piece of this.#thoughts.end()) {
      if (typeof piece === 'string') this.#thoughtsAround += piece
    }
    if (this.#thoughtCalls.length === 0) return
    const calls = this.#thoughtCalls
    this.#heldThoughts = this.#thoughtsAround
    this.#lead = ''
    this.#endThoughts(out)
    this.#options.changes.push({ param: 'tool_calls', action: 'repaired', repair: 'leaked_call', reason: 'the model wrote its call into its thinking' })
    this.#call(calls, out)
  }

  #tellAll (pieces: readonly Piece[], out: Batch): void {
    for (const piece of pieces) {
      if (typeof piece === 'string') {
        out.push({ type: 'text', text: piece })
        continue
      }
      this.#options.changes.push({ param: 'tool_calls', action: 'repaired', repair: 'leaked_call', reason: 'the model wrote its call into the text' })
      this.#call(piece, out)
    }
  }

  #call (calls: readonly LeakedCall[], out: Batch): void {
    for (const call of calls) out.push({ type: 'tool_call', index: this.#calls++, id: this.#options.newCallId(), ...call })
  }

  #indexOf (native: number): number {
    const known = this.#nativeIndexes.get(native)
    if (known !== undefined) return known
    this.#nativeIndexes.set(native, this.#calls)
    return this.#calls++
  }
}

/** Separates text from the calls in it, however the text is split into chunks. */
class CallReader {
  #grammar: CallGrammar
  /** Text not emitted yet. While a body is read it only grows, and is not searched again. */
  #held = ''
  #body: CallBody | undefined
  #state: 'beginning' | 'text' | 'after call' = 'beginning'
  #isLineStart = true
  #isFenced = false

  constructor (grammar: CallGrammar) {
    this.#grammar = grammar
  }

  /** The pieces that are certain after the next piece of text. */
  read (text: string): Piece[] {
    const out: Piece[] = []
    if (text === '') return out
    this.#held += text
    if (!this.#body || this.#endsBody(text, out)) this.#search(out)
    return out
  }

  /** Nothing follows: held input is text, except an incomplete closing word of a call. */
  end (): Piece[] {
    const out: Piece[] = []
    this.#body = undefined
    if (this.#state === 'after call') this.#held = ''
    this.#emit(this.#held.length, out)
    return out
  }

  /** Emits what is certainly text and reads calls, until more input is needed to decide. */
  #search (out: Piece[]): void {
    while (this.#state !== 'after call' || this.#isPastClosers()) {
      const lead = this.#state === 'beginning' ? this.#held.length - this.#held.trimStart().length : 0
      if (lead > MAX_LEAD) {
        this.#emit(lead, out)
        continue
      }
      const rest = this.#held.slice(lead)
      if (rest === '') return
      const start = this.#startIn(rest)
      const opening = start > 0 ? 'text' : toOpening(rest.slice(0, MAX_OPENING), this.#grammar)
      if (opening === 'open' && rest.length < MAX_OPENING) return
      if (typeof opening === 'string') {
        this.#emit(lead + Math.max(start, 1), out)
        continue
      }
      this.#body = { ...opening, start: lead + opening.start }
      if (!this.#endsBody(this.#held.slice(this.#body.start), out)) return
    }
  }

  /** The position where a call may begin in a text that is not empty; the text's length if there is none. */
  #startIn (text: string): number {
    const match = (this.#isLineStart ? START_OF_LINE : START).exec(text)
    return match?.index ?? markerStart(text)
  }

  /** Continues with the body of a call. Returns whether it has ended; its calls or its text are emitted then. */
  #endsBody (piece: string, out: Piece[]): boolean {
    const body = this.#body as CallBody
    const length = body.scanner.read(piece)
    if (length === undefined) return false
    this.#body = undefined
    const end = body.start + length
    const calls = body.toCalls(this.#held.slice(body.start, end))
    if (calls === undefined) {
      this.#emit(end, out)
      return true
    }
    out.push(calls)
    this.#held = this.#held.slice(end)
    this.#isFenced ||= body.isFenced
    this.#isLineStart = true
    this.#state = 'after call'
    return true
  }

  /** Drops separators and closing words of calls. Returns whether other input follows. */
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

  #emit (length: number, out: Piece[]): void {
    if (length === 0) return
    const text = this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    this.#isLineStart = text.endsWith('\n')
    this.#isFenced = false
    this.#state = 'text'
    out.push(text)
  }
}

/** The position of an end of `text` that may become a marker; the text's length if there is none. */
function markerStart (text: string): number {
  for (let at = Math.max(0, text.length - LONGEST_MARKER + 1); at < text.length; at++) {
    const words = BY_LETTER.get(text[at])
    if (words === undefined) continue
    const end = text.slice(at)
    if (words.some(word => word.startsWith(end))) return at
  }
  return text.length
}
