import type { Batch } from '../../generation/event.ts'
import { FrameBytes } from '../fast-path/frame-run.ts'
import type { GenerationReader } from './generation-reader.ts'
import { SseDecoder } from './sse-decoder.ts'

/** Reads the bytes of a native stream into generation events: the commonest on the fast path, the others one by one. */
export class StreamReader {
  #decoder = new SseDecoder()
  #reader: GenerationReader

  constructor (reader: GenerationReader) {
    this.#reader = reader
  }

  /**
   * The events of the next bytes, in order.
   * @throws UpstreamError `malformed` when one event grows above 8 Mi characters.
   */
  push (bytes: Buffer): Batch {
    const decoder = this.#decoder
    const reader = this.#reader
    const batch: Batch = []
    const read = new FrameBytes(bytes)
    let at = 0
    while (at < bytes.length) {
      if (decoder.isBetweenEvents) at = reader.readRun(read, at, batch)
      if (at === bytes.length) break
      const end = endOfEvent(read, at)
      const isAscii = read.ascii !== undefined && decoder.isBetweenLetters
      for (const event of isAscii ? decoder.read(read.ascii.slice(at, end)) : decoder.push(bytes.subarray(at, end))) {
        reader.readEvent(event, batch)
      }
      at = end
    }
    return batch
  }

  /** Whether the next bytes begin a new event; false before the first event. */
  get isBetweenEvents (): boolean {
    return this.#decoder.isBetweenEvents
  }

  /** The events of a last line without an end. */
  end (): Batch {
    const batch: Batch = []
    for (const event of this.#decoder.end()) this.#reader.readEvent(event, batch, true)
    return batch
  }
}

/** The end of the event at `start`, or of the bytes. */
function endOfEvent ({ bytes, ascii }: FrameBytes, start: number): number {
  const blankLine = ascii === undefined ? bytes.indexOf('\n\n', start) : ascii.indexOf('\n\n', start)
  return blankLine === -1 ? bytes.length : blankLine + 2
}
