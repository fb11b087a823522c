import type { Batch } from '../../generation/event.ts'
import type { GenerationReader } from './generation-reader.ts'
import { SseDecoder } from './sse-decoder.ts'

/** Reads the bytes of a native stream into generation events: the commonest by the fast lane, the others one by one. */
export class StreamReader {
  #decoder = new SseDecoder()
  #reader: GenerationReader

  constructor (reader: GenerationReader) {
    this.#reader = reader
  }

  /**
   * What the next bytes say, in order.
   * @throws UpstreamError `malformed` when one event grows above 8 Mi characters.
   */
  push (bytes: Buffer): Batch {
    const decoder = this.#decoder
    const reader = this.#reader
    const batch: Batch = []
    const text = decoder.decode(bytes)
    let at = 0
    while (at < text.length) {
      if (decoder.isBetweenEvents) at = reader.readRun(text, at, batch)
      if (at === text.length) break
      const blankLine = text.indexOf('\n\n', at)
      const end = blankLine === -1 ? text.length : blankLine + 2
      for (const event of decoder.read(text.slice(at, end))) reader.readEvent(event, batch)
      at = end
    }
    return batch
  }

  /** Whether the next bytes begin a new event; false until the first one was read. */
  get isBetweenEvents (): boolean {
    return this.#decoder.isBetweenBytesOfEvents
  }

  /** What is said by an event whose last line has no end. */
  end (): Batch {
    const batch: Batch = []
    for (const event of this.#decoder.end()) this.#reader.readEvent(event, batch, true)
    return batch
  }
}
