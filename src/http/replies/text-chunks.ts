import type { PieceEvent } from '../../generation/event.ts'
import { TextChunkWriter, type TextSeam } from './text-chunk-writer.ts'
import { toUnpooledBuffer } from '../../json/unpooled-buffer.ts'

/** The most UTF-8 bytes per character of a JavaScript string. */
const MAX_BYTES_PER_CHARACTER = 3

/**
 * Chunks that differ only by their text, written as bytes: most of a chunk is constant, and copying bytes costs a fifth of
 * joining and encoding strings.
 */
export class TextChunks implements TextSeam {
  readonly seam: Buffer
  readonly endLength: number

  /** @param begin of a chunk, before the JSON string of its text @param end of a chunk, after it */
  constructor (begin: string, end: string) {
    this.seam = toUnpooledBuffer(end + begin)
    this.endLength = Buffer.byteLength(end)
  }

  /**
   * The same chunks for text that comes as JSON strings.
   * @param isReady nothing has to be sent before such a chunk
   */
  toChunkWriter (isReady: () => boolean): TextChunkWriter {
    return new TextChunkWriter(this.seam, this.endLength, isReady)
  }

  /** One chunk for each piece of text. */
  toBytes (pieces: readonly PieceEvent[]): Buffer {
    const texts = pieces.map(({ text, json }) => json ?? JSON.stringify(text))
    let size = texts.length * this.seam.length
    for (const json of texts) size += json.length * MAX_BYTES_PER_CHARACTER
    const bytes = Buffer.allocUnsafe(size)
    let at = this.seam.copy(bytes, 0, this.endLength)
    for (const [index, json] of texts.entries()) {
      if (index > 0) {
        bytes.set(this.seam, at)
        at += this.seam.length
      }
      at = writeText(bytes, json, at)
    }
    return bytes.subarray(0, at + this.seam.copy(bytes, at, 0, this.endLength))
  }
}

/** Writes a short text and returns its end. For a few characters a native call would cost more. */
function writeText (bytes: Buffer, text: string, start: number): number {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code >= 0x80) return start + bytes.write(text, start)
    bytes[start + index] = code
  }
  return start + text.length
}
