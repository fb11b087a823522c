import { isUtf8 } from 'node:buffer'
import type { PieceEvent } from '../../generation/event.ts'

/**
 * Frames of one kind with a piece of text (or of thinking) and nothing else, read as bytes. This is the one grammar of the fast
 * path, for the text relay and for events. It must give exactly the events of the slow path for these frames, and must not
 * match any other frame.
 */
export interface TextFrames {
  /** The kind of the pieces. */
  readonly type: PieceEvent['type']
  /** The frames have usage; the last one counts. */
  readonly hasUsage: boolean
  /** Whether such a frame may begin at `at`. */
  mayBegin: (bytes: Uint8Array, at: number) => boolean
  /**
   * Reads the frame at `at`.
   * @param text gets the position of its text
   * @returns the end of the frame; -1 if it is not such a frame
   */
  read: (bytes: Uint8Array, at: number, text: TextSpan) => number
}

/** The position of a JSON string, in bytes, including its quotes. */
export interface TextSpan {
  start: number
  end: number
  /** UTF-16 code units of the text. */
  characters: number
  /** The bytes are known to be UTF-8. */
  isUtf8: boolean
  /** DataView over the same bytes, created lazily. */
  view: DataView | undefined
}

export function newTextSpan (): TextSpan {
  return { start: 0, end: 0, characters: 0, isUtf8: false, view: undefined }
}

const HEAD = toBytes('data: {"response":')
const BEGIN = toBytes('data: {')
const NO_CALLS = toBytes(',"tool_calls":[]')
const PADDING = toBytes(',"p":')
const TAIL = toBytes('}\n\n')
/** Characters after a backslash, for escapes that every JSON encoder writes the same way. */
const ESCAPES = toBytes('"\\bfnrt')

const QUOTE = 0x22
const BACKSLASH = 0x5c
const MINUS = 0x2d
const PLUS = 0x2b
const POINT = 0x2e
const SMALL_E = 0x65
const CAPITAL_E = 0x45
const ZERO = 0x30

/** The commonest frame: text, then members without meaning (no calls, padding of random length). */
export const CLASSIC_TEXT: TextFrames = {
  type: 'text',
  hasUsage: false,
  mayBegin: (bytes, at) => startsWith(bytes, at, HEAD),
  read (bytes, at, text) {
    if (!startsWith(bytes, at, HEAD)) return -1
    let end = endOfText(bytes, at + HEAD.length, text)
    if (end === -1) return -1
    if (startsWith(bytes, end, NO_CALLS)) end += NO_CALLS.length
    if (startsWith(bytes, end, PADDING)) end = endOfString(bytes, end + PADDING.length)
    return startsWith(bytes, end, TAIL) ? end + TAIL.length : -1
  }
}

/** The type of a value that changes from frame to frame: a string, a number, or a token count that the client gets. */
type Changing = 'string' | 'number' | 'count'

/** The constant bytes after a changing value. */
interface Step {
  changing: Changing | undefined
  fixed: Fixed
}

/**
 * Constant bytes, compared eight at a time as 64-bit floats, because most of a frame never changes. Equal floats mean equal
 * bytes: JSON text cannot contain the bytes of a zero, and NaN (bytes beyond ASCII) equals nothing.
 */
interface Fixed {
  length: number
  words: Float64Array
  /** The remaining bytes, fewer than a word. */
  rest: Uint8Array
}

/** Regular expression source: the key of a token count that the client gets. */
export const COUNT_KEY = '"(?:prompt|completion|input|output)_tokens"'
/** The text before such a count. */
const BEFORE_COUNT = new RegExp(String.raw`${COUNT_KEY}\s*:\s*$`)

/** Frames by a template. Changing strings are ASCII without escapes; numbers are finite. */
export class TemplateText implements TextFrames {
  readonly type: PieceEvent['type']
  readonly hasUsage: boolean
  /** The bytes before the text in the frame that the template was compiled from: most ids do not change within a stream. */
  #usual: Fixed
  #before: Step[]
  #after: Step[]

