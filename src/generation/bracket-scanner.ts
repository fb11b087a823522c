/** Quotes open a string only behind one of these; anywhere else they are apostrophes, or were left unescaped. */
const BEFORE_STRING = '{[(,:='

/**
 * Finds where the first brackets of a text are closed, reading it piece by piece and each character once. Strings in
 * double or single quotes are skipped, so JSON and Python's literals can both be read.
 */
export class BracketScanner {
  #maxLength: number
  #read = 0
  #depth = 0
  #quote = ''
  #isEscaped = false
  /** The last character outside strings that is no white space. */
  #last = ''
  #isClosed = false

  /** @param maxLength characters after which the search is given up */
  constructor (maxLength = Infinity) {
    this.#maxLength = maxLength
  }

  /** Whether the brackets were closed; false also when the search was given up. */
  get isClosed (): boolean {
    return this.#isClosed
  }

  /**
   * @param piece the text that follows what was read before
   * @returns the length of all that was read up to the closing bracket, or up to where the search ends: at a `<`
   * outside strings, which begins a tag and is no part of any value, or at the longest length. Undefined when more
   * has to be read.
   */
  read (piece: string): number | undefined {
    for (let at = 0; at < piece.length; at++) {
      if (this.#read + at >= this.#maxLength) return this.#maxLength
      const char = piece[at] as string
      if (this.#quote !== '') this.#readString(char)
      else if (char === '<') return this.#read + at
      else if (this.#isLast(char)) return this.#read + at + 1
    }
    this.#read += piece.length
    return undefined
  }

  #readString (char: string): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (char === '\\') this.#isEscaped = true
    else if (char === this.#quote) this.#quote = ''
  }

  #isLast (char: string): boolean {
    switch (char) {
      case '"':
      case "'":
        if (BEFORE_STRING.includes(this.#last)) this.#quote = char
        break
      case '{':
      case '[':
      case '(':
        this.#depth++
        break
      case '}':
      case ']':
      case ')':
        this.#depth--
        this.#isClosed = this.#depth <= 0
        break
      case ' ':
      case '\t':
      case '\n':
      case '\r':
        return false
    }
    this.#last = char
    return this.#isClosed
  }
}
