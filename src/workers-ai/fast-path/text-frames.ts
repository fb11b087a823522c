import { isUtf8 } from 'node:buffer'
import { BEFORE_COUNT } from './frame-pattern.ts'

/** Frames of one kind that say a piece of text and nothing else, read as bytes. */
export interface TextFrames {
  /** Usage runs along in them, and the last one's counts. */
  readonly hasUsage: boolean
  /** Whether such a frame may begin there. */
  mayBegin: (bytes: Uint8Array, at: number) => boolean
  /**
   * Reads the frame that begins there.
   * @param text is set to where its text is
   * @returns where it ends; -1 when it is no such frame
   */
  read: (bytes: Uint8Array, at: number, text: TextSpan) => number
}

/** Where the JSON string of a text is among bytes, in bytes, quotes included. */
export interface TextSpan {
  start: number
  end: number
  /** UTF-16 code units of the text. */
  characters: number
  /** The bytes are known to be UTF-8. */
  isUtf8: boolean
  /** Of the same bytes, made by who needs it. */
  view: DataView | undefined
}

const HEAD = toBytes('data: {"response":')
const BEGIN = toBytes('data: {')
const NO_CALLS = toBytes(',"tool_calls":[]')
const PADDING = toBytes(',"p":')
const TAIL = toBytes('}\n\n')
/** What may follow a backslash: escapes that have no other form, so that nobody would write them differently. */
const ESCAPES = toBytes('"\\bfnrt')

const QUOTE = 0x22
const BACKSLASH = 0x5c
const POINT = 0x2e
const ZERO = 0x30

/** Those of `CLASSIC` in `frame-pattern.ts`, with padding in ASCII. */
export const CLASSIC_TEXT: TextFrames = {
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

/** What does not change in frames of a kind, behind a value that does. */
interface Step {
  changing: 'string' | 'number' | 'count' | undefined
  fixed: Fixed
}

/** Bytes that are compared four at a time, for most of a frame never changes. */
interface Fixed {
  length: number
  words: Int32Array
  /** What is left, of less than a word. */
  rest: Uint8Array
}

/** Those of a learned pattern, with ASCII in the strings that change, and no sign or exponent in the numbers. */
export class LearnedText implements TextFrames {
  readonly hasUsage: boolean
  #before: Step[]
  #after: Step[]

  /**
   * @param before the JSON of a frame before its text, in turns what does not change and a value that does
   * @param after the same behind its text
   */
  constructor (before: readonly string[], after: readonly string[]) {
    this.#before = toSteps([`data: ${before[0]}`, ...before.slice(1)])
    this.#after = toSteps([...after.slice(0, -1), `${after.at(-1)}\n\n`])
    this.hasUsage = [...before, ...after].some(part => /_tokens"\s*:/.test(part))
  }

  mayBegin (bytes: Uint8Array, at: number): boolean {
    return startsWith(bytes, at, BEGIN)
  }

  read (bytes: Uint8Array, at: number, text: TextSpan): number {
    text.view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const start = endOfSteps(bytes, text.view, at, this.#before)
    if (start === -1) return -1
    const end = endOfText(bytes, start, text)
    // Without a text here, something else in the frame may be the text.
    if (end === -1 || text.characters === 0) return -1
    return endOfSteps(bytes, text.view, end, this.#after)
  }
}

/** @param parts in turns what does not change and a value that does */
function toSteps (parts: readonly string[]): Step[] {
  return parts.flatMap((fixed, index) => index % 2 === 0 ? [{ changing: kindOf(parts[index - 1], parts[index - 2]), fixed: toFixed(fixed) }] : [])
}

function kindOf (value: string | undefined, before = ''): Step['changing'] {
  if (value === undefined) return undefined
  if (value.startsWith('"')) return 'string'
  return BEFORE_COUNT.test(before) ? 'count' : 'number'
}

/** Where a frame has got to behind these steps; -1 when it is another. */
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

/** Where the JSON string of a text ends that begins at `start`; -1 when it is none, or has other escapes than simple ones. */
function endOfText (bytes: Uint8Array, start: number, text: TextSpan): number {
  if (bytes[start] !== QUOTE) return -1
  let end = start + 1
  // Bytes that are no UTF-16 code unit of their own.
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

/** Where a JSON string of ASCII without escapes ends that begins at `start`; -1 when it is none. */
function endOfString (bytes: Uint8Array, start: number): number {
  if (bytes[start] !== QUOTE) return -1
  let at = start + 1
  for (let byte = bytes[at]; byte !== QUOTE; byte = bytes[++at]) {
    if (byte === undefined || byte < 0x20 || byte >= 0x80 || byte === BACKSLASH) return -1
  }
  return at + 1
}

/** Where a number of at most 15 digits, and 20 behind the point, ends that begins at `start`; -1 when it is none. */
function endOfNumber (bytes: Uint8Array, start: number): number {
  const point = endOfDigits(bytes, start)
  const digits = point - start
  if (digits === 0 || digits > 15 || (bytes[start] === ZERO && digits > 1)) return -1
  if (bytes[point] !== POINT) return point
  const end = endOfDigits(bytes, point + 1)
  return end === point + 1 || end > point + 21 ? -1 : end
}

/** Where a number of tokens ends; -1 when it is none, or zero. */
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
  for (let index = 0; index < words.length; index++, at += 4) {
    if (view.getInt32(at, true) !== words[index]) return false
  }
  for (let index = 0; index < rest.length; index++, at++) {
    if (view.getUint8(at) !== rest[index]) return false
  }
  return true
}

function toFixed (text: string): Fixed {
  const bytes = toBytes(text)
  const view = new DataView(bytes.buffer)
  const words = Int32Array.from({ length: bytes.length >> 2 }, (_, index) => view.getInt32(index * 4, true))
  return { length: bytes.length, words, rest: bytes.subarray(words.length * 4) }
}

function toBytes (text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text))
}