  /**
   * @param before the JSON before the text, alternately a constant part and a changing value
   * @param after the JSON after the text, in the same form
   */
  constructor (type: PieceEvent['type'], before: readonly string[], after: readonly string[]) {
    this.type = type
    this.#usual = toFixed(`data: ${before.join('')}`)
    this.#before = toSteps([`data: ${before[0]}`, ...before.slice(1)])
    this.#after = toSteps([...after.slice(0, -1), `${after.at(-1)}\n\n`])
    this.hasUsage = [...before, ...after].some(part => /_tokens"\s*:/.test(part))
  }

  mayBegin (bytes: Uint8Array, at: number): boolean {
    return startsWith(bytes, at, BEGIN)
  }

  read (bytes: Uint8Array, at: number, text: TextSpan): number {
    text.view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const start = isThere(text.view, at, this.#usual) ? at + this.#usual.length : endOfSteps(bytes, text.view, at, this.#before)
    if (start === -1) return -1
    const end = endOfText(bytes, start, text)
    // Without text here, another member may contain the text.
    if (end === -1 || text.characters === 0) return -1
    return endOfSteps(bytes, text.view, end, this.#after)
  }
}

/** @param parts alternately a constant part and a changing value */
function toSteps (parts: readonly string[]): Step[] {
  return parts.flatMap((fixed, index) =>
    index % 2 === 0 ? [{ changing: kindOf(parts[index - 1], parts[index - 2]), fixed: toFixed(fixed) }] : []
  )
}

function kindOf (value: string | undefined, before = ''): Changing | undefined {
  if (value === undefined) return undefined
  if (value.startsWith('"')) return 'string'
  return BEFORE_COUNT.test(before) ? 'count' : 'number'
}

/** The end of these steps; -1 if the bytes do not match. */
function endOfSteps (bytes: Uint8Array, view: DataView, start: number, steps: readonly Step[]): number {
  let at = start
  for (const { changing, fixed } of steps) {
    if (changing === 'string') at = endOfString(bytes, at)
    else if (changing === 'number') at = endOfNumber(bytes, at)
    else if (changing === 'count') at = endOfCount(bytes, at)
    if (at === -1 || !isThere(view, at, fixed)) return -1
    at += fixed.length
  }
  return at
}

/** The end of the JSON string at `start`; -1 if there is none, or if it has escapes other than simple ones. */
function endOfText (bytes: Uint8Array, start: number, text: TextSpan): number {
  if (bytes[start] !== QUOTE) return -1
  let end = start + 1
  // Bytes that are not a separate UTF-16 code unit.
  let silent = 0
  for (let byte = bytes[end]; byte !== QUOTE; byte = bytes[++end]) {
    if (byte === undefined || byte < 0x20) return -1
    if (byte === BACKSLASH) {
      if (!ESCAPES.includes(bytes[++end] as number)) return -1
      silent++
    } else if (byte >= 0x80) {
      if (!text.isUtf8 && !isUtf8(bytes)) return -1
      text.isUtf8 = true
      if (byte < 0xc0) silent++
      else if (byte >= 0xf0) silent--
    }
  }
  text.start = start
  text.end = end + 1
  text.characters = end - start - 1 - silent
  return end + 1
}

/** The end of the JSON string at `start` of ASCII without escapes; -1 if there is none. */
function endOfString (bytes: Uint8Array, start: number): number {
  if (bytes[start] !== QUOTE) return -1
  let at = start + 1
  for (let byte = bytes[at]; byte !== QUOTE; byte = bytes[++at]) {
    if (byte === undefined || byte < 0x20 || byte >= 0x80 || byte === BACKSLASH) return -1
  }
  return at + 1
}

/**
 * The end of the finite number at `start`; -1 if there is none. At most 15 digits, 20 after the point and 2 in the exponent,
 * which no count and no price exceeds.
 */
function endOfNumber (bytes: Uint8Array, start: number): number {
  const first = bytes[start] === MINUS ? start + 1 : start
  let end = endOfDigits(bytes, first)
  const digits = end - first
  if (digits === 0 || digits > 15 || (bytes[first] === ZERO && digits > 1)) return -1
  if (bytes[end] === POINT) {
    const point = end
    end = endOfDigits(bytes, point + 1)
    if (end === point + 1 || end > point + 21) return -1
  }
  return bytes[end] === SMALL_E || bytes[end] === CAPITAL_E ? endOfExponent(bytes, end + 1) : end
}

function endOfExponent (bytes: Uint8Array, start: number): number {
  const first = bytes[start] === MINUS || bytes[start] === PLUS ? start + 1 : start
  const end = endOfDigits(bytes, first)
  return end === first || end > first + 2 ? -1 : end
}

/** The end of a token count; -1 if there is none, or if it is zero. */
function endOfCount (bytes: Uint8Array, start: number): number {
  const end = endOfDigits(bytes, start)
  return end === start || end > start + 15 || bytes[start] === ZERO ? -1 : end
}

function endOfDigits (bytes: Uint8Array, start: number): number {
  let at = start
  for (let byte = bytes[at]; byte !== undefined && byte >= ZERO && byte <= ZERO + 9; byte = bytes[++at]);
  return at
}

function startsWith (bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  if (at === -1 || at + expected.length > bytes.length) return false
  for (let index = 0; index < expected.length; index++) {
    if (bytes[at + index] !== expected[index]) return false
  }
  return true
}

function isThere (view: DataView, start: number, { length, words, rest }: Fixed): boolean {
  if (start + length > view.byteLength) return false
  let at = start
  for (let index = 0; index < words.length; index++, at += 8) {
    if (view.getFloat64(at, true) !== words[index]) return false
  }
  for (let index = 0; index < rest.length; index++, at++) {
    if (view.getUint8(at) !== rest[index]) return false
  }
  return true
}

function toFixed (text: string): Fixed {
  const bytes = toBytes(text)
  const view = new DataView(bytes.buffer)
  const words = Float64Array.from({ length: bytes.length >> 3 }, (_, index) => view.getFloat64(index * 8, true))
  return { length: bytes.length, words, rest: bytes.subarray(words.length * 8) }
}

function toBytes (text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text))
}
