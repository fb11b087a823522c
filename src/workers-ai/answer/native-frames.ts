import type { Backpressure, Sink, Write } from '../../generation/pipeline.ts'
import type { ResponseBody } from '../transport/dispatch.ts'
import { SseDecoder } from './sse-decoder.ts'

interface NativeAnswer {
  body: ResponseBody
  redact: (text: string) => string
}

/**
 * The same body, event by event: what reads it gets one event at a time, after its data was heard. It costs several times as much
 * as reading many at once.
 */
export function withFrames ({ body, redact }: NativeAnswer, onFrame: Write<string>): ResponseBody {
  const read: ResponseBody['read'] = async sink => {
    const frames = new FrameByFrame(sink, frame => onFrame(redact(frame)))
    try {
      await body.read(frames)
    } catch (error) {
      frames.stop()
      throw error
    }
    await frames.end()
  }
  return { read, destroy: () => body.destroy(), release: () => body.release() }
}

class FrameByFrame implements Sink<Buffer> {
  readonly #decoder = new SseDecoder()
  readonly #sink: Sink<Buffer>
  readonly #onFrame: Write<string>
  #isCancelled = false

  constructor (sink: Sink<Buffer>, onFrame: Write<string>) {
    this.#sink = sink
    this.#onFrame = onFrame
  }

  async write (bytes: Buffer): Promise<Backpressure> {
    return await this.#pass(this.#decoder.push(bytes), '\n\n')
  }

  /** A last event whose end is missing. */
  async end (): Promise<void> {
    if (!this.#isCancelled) await this.#pass(this.#decoder.end(), '')
  }

  /** What is read has broken: its reader hears nothing more. */
  stop (): void {
    this.#isCancelled = true
  }

  async #pass (frames: readonly string[], ending: string): Promise<Backpressure> {
    for (const frame of frames) {
      const event = Buffer.from(`data: ${frame.replaceAll('\n', '\ndata: ')}${ending}`)
      // Whether more is wanted is for the reader to say: a client that has left cancels what it reads.
      await this.#onFrame(frame)
      if (this.#isCancelled) return 'cancel'
      this.#isCancelled = await this.#sink.write(event) === 'cancel'
      if (this.#isCancelled) return 'cancel'
    }
    return undefined
  }
}
