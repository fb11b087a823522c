import type { ChunkWriter, Write, Backpressure } from '../../generation/pipeline.ts'
import { CLASSIC_TEXT, newTextSpan, type TextFrames } from './text-frames.ts'

/** Scratch, reused: `push` is synchronous. */
const text = newTextSpan()

/**
 * The fast path of text: frames that say a piece of text and nothing else go from Cloudflare's bytes into the client's chunks
 * without becoming text, events or a batch. It is open only while every stage is transparent. It must write exactly what
 * the slow path would write of the same frames, and leave every other frame to that.
 */
export class TextRelay {
  /** Which frames it takes: whole ones, in valid UTF-8. */
  frames: TextFrames = CLASSIC_TEXT
  #sink: ChunkWriter | undefined
  #send: Write<Buffer> | undefined
  #isFree = false
  #isReady = false
  #characters = 0
  #last: string | undefined

  /** Connects the relay to a client; until then it stays closed. */
  connect (sink: ChunkWriter, send: Write<Buffer>): void {
    this.#sink = sink
    this.#send = send
  }

  /** Hears whether every stage is transparent now. What is not text may have been told since, so the client is asked anew. */
  free (isFree: boolean): void {
    this.#isFree = isFree
    this.#isReady = false
  }

  get isOpen (): boolean {
    return this.#isFree && (this.#isReady ||= this.#sink?.isReady === true)
  }

  /** UTF-16 code units of text relayed since the last call. */
  countPassed (): number {
    const characters = this.#characters
    this.#characters = 0
    return characters
  }

  /** The JSON of the last frame relayed since the last call, where it holds usage. */
  takeLast (): string | undefined {
    const last = this.#last
    this.#last = undefined
    return last
  }

  /**
   * Relays the frames at the beginning of these bytes, which must begin with an event.
   * @returns how many bytes they have; the rest is for the slow path
   */
  push (bytes: Buffer): number {
    const sink = this.#sink
    if (!this.isOpen || sink === undefined) return 0
    const { frames } = this
    let last = 0
    let at = 0
    text.isUtf8 = false
    text.view = undefined
    sink.begin()
    for (let end = frames.read(bytes, at, text); end !== -1; end = frames.read(bytes, at, text)) {
      if (text.characters > 0) {
        if (!sink.add(bytes, text.start, text.end)) break
        this.#characters += text.characters
      }
      last = at
      at = end
    }
    if (at > 0 && frames.hasUsage) this.#last = bytes.toString('utf8', last + 'data: '.length, at)
    return at
  }

  /** Sends what `push` has relayed. */
  flush (): Backpressure | Promise<Backpressure> {
    const piece = this.#sink?.take()
    return piece !== undefined && piece.length > 0 ? this.#send?.(piece) : undefined
  }
}
