import type { Batch, PieceEvent } from '../../generation/event.ts'
import { readFrames, FrameBytes, type FrameRun } from './frame-run.ts'
import { CLASSIC_TEXT, COUNT_KEY, newTextSpan, TemplateText, type TextFrames } from './text-frames.ts'

/** A frame of more characters than this is no mere piece of text. */
const MAX_LENGTH = 4_096

/** How many templates in a row may be of no use before a stream counts as one whose frames have nothing in common. */
const MAX_USELESS = 8

/** Values of JSON: a string without escapes, a number, and a number of tokens: zeros stand for a count that is not known. */
const PLAIN_STRING = String.raw`"[^"\\\x00-\x1f]*"`
const NUMBER = String.raw`-?(?:0|[1-9]\d{0,14})(?:\.\d{1,20})?(?:[Ee][+-]?\d\d?)?`
const COUNT = String.raw`[1-9]\d{0,14}`

/**
 * Values that change while a stream goes on, or from one stream to the next: ids, the moment, padding, and running usage.
 * None is read of a piece of text, except usage, of which the last counts. What stands between a brace or comma and a colon
 * is a key wherever it is found, because quotes inside of strings are escaped.
 */
const CHANGING = new RegExp(
  String.raw`((?<=[{,]\s*(?!${COUNT_KEY})"(?:id|created|p|obfuscation|neurons|\w+_tokens)"\s*:\s*)(?:${PLAIN_STRING}|${NUMBER})|(?<=[{,]\s*${COUNT_KEY}\s*:\s*)${COUNT})(?=\s*[,}])`
)

/**
 * The frames of one stream that say a piece of text (or of thinking) and nothing else: they differ in little but that
 * piece. Which members they have, and in which order, is up to the model, so a template is compiled from a frame that the
 * slow path has read, and again when other frames arrive.
 */
export class FrameTemplates {
  #read: (data: string) => Batch | undefined
  #frames: TextFrames | undefined
  #useless = 0

  /** @param read what the slow path says of a frame by itself; undefined when it does more than say something */
  constructor (read: (data: string) => Batch | undefined) {
    this.#read = read
  }

  /** The last template, where its pieces are text; else the classic frames. */
  get textFrames (): TextFrames {
    return this.#frames?.type === 'text' ? this.#frames : CLASSIC_TEXT
  }

  /** The frames hold usage, of which the last counts. */
  get hasUsage (): boolean {
    return this.#frames?.hasUsage === true
  }

  /**
   * Reads the run of known frames that begins at `start`, and appends what it says to `batch`.
   * @returns undefined when there is none
   */
  read (read: FrameBytes, start: number, batch: Batch): FrameRun | undefined {
    const run = this.#frames && readFrames(this.#frames, read, start, batch)
    if (run !== undefined) this.#useless = 0
    return run
  }

  /**
   * Compiles a template from the data of a frame of which the slow path has read this piece.
   * @returns the frames of text to expect next
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
    // Several lines of data are one frame only here, not in the bytes of the stream.
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

/** Whether this is the data of such a frame. */
function fits (frames: TextFrames, data: string): boolean {
  const bytes = Buffer.from(`data: ${data}\n\n`)
  return frames.mayBegin(bytes, 0) && frames.read(bytes, 0, newTextSpan()) === bytes.length
}
