import type { Batch, PieceEvent } from '../../generation/event.ts'
import { readFrames, FrameBytes, type FrameRun } from './frame-run.ts'
import { CLASSIC_TEXT, COUNT_KEY, newTextSpan, TemplateText, type TextFrames } from './text-frames.ts'

/** A longer frame, in characters, gets no template. */
const MAX_LENGTH = 4_096

/** Useless templates in a row, after which no more are compiled for a stream. */
const MAX_USELESS = 8

/** JSON values: a string without escapes, a number, and a positive count of tokens; zero means that the count is unknown. */
const PLAIN_STRING = String.raw`"[^"\\\x00-\x1f]*"`
const NUMBER = String.raw`-?(?:0|[1-9]\d{0,14})(?:\.\d{1,20})?(?:[Ee][+-]?\d\d?)?`
const COUNT = String.raw`[1-9]\d{0,14}`

/**
 * Values that change within a stream or between streams: ids, time, padding, and running usage. Of frames with a template none
 * of them is read, except the last usage. A string between a brace or comma and a colon is always a key, because quotes
 * inside strings are escaped.
 */
const CHANGING = new RegExp(
  String.raw`((?<=[{,]\s*(?!${COUNT_KEY})"(?:id|created|p|obfuscation|neurons|\w+_tokens)"\s*:\s*)(?:${PLAIN_STRING}|${NUMBER})|(?<=[{,]\s*${COUNT_KEY}\s*:\s*)${COUNT})(?=\s*[,}])`
)

/**
 * The frames of one stream that contain a piece of text (or of thinking) and nothing else. They differ in little except that
 * piece. Their members, and the order of these, depend on the model. So a template is compiled from a frame that the slow
 * path has read, and again when other frames arrive.
 */
export class FrameTemplates {
  #read: (data: string) => Batch | undefined
  #frames: TextFrames | undefined
  #useless = 0

  /** @param read returns the events of a frame by the slow path; undefined if it has more than text or thinking */
  constructor (read: (data: string) => Batch | undefined) {
    this.#read = read
  }

  /** The last template, if its pieces are text; otherwise the classic frames. */
  get textFrames (): TextFrames {
    return this.#frames?.type === 'text' ? this.#frames : CLASSIC_TEXT
  }

  /** The frames have usage; the last one counts. */
  get hasUsage (): boolean {
    return this.#frames?.hasUsage === true
  }

  /**
   * Reads the run of known frames at `start`, and appends its events to `batch`.
   * @returns undefined if there is none
   */
  read (read: FrameBytes, start: number, batch: Batch): FrameRun | undefined {
    const run = this.#frames && readFrames(this.#frames, read, start, batch)
    if (run !== undefined) this.#useless = 0
    return run
  }

  /**
   * Compiles a template from the data of a frame, in which the slow path has read this piece.
   * @returns the text frames to expect next
   */
  compile (data: string, piece: PieceEvent): TextFrames {
    if (fits(CLASSIC_TEXT, data)) return CLASSIC_TEXT
    if (!this.#isKnown(data)) this.#compile(data, piece)
    return this.textFrames
  }

  #compile (data: string, piece: PieceEvent): void {
    if (this.#useless === MAX_USELESS || data.length > MAX_LENGTH) return
    const json = JSON.stringify(piece.text)
    const start = data.indexOf(json)
    // Several data lines are joined here, but not in the bytes of the stream.
    if (start === -1 || data.includes('\n')) return
    this.#useless++
    const proof = `${piece.text}~`
    const [said, ...more] = this.#read(data.slice(0, start) + JSON.stringify(proof) + data.slice(start + json.length)) ?? []
    if (said?.type !== piece.type || said.text !== proof || more.length > 0 || 'logprobs' in said) return
    this.#frames = new TemplateText(piece.type, data.slice(0, start).split(CHANGING), data.slice(start + json.length).split(CHANGING))
  }

  #isKnown (data: string): boolean {
    return this.#frames !== undefined && fits(this.#frames, data)
  }
}

function fits (frames: TextFrames, data: string): boolean {
  const bytes = Buffer.from(`data: ${data}\n\n`)
  return frames.mayBegin(bytes, 0) && frames.read(bytes, 0, newTextSpan()) === bytes.length
}
