import { closesFence, openedFence, toBlocks, type Block, type Continued } from './blocks.ts'

/**
 * The longest piece that is read at once, in characters. A paragraph or a code block that is longer goes on in another block,
 * so that no more than this is drawn anew while an answer grows.
 */
const MAX_PIECE = 4_000

/** Splits a growing text into blocks that are settled and one piece that may still change. */
export class BlockSplitter {
  #text = ''
  /** Where the open piece begins, and where it was read to: always at the beginning of a line. */
  #start = 0
  #read = 0
  #fence: string | undefined
  #continued: Continued = {}

  /**
   * @param text all of it so far: what was given before, and more
   * @returns the blocks that became settled
   */
  push (text: string): Block[] {
    this.#text = text
    const settled: Block[] = []
    for (;;) {
      const end = this.#text.indexOf('\n', this.#read)
      if (end >= 0 && end - this.#start <= MAX_PIECE) {
        this.#readLine(this.#text.slice(this.#read, end), end + 1, settled)
        continue
      }
      if (this.#text.length - this.#start <= MAX_PIECE) return settled
      this.#cut(settled)
    }
  }

  /** The blocks of what is not settled. */
  open (): Block[] {
    return toBlocks(this.#text.slice(this.#start), this.#continued)
  }

  #readLine (line: string, next: number, settled: Block[]): void {
    this.#read = next
    if (this.#fence !== undefined) {
      if (!closesFence(line, this.#fence)) return
      this.#fence = undefined
      this.#settle(next, {}, settled)
    } else if (line.trim() === '') {
      this.#settle(next, {}, settled)
    } else {
      this.#fence = openedFence(line)
    }
  }

  /** In the middle of a block that is too long: behind its last line, or else behind its last word. */
  #cut (settled: Block[]): void {
    const limit = this.#start + MAX_PIECE
    const isBehindALine = this.#read > this.#start
    const space = this.#text.lastIndexOf(' ', limit)
    const end = isBehindALine ? this.#read : space > this.#start ? space + 1 : limit
    this.#read = end
    this.#settle(end, this.#fence === undefined ? { isParagraph: !isBehindALine } : { fence: this.#fence }, settled)
  }

  #settle (end: number, continued: Continued, settled: Block[]): void {
    settled.push(...toBlocks(this.#text.slice(this.#start, end), this.#continued))
    this.#start = end
    this.#continued = continued
  }
}
