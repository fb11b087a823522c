import type { ChunkWriter } from '../../generation/pipeline.ts'

/**
 * Memory for chunks before they are sent. Writing and sending are synchronous, so all streams share it: separate memory of each
 * stream would no longer be in the processor's caches.
 */
const shared = Buffer.allocUnsafeSlow(512 * 1024)
let length = 0

const NOTHING = Buffer.alloc(0)

/** From this length on, in bytes, a native call costs less than copying byte by byte. */
const LONG = 64

/** What stands between the JSON strings of two chunks: the end of one, which has so many bytes, and the beginning of the next. */
export interface TextSeam {
  readonly seam: Buffer
  readonly endLength: number
}

/** Writes chunks that differ only by their text, and copies the text's JSON string as received bytes. */
export class TextChunkWriter implements ChunkWriter {
  #seam: Buffer
  #endLength: number
  #isReady: () => boolean

  /**
   * @param seam what stands between the JSON strings of two chunks: the end of one and the beginning of the next
   * @param endLength how many bytes of it are the end
   * @param isReady nothing has to be sent before such a chunk
   */
  constructor (seam: Buffer, endLength: number, isReady: () => boolean) {
    this.#seam = seam
    this.#endLength = endLength
    this.#isReady = isReady
  }

  /** Writes other chunks from now on. */
  become ({ seam, endLength }: TextSeam): void {
    this.#seam = seam
    this.#endLength = endLength
  }

  get isReady (): boolean {
    return this.#isReady()
  }

  begin (): void {
    length = 0
  }

  add (json: Uint8Array, start: number, end: number): boolean {
    const seam = this.#seam
    if (length + 2 * seam.length + end - start > shared.length) return false
    // The end part of the first seam belongs to no chunk, and is not sent.
    shared.set(seam, length)
    length += seam.length
    if (end - start < LONG) {
      for (let at = start; at < end; at++) shared[length++] = json[at] as number
    } else {
      shared.set(json.subarray(start, end), length)
      length += end - start
    }
    return true
  }

  take (): Buffer {
    if (length === 0) return NOTHING
    shared.set(this.#seam, length)
    const piece = shared.subarray(this.#endLength, length + this.#endLength)
    length = 0
    return piece
  }
}
