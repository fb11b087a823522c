import type { Change } from '../generation/change.ts'
import type { Batch, Stage } from '../generation/event.ts'

/** Gemma's quote token around a text, and its form in JSON. Gemma 4 and glm were observed to write it into arguments. */
const MARK = '<|"|>'
const IN_JSON = '<|\\"|>'

/** A string of JSON that is wrapped in the mark, or in functiongemma's. */
const WRAPPED = /(?<!\\)"(?:<\|\\"\|>((?:[^"\\]|\\.)*?)<\|\\"\|>|<escape>((?:[^"\\]|\\.)*?)<escape>)"/gs

/** A string that begins or ends with a piece of the mark. */
const DAMAGED = /(?<!\\)"<\|\\"|<\|\\"\|>"\s*(?:[,}\]:]|$)/

const MARKED: Change = { param: 'tool_calls', action: 'repaired', repair: 'arguments', reason: 'the model wrote tokens of its chat template into the arguments' }

/**
 * Arguments without the marks of a chat template around their texts.
 * @param json arguments, or a piece of them that starts before or after a string
 */
export function withoutMarks (json: string): string {
  const pieces = json.split(MARK)
  // An unescaped mark is not valid in JSON. Every second piece is a text.
  const quoted = pieces.length > 1 && pieces.length % 2 === 1
    ? pieces.map((piece, index) => index % 2 === 0 ? piece : JSON.stringify(piece)).join('')
    : json
  return quoted.includes(IN_JSON) || quoted.includes('<escape>')
    ? quoted.replace(WRAPPED, (_, text: string | undefined, escaped: string | undefined) => `"${text ?? escaped ?? ''}"`)
    : quoted
}

/** Whether the arguments contain a damaged mark, which cannot be removed because a part of it is lost. */
export function hasDamagedMark (json: string): boolean {
  return json.includes('<|\\"') && DAMAGED.test(withoutMarks(json))
}

interface Call {
  index: number
  /** Held text: a string with a mark and everything after it, or what may become one. */
  held: string
  isMarked: boolean
  isInString: boolean
  isEscaped: boolean
}

/**
 * Removes the marks from streamed arguments. They pass up to a string that begins with a mark; from there on they are held
 * until the call has ended. If arguments are held anyway, the stage that repairs them removes the marks.
 */
export class ArgumentMarks implements Stage {
  #changes: Change[]
  #calls: Call[] = []

  constructor (changes: Change[]) {
    this.#changes = changes
  }

  push (batch: Batch): Batch {
    const out: Batch = []
    for (const event of batch) {
      if (event.type !== 'tool_call') {
        if (event.type !== 'usage') this.#end(out)
        out.push(event)
        continue
      }
      let call = this.#calls.find(({ index }) => index === event.index)
      if (call === undefined) {
        this.#end(out)
        call = { index: event.index, held: '', isMarked: false, isInString: false, isEscaped: false }
        this.#calls.push(call)
      }
      const piece = pass(call, event.arguments)
      if (piece === event.arguments) out.push(event)
      else if (piece !== '' || event.name !== undefined) out.push({ ...event, arguments: piece })
    }
    return out
  }

  #end (out: Batch): void {
    for (const call of this.#calls) {
      if (call.held === '') continue
      const text = call.isMarked ? withoutMarks(call.held) : call.held
      if (text !== call.held) this.#changes.push(MARKED)
      out.push({ type: 'tool_call', index: call.index, arguments: text })
      call.held = ''
      call.isMarked = false
    }
  }
}

/** The part of a call's arguments that may be emitted now. */
function pass (call: Call, piece: string): string {
  const text = call.held + piece
  call.held = text
  if (call.isMarked) return ''
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (call.isInString) {
      if (call.isEscaped) call.isEscaped = false
      else if (char === '\\') call.isEscaped = true
      else if (char === '"') call.isInString = false
      continue
    }
    if (char !== '"') continue
    const rest = text.slice(at, at + OPENING.length)
    if (OPENING.startsWith(rest)) {
      call.isMarked = rest === OPENING
      call.held = text.slice(at)
      return text.slice(0, at)
    }
    call.isInString = true
  }
  call.held = ''
  return text
}

/** How a marked string begins. */
const OPENING = '"<|\\"'
