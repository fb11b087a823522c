/**
 * Finds the end of the first brackets of a text, which is read piece by piece and has strings between quote tokens of a chat
 * template. These have several characters, and no escapes.
 */
export class QuoteScanner {
  #quote: string
  #length = 0
  /** The end of the input so far, in which a quote may have begun. */
  #tail = ''
  #depth = 0
  #isInside = false

  /** @param quote not empty */
  constructor (quote: string) {
    this.#quote = quote
  }

  /**
   * @param piece the text that follows what was read before
   * @returns the length of all that was read up to the closing bracket, or up to where it cannot come any more: before a
   * `<` that begins no quote. Undefined when more has to be read.
   */
  read (piece: string): number | undefined {
    const text = this.#tail + piece
    const begin = this.#length - this.#tail.length
    for (let at = 0; at < text.length; at++) {
      const char = text[at] as string
      if (char === this.#quote[0]) {
        const rest = text.slice(at, at + this.#quote.length)
        if (rest === this.#quote) {
          this.#isInside = !this.#isInside
          at += this.#quote.length - 1
          continue
        }
        if (this.#quote.startsWith(rest)) return this.#wait(piece, rest)
        if (!this.#isInside) return begin + at
      } else if (!this.#isInside && '{['.includes(char)) {
        this.#depth++
      } else if (!this.#isInside && '}]'.includes(char) && --this.#depth <= 0) {
        return begin + at + 1
      }
    }
    return this.#wait(piece, '')
  }

  #wait (piece: string, tail: string): undefined {
    this.#length += piece.length
    this.#tail = tail
  }
}
