import { isUtf8 } from 'node:buffer'
import type { JsonSink, Take, Verdict } from '../generation/pipeline.ts'

const HEAD = toBytes('data: {"response":"')
const NO_CALLS = toBytes(',"tool_calls":[]')
const PADDING = toBytes(',"p":"')
const TAIL = toBytes('}\n\n')
/** What may follow a backslash: escapes that have no other form, so that nobody would write them differently. */
const ESCAPES = toBytes('"\\bfnrt')

const QUOTE = 0x22
const BACKSLASH = 0x5c

/**
 * The fastest lane: classic frames that say a piece of text and nothing else go from Cloudflare's bytes into the client's
 * chunks without becoming text, events or a batch. It is open only while nobody in between wants to see text, and it must
 * say exactly what the others would of the same frames, and leave every other frame to them.
 *
 * Which frames: those of `CLASSIC` in `frame-pattern.ts`, whole, in valid UTF-8, with padding in ASCII.
 */
export class ByteLane {
  /** Nobody in between wants to see text from now on. */
  isFree = false
  #sink: JsonSink | undefined
  #send: Take<Buffer> | undefined
  #isReady = false
  #characters = 0

  /** Has the lane lead somewhere; until then it stays closed. */
  leadTo (sink: JsonSink, send: Take<Buffer>): void {
    this.#sink = sink
    this.#send = send
  }

  /** Whether a frame of this lane may begin there. */
  mayTake (bytes: Uint8Array, at: number): boolean {
    return startsWith(bytes, at, HEAD)
  }

  get isOpen (): boolean {
    return this.isFree && (this.#isReady ||= this.#sink?.isReady === true)
  }

  /** UTF-16 code units of text that went this way since this was asked the last time. */
  countPassed (): number {
    const characters = this.#characters
    this.#characters = 0
    return characters
  }

  /**
   * Takes the frames at the beginning of what came, with which an event must begin.
   * @returns how many bytes they have; the rest is for others
   */
  push (bytes: Uint8Array): number {
    const sink = this.#sink
    if (!this.isOpen || sink === undefined) return 0
    let isChecked = false
    let at = 0
    while (startsWith(bytes, at, HEAD)) {
      const start = at + HEAD.length - 1
      let end = start + 1
      // Bytes that are no UTF-16 code unit of their own.
      let silent = 0
      for (; end < bytes.length; end++) {
        const byte = bytes[end] as number
        if (byte === QUOTE) break
        if (byte === BACKSLASH) {
          if (!ESCAPES.includes(bytes[++end] as number)) return at
          silent++
        } else if (byte < 0x20) {
          return at
        } else if (byte >= 0x80) {
          if (!isChecked && !isUtf8(bytes)) return at
          isChecked = true
          if (byte < 0xc0) silent++
          else if (byte >= 0xf0) silent--
        }
      }
      const next = endOfFrame(bytes, end + 1)
      if (next === -1) return at
      const characters = end - start - 1 - silent
      if (characters > 0) {
        if (!sink.add(bytes, start, end + 1)) return at
        this.#characters += characters
      }
      at = next
    }
    return at
  }

  /** Sends what was taken. */
  flush (): Verdict | Promise<Verdict> {
    const piece = this.#sink?.take()
    return piece !== undefined && piece.length > 0 ? this.#send?.(piece) : undefined
  }
}

/** Where a frame ends whose text ends before `start`; -1 when it says more than text. */
function endOfFrame (bytes: Uint8Array, start: number): number {
  let at = startsWith(bytes, start, NO_CALLS) ? start + NO_CALLS.length : start
  if (startsWith(bytes, at, PADDING)) {
    at += PADDING.length
    for (let byte = bytes[at]; byte !== QUOTE; byte = bytes[++at]) {
      if (byte === undefined || byte < 0x20 || byte >= 0x80 || byte === BACKSLASH) return -1
    }
    at++
  }
  return startsWith(bytes, at, TAIL) ? at + TAIL.length : -1
}

function startsWith (bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  if (at + expected.length > bytes.length) return false
  for (let index = 0; index < expected.length; index++) {
    if (bytes[at + index] !== expected[index]) return false
  }
  return true
}

function toBytes (text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text))
}
