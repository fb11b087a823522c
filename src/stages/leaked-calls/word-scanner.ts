/** Finds a word in a text that is read piece by piece. */
export class WordScanner {
  #word: string
  #length = 0
  /** The end of the input so far, in which the word may have begun. */
  #tail = ''

  /** @param word not empty */
  constructor (word: string) {
    this.#word = word
  }

  /**
   * @param piece the next text
   * @returns the length of all input before the word; undefined if more has to be read
   */
  read (piece: string): number | undefined {
    const text = this.#tail + piece
    const at = text.indexOf(this.#word)
    if (at !== -1) return this.#length - this.#tail.length + at
    this.#length += piece.length
    this.#tail = text.slice(Math.max(0, text.length - this.#word.length + 1))
    return undefined
  }
}
