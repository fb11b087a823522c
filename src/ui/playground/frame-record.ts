import type { ServerEvent } from '../server/server-events.ts'

/** A chunk of the stream, with the frames of Cloudflare that came before it. */
export interface FramePair {
  native: string[]
  /** Empty where the stream ended behind these frames. */
  chunk: string
}

const PREFIX = 'native '

/** The most pairs and characters that are kept; a person reads the first ones. */
const MAX_PAIRS = 500
const MAX_CHARACTERS = 500_000

/** Keeps Cloudflare's frames beside the chunks that were made of them. */
export class FrameRecord {
  readonly pairs: FramePair[] = []
  /** Whether there were more than are kept. */
  isCut = false
  #waiting: string[] = []
  #characters = 0

  note ({ kind, text }: ServerEvent): void {
    if (kind === 'comment' && !text.startsWith(PREFIX)) return
    this.#characters += text.length
    if (this.#characters > MAX_CHARACTERS || this.pairs.length >= MAX_PAIRS) {
      this.isCut = true
      return
    }
    if (kind === 'comment') {
      this.#waiting.push(text.slice(PREFIX.length))
      return
    }
    this.pairs.push({ native: this.#waiting, chunk: text })
    this.#waiting = []
  }

  /** All of them, with frames that no chunk followed. */
  all (): FramePair[] {
    return this.#waiting.length === 0 ? this.pairs : [...this.pairs, { native: this.#waiting, chunk: '' }]
  }

  get hasNative (): boolean {
    return this.#waiting.length > 0 || this.pairs.some(({ native }) => native.length > 0)
  }
}
