import { isAscii } from 'node:buffer'
import type { Batch } from '../../generation/event.ts'
import { newTextSpan, type TextFrames } from './text-frames.ts'

/** Bytes of a stream and, if they are ASCII, their text. Offsets in both are the same. */
export class FrameBytes {
  readonly bytes: Buffer
  readonly ascii: string | undefined
  /** Scratch for the current frame; created once, because most reads contain several frames. */
  readonly span = newTextSpan()

  constructor (bytes: Buffer) {
    this.bytes = bytes
    this.ascii = isAscii(bytes) ? bytes.toString('latin1') : undefined
  }

  /** The text of a part that begins and ends between characters. */
  slice (start: number, end: number): string {
    return this.ascii === undefined ? this.bytes.toString('utf8', start, end) : this.ascii.slice(start, end)
  }
}

const QUOTES = 2

/** The end of a run of similar frames, and the start of its last frame, in bytes. */
export interface FrameRun {
  end: number
  lastStart: number
}

/**
 * Reads the run of such frames at `start`, and appends its events to `batch`, with the original JSON string of each piece.
 * @returns undefined if there is none
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
    // Each escape has one character more than its value.
    const isPlain = json.length === span.characters + QUOTES
    batch.push({ type, text: isPlain ? json.slice(1, -1) : JSON.parse(json) as string, json })
  }
  return end === start ? undefined : { end, lastStart }
}
