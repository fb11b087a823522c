/** A quote opens a string only after one of these. Elsewhere it is an apostrophe or an unescaped quote. */
const BEFORE_STRING = '{[(,:='

/** The deepest nesting of brackets: serializing JSON recurses for each. */
const MAX_DEPTH = 500

/**
 * Finds the end of the first brackets of a text, which is read piece by piece, each character once. Strings in double or
 * single quotes are skipped, for both JSON and Python literals.
 */
export class BracketScanner {
  #length = 0
  #depth = 0
  #quote = ''
  #isEscaped = false
  /** The last character outside strings that is not white space. */
  #last = ''

  /**
   * @param piece the text that follows what was read before
   * @returns the length of all that was read up to the closing bracket, or up to where it cannot come any more: before
   * a `<` outside strings, which begins a tag and is no part of a value, or at brackets too deep to be meant.
   * Undefined when more has to be read.
   */
  read (piece: string): number | undefined {
    for (let at = 0; at < piece.length; at++) {
      const char = piece[at] as string
      if (this.#quote !== '') this.#readString(char)
      else if (char === '<') return this.#length + at
      else if (this.#isEnd(char)) return this.#length + at + 1
    }
    this.#length += piece.length
    return undefined
  }

  #readString (char: string): void {
    if (this.#isEscaped) this.#isEscaped = false
    else if (char === '\\') this.#isEscaped = true
    else if (char === this.#quote) this.#quote = ''
  }

  #isEnd (char: string): boolean {
    if (/\s/.test(char)) return false
    const isString = (char === '"' || char === "'") && BEFORE_STRING.includes(this.#last)
    this.#last = char
    if (isString) this.#quote = char
    if ('{[('.includes(char)) return ++this.#depth > MAX_DEPTH
    return '}])'.includes(char) && --this.#depth <= 0
  }
}
