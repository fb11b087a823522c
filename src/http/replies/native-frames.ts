import type { Write } from '../../generation/pipeline.ts'
import { toComment } from './server-sent-events.ts'

/** Tells a client the frames that Cloudflare sends, as comments of its own stream, which other readers skip. */
export class NativeFrames {
  /** What came before the stream has begun. */
  #early: string[] = []
  #send: Write<string> | undefined

  readonly write: Write<string> = frame => {
    const comment = toComment(`native ${frame}`)
    if (this.#send !== undefined) return this.#send(comment)
    this.#early.push(comment)
    return undefined
  }

  /** Gives the stream that has begun. */
  connect (send: Write<string>): void {
    this.#send = send
    if (this.#early.length > 0) void send(this.#early.join(''))
    this.#early = []
  }
}
