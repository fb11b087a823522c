import { isAscii } from 'node:buffer'
import type { Batch } from '../../generation/event.ts'
import { newTextSpan, type TextFrames } from './text-frames.ts'

/** Bytes of a stream and, where they are ASCII, the text they stand for: places in one are places in the other. */
export class FrameBytes {
  readonly bytes: Buffer
  readonly ascii: string | undefined
  /** Of the frame that is read: made once, because most reads hold several. */
  readonly span = newTextSpan()

  constructor (bytes: Buffer) {
    this.bytes = bytes
    this.ascii = isAscii(bytes) ? bytes.toString('latin1') : undefined
  }

  /** A part that begins and ends between letters, as text. */
  slice (start: number, end: number): string {
    return this.ascii === undefined ? this.bytes.toString('utf8', start, end) : this.ascii.slice(start, end)
  }
}

const QUOTES = 2

/** Where a run of like frames ends, and where the last of them begins, in bytes. */
export interface FrameRun {
  end: number
  lastStart: number
}

/**
 * Reads the run of such frames that begins at `start`, and appends what it says to `batch`; the JSON string of each piece
 * is kept as it came.
 * @returns undefined when there is none
 */
export function readFrames (frames: TextFrames, read: FrameBytes, start: number, batch: Batch): FrameRun | undefined {
  const { bytes, span } = read
  const { type } = frames
  let end = start
  let lastStart = start
  for (let next = frames.read(bytes, end, span); next !== -1; next = frames.read(bytes, end, span)) {
    lastStart = end
    end = next
    if (span.characters === 0) continue
    const json = read.slice(span.start, span.end)
    // Each escape takes a character more than it stands for.
    const isPlain = json.length === span.characters + QUOTES
    batch.push({ type, text: isPlain ? json.slice(1, -1) : JSON.parse(json) as string, json })
  }
  return end === start ? undefined : { end, lastStart }
}
