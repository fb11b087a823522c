import type { Batch, PieceEvent } from '../../generation/event.ts'

/** Where a run of frames that fit a pattern ends, and where the last of them begins, in characters. */
export interface Run {
  end: number
  lastStart: number
}

// Control characters are not valid in a JSON string, so a frame that has one fits no pattern.
/** Source of a pattern: a JSON string that nobody reads, without escapes. */
export const PLAIN_STRING = String.raw`"[^"\\\x00-\x1f]*"`
/** Source of a pattern: the JSON string of a piece of text, with simple escapes; it captures the JSON, and what is between the quotes. */
export const TEXT = String.raw`("([^"\\\x00-\x1f]*(?:\\["\\bfnrt][^"\\\x00-\x1f]*)*)")`

/** Source of a pattern: a number of tokens. Zeros are none, but hold the place of a count that is not known. */
export const COUNT = String.raw`[1-9]\d{0,14}`
/** Source of a pattern: the key of a count that is told to the client. */
export const COUNT_KEY = '"(?:prompt|completion|input|output)_tokens"'
/** What stands before a count. */
export const BEFORE_COUNT = new RegExp(String.raw`${COUNT_KEY}\s*:\s*$`)

/**
 * A frame that says one piece of text and nothing else, by a pattern: whole runs of it are read without cutting out
 * lines or parsing JSON. This is the fast lane: it must say exactly what the slow one says of the same frames, and leave
 * every other frame to it. The JSON string is kept as it came.
 */
export class FramePattern {
  #type: PieceEvent['type']
  #pattern: RegExp

  /** @param json source of a pattern of the frame's JSON, with one `TEXT` in it */
  constructor (type: PieceEvent['type'], json: string) {
    this.#type = type
    this.#pattern = new RegExp(`data: ${json}\n\n`, 'y')
  }

  /**
   * Reads the run of such frames that begins at `start`.
   * @param batch what is said is appended to
   * @returns undefined when there is none
   */
  read (text: string, start: number, batch: Batch): Run | undefined {
    const type = this.#type
    const pattern = this.#pattern
    let end = start
    let lastStart = start
    pattern.lastIndex = start
    for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
      lastStart = end
      end = pattern.lastIndex
      const json = match[1] as string
      const content = match[2] as string
      if (content !== '') batch.push({ type, text: content.includes('\\') ? JSON.parse(json) as string : content, json })
    }
    return end === start ? undefined : { end, lastStart }
  }

  /** Whether this is the JSON of such a frame. */
  fits (json: string): boolean {
    this.#pattern.lastIndex = 0
    return this.#pattern.test(`data: ${json}\n\n`)
  }
}

/** The commonest frame of all, whole: text, then what carries nothing (no calls, padding of random length). */
export const CLASSIC = new FramePattern('text', String.raw`\{"response":${TEXT}(?:,"tool_calls":\[\])?(?:,"p":${PLAIN_STRING})?\}`)
