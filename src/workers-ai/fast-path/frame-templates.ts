import type { Batch, PieceEvent } from '../../generation/event.ts'
import { BEFORE_COUNT, COUNT, COUNT_KEY, FramePattern, PLAIN_STRING, TEXT, type Run } from './frame-pattern.ts'
import { CLASSIC_TEXT, LearnedText, type TextFrames } from './text-frames.ts'

/** A frame of more characters than this is no mere piece of text. */
const MAX_LENGTH = 4_096

/** How many patterns in a row may be of no use before a stream counts as one whose frames have nothing in common. */
const MAX_USELESS = 8

/** Finite, and with no more digits than a count or a price has. */
const NUMBER = String.raw`-?(?:0|[1-9]\d{0,14})(?:\.\d{1,20})?(?:[Ee][+-]?\d\d?)?`

/**
 * Values that change while a stream goes on, or from one stream to the next: ids, the moment, padding, and running usage.
 * None is read of a piece of text, but usage, of which the last counts. What stands between a brace or comma and a colon
 * is a key wherever it is found, because quotes inside of strings are escaped.
 */
const CHANGING = new RegExp(
  String.raw`((?<=[{,]\s*(?!${COUNT_KEY})"(?:id|created|p|obfuscation|neurons|\w+_tokens)"\s*:\s*)(?:${PLAIN_STRING}|${NUMBER})|(?<=[{,]\s*${COUNT_KEY}\s*:\s*)${COUNT})(?=\s*[,}])`
)

/**
 * The frames of one stream that say a piece of text (or of thinking) and nothing else: they differ in little but that
 * piece. Which members they have, and in which order, is up to the model, so a pattern is learned from one that the slow
 * lane has read, and again when other frames come.
 */
export class LearnedFrames {
  #read: (data: string) => Batch | undefined
  #pattern: FramePattern | undefined
  /** The same frames as bytes, if what they say is text; else the classic ones. */
  textFrames: TextFrames = CLASSIC_TEXT
  #useless = 0

  /** @param read what the slow lane says of a frame by itself; undefined when it does more than say something */
  constructor (read: (data: string) => Batch | undefined) {
    this.#read = read
  }

  /**
   * Reads the run of known frames that begins at `start`, and appends what it says to `batch`.
   * @returns undefined when there is none
   */
  read (text: string, start: number, batch: Batch): Run | undefined {
    const run = this.#pattern?.read(text, start, batch)
    if (run !== undefined) this.#useless = 0
    return run
  }

  /** Learns from the data of a frame of which the slow lane has read this piece. */
  learn (data: string, piece: PieceEvent): void {
    if (this.#useless === MAX_USELESS || data.length > MAX_LENGTH || this.#pattern?.fits(data)) return
    const json = JSON.stringify(piece.text)
    const start = data.indexOf(json)
    // Several lines of data are one frame only here, not in the text of the stream.
    if (start === -1 || data.includes('\n')) return
    this.#useless++
    const proof = `${piece.text}~`
    const [said, ...more] = this.#read(data.slice(0, start) + JSON.stringify(proof) + data.slice(start + json.length)) ?? []
    if (said?.type !== piece.type || said.text !== proof || more.length > 0 || 'logprobs' in said) return
    const before = data.slice(0, start).split(CHANGING)
    const after = data.slice(start + json.length).split(CHANGING)
    // Without a text here, something else in the frame may be the text.
    this.#pattern = new FramePattern(piece.type, `${toPattern(before)}(?!"")${TEXT}${toPattern(after)}`)
    this.textFrames = piece.type === 'text' ? new LearnedText(before, after) : CLASSIC_TEXT
  }
}

/** @param parts of JSON: in turns what does not change and a value that does */
function toPattern (parts: readonly string[]): string {
  return parts.map((part, index) => {
    if (index % 2 === 0) return part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    if (part.startsWith('"')) return PLAIN_STRING
    return BEFORE_COUNT.test(parts[index - 1] ?? '') ? COUNT : NUMBER
  }).join('')
}
