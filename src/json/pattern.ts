/** A pattern in RE2's syntax. RE2's time grows linearly with the text. */
export interface LinearPattern {
  source: string
  /** Steps of its program, an upper estimate. */
  size: number
}

/** A pattern that cannot be enforced. The message says why, and quotes nothing of it. */
export class UnreadPatternError extends Error {
  override name = 'UnreadPatternError'
}

/** UTF-16 code units. */
const MAX_LENGTH = 4_000

/** The most steps of a program: repetitions are expanded, and each step costs time for each character of a text. */
const MAX_SIZE = 2_000

const MAX_GROUPS = 100

/** The meaning of `\s` and `.` in ECMAScript, as ranges; RE2's cover ASCII only. */
const SPACES = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff]
] as const
const LINE_ENDS = [[0x0a, 0x0a], [0x0d, 0x0d], [0x2028, 0x2029]] as const
const LAST_CODE_POINT = 0x10ffff

/** Escapes of one character. */
const CONTROLS: Readonly<Record<string, number>> = { t: 0x09, n: 0x0a, v: 0x0b, f: 0x0c, r: 0x0d }

/** ECMAScript's long names of Unicode's general categories; RE2 knows only the short ones. */
const CATEGORIES: Readonly<Record<string, string>> = {
  Letter: 'L',
  Uppercase_Letter: 'Lu',
  Lowercase_Letter: 'Ll',
  Titlecase_Letter: 'Lt',
  Modifier_Letter: 'Lm',
  Other_Letter: 'Lo',
  Mark: 'M',
  Number: 'N',
  Decimal_Number: 'Nd',
  Letter_Number: 'Nl',
  Other_Number: 'No',
  Punctuation: 'P',
  Symbol: 'S',
  Separator: 'Z',
  Space_Separator: 'Zs',
  Other: 'C',
  Control: 'Cc'
}

/**
 * Reads a pattern as ECMA-262 does with the flag `u`, which is what JSON Schema names, and writes it in RE2's syntax.
 * It refuses syntax of other languages (`\A`, `(?i)`), syntax that languages read differently (`[]a]`), and syntax that RE2
 * does not support (lookaround, back references): an answer must not be checked by a pattern that its author did not mean.
 * Without `u` ECMA-262 reads some more escapes and brackets as literal characters. Where all languages agree about that, so
 * does this function.
 * @throws UnreadPatternError
 */
export function toLinearPattern (pattern: string): LinearPattern {
  return new Reader(pattern).read()
}

/** An escape: one character, or a set of them as the inside of a class. */
type Escape = { character: number } | { set: string }

class Reader {
  #pattern: string
  #at = 0
  #source = ''
  /** Of each open group, and of the whole: the size so far. */
  #sizes = [0]
  /** Of each open group: the size of what was before it in its own. */
  #last: number | undefined
  #hasNestedBracket = false

  constructor (pattern: string) {
    this.#pattern = pattern
  }

  read (): LinearPattern {
    if (this.#pattern.length > MAX_LENGTH) throw new UnreadPatternError('it is too long')
    if (/^\/\^.*\$\/[a-z]*$/s.test(this.#pattern)) throw new UnreadPatternError('it is written between slashes')
    while (this.#at < this.#pattern.length) this.#readOne()
    if (this.#sizes.length > 1) throw new UnreadPatternError('a group is not closed')
    return { source: this.#source, size: this.#sizes[0] ?? 0 }
  }

  #readOne (): void {
    const token = this.#take()
    switch (token) {
      case '\\': return this.#readEscape()
      case '[': return this.#readClass()
      case '(': return this.#openGroup()
      case ')': return this.#closeGroup()
      case '|': return this.#write('|')
      case '^': return this.#write('\\A')
      case '$': return this.#write('\\z')
      case '.': return this.#writeAtom(`[^${toRanges(LINE_ENDS)}]`)
      case '*':
      case '+': return this.#repeat(token, 2)
      case '?': return this.#repeat(token, 1)
      case '{': return this.#readBrace()
      case ']':
        if (this.#hasNestedBracket) throw new UnreadPatternError('languages read its brackets differently')
    }
    this.#writeAtom(toCharacter(token.codePointAt(0) as number))
  }

  /** The next character, by code points. */
  #take (): string {
    const token = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 0)
    this.#at += token.length
    return token
  }

  /** Consumes the next text if it has this form. */
  #takeIf (form: RegExp): RegExpExecArray | undefined {
    form.lastIndex = this.#at
    const found = form.exec(this.#pattern)
    if (found === null) return undefined
    this.#at += found[0].length
    return found
  }

  /** What cannot be repeated. */
  #write (text: string): void {
    this.#source += text
    this.#last = undefined
  }

  #writeAtom (text: string, size = 1): void {
    this.#source += text
    this.#grow(size)
    this.#last = size
  }

  #grow (size: number): void {
    const own = (this.#sizes.at(-1) ?? 0) + size
    if (own > MAX_SIZE) throw new UnreadPatternError('its repetitions are too many')
    this.#sizes[this.#sizes.length - 1] = own
  }

  #repeat (quantifier: string, times: number): void {
    if (this.#last === undefined) throw new UnreadPatternError('there is nothing to repeat')
    this.#grow(this.#last * (times - 1) + 1)
    const lazy = this.#takeIf(/\?/y) ? '?' : ''
    if (this.#takeIf(/[*+?]|\{\d*,?\d*\}/y)) throw new UnreadPatternError('languages read its repetitions differently')
    this.#write(quantifier + lazy)
  }

  #readBrace (): void {
    const found = this.#takeIf(/(\d+)(,(\d*))?\}/y)
    if (found !== undefined) {
      const [all, least = '', more, most] = found
      return this.#repeat(`{${all}`, Math.max(1, Number(most || least)) + (more !== undefined && most === '' ? 1 : 0))
    }
    if (this.#takeIf(/,\d+\}/y)) throw new UnreadPatternError('languages read its repetitions differently')
    this.#writeAtom('\\{')
  }

  #openGroup (): void {
    const head = this.#takeIf(/\?(?::|P?<[A-Za-z_][A-Za-z_0-9]*>)/y)
    if (head === undefined && this.#takeIf(/\?<?[=!]/y)) throw new UnreadPatternError('it looks around')
    if (head === undefined && this.#pattern[this.#at] === '?') throw new UnreadPatternError('it has a group of another language')
    if (this.#sizes.length > MAX_GROUPS) throw new UnreadPatternError('its groups are nested too deeply')
    this.#sizes.push(0)
    // The content of a group is not used.
    this.#write('(?:')
  }

  #closeGroup (): void {
    const size = (this.#sizes.pop() ?? 0) + 1
    if (this.#sizes.length === 0) throw new UnreadPatternError('a group is closed that was not opened')
    this.#writeAtom(')', size)
  }

  #readEscape (): void {
    if (this.#takeIf(/b/y)) return this.#write('\\b')
    if (this.#takeIf(/B/y)) return this.#write('\\B')
    const escape = this.#toEscape()
    this.#writeAtom('set' in escape ? `[${escape.set}]` : toCharacter(escape.character))
  }

  #toEscape (): Escape {
    if (this.#at === this.#pattern.length) throw new UnreadPatternError('it ends with a backslash')
    const property = this.#takeIf(/([pP])\{(?:(gc|General_Category|sc|Script)=)?([A-Za-z_]+)\}/y)
    if (property !== undefined) return { set: toProperty(property) }
    const code = this.#takeIf(/x([\da-fA-F]{2})|u\{([\da-fA-F]{1,6})\}|u(d[89ab][\da-f]{2})\\u(d[c-f][\da-f]{2})|u([\da-fA-F]{4})/iy)
    if (code !== undefined) return { character: toCodePoint(code) }
    const control = this.#takeIf(/c([A-Za-z])/y)?.[1]
    if (control !== undefined) return { character: control.charCodeAt(0) % 32 }
    if (this.#takeIf(/0(?!\d)/y)) return { character: 0 }
    const letter = this.#take()
    switch (letter) {
      case 'd':
      case 'D':
      case 'w':
      case 'W': return { set: `\\${letter}` }
      case 's': return { set: toRanges(SPACES) }
      case 'S': return { set: toRanges(complementOf(SPACES)) }
    }
    const character = CONTROLS[letter]
    if (character !== undefined) return { character }
    if (/[1-9k]/.test(letter)) throw new UnreadPatternError('it refers back')
    if (/[0A-Za-z]/.test(letter)) throw new UnreadPatternError('it has an escape that languages read differently')
    return { character: letter.codePointAt(0) as number }
  }

  #readClass (): void {
    const isNegated = this.#takeIf(/\^/y) !== undefined
    if (this.#takeIf(/\]/y)) {
      // In other languages the bracket would be the first character of a class that continues.
      if (!isNegated || this.#pattern.includes(']', this.#at)) throw new UnreadPatternError('languages read its brackets differently')
      return this.#writeAtom('(?s:.)')
    }
    let inside = ''
    let size = 1
    while (!this.#takeIf(/\]/y)) {
      if (this.#at === this.#pattern.length) throw new UnreadPatternError('a class is not closed')
      if (this.#takeIf(/&&|--/y)) throw new UnreadPatternError('languages read its brackets differently')
      const from = this.#toMember()
      if (!('character' in from)) {
        size = Math.max(size, from.set.startsWith('\\p') || from.set.startsWith('\\P') ? 4 : 2)
        inside += from.set
        continue
      }
      inside += toCharacter(from.character)
      const to = this.#takeIf(/-(?!\])/y) && this.#toMember()
      if (to === undefined) continue
      if ('set' in to) inside += toCharacter(0x2d) + to.set
      else if (to.character < from.character) throw new UnreadPatternError('a range in it goes backwards')
      else inside += `-${toCharacter(to.character)}`
    }
    this.#writeAtom(`[${isNegated ? '^' : ''}${inside}]`, size)
  }

  #toMember (): Escape {
    if (this.#takeIf(/\[[:.=]/y)) throw new UnreadPatternError('it has a class of another language')
    const token = this.#take()
    if (token === '[') this.#hasNestedBracket = true
    if (token !== '\\') return { character: token.codePointAt(0) as number }
    return this.#takeIf(/b/y) ? { character: 0x08 } : this.#toEscape()
  }
}

function toProperty ([, letter = '', kind, name = '']: RegExpExecArray): string {
  const category = CATEGORIES[name] ?? name
  // A script without `Script=` is not ECMAScript, but has the same meaning wherever it is accepted.
  if (kind?.startsWith('s') || kind === 'Script' ? category.length < 3 : kind !== undefined && category.length > 2) throw new UnreadPatternError('it has a property that is not known')
  return `\\${letter}{${category}}`
}

function toCodePoint ([, byte, braced, high, low, unit]: RegExpExecArray): number {
  if (high !== undefined && low !== undefined) {
    return String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)).codePointAt(0) as number
  }
  return Number.parseInt(byte ?? braced ?? unit ?? '', 16)
}

function toCharacter (codePoint: number): string {
  if (codePoint > LAST_CODE_POINT || (codePoint >= 0xd800 && codePoint <= 0xdfff)) throw new UnreadPatternError('it has half a character')
  const text = String.fromCodePoint(codePoint)
  return /[A-Za-z0-9]/.test(text) ? text : `\\x{${codePoint.toString(16)}}`
}

function toRanges (ranges: ReadonlyArray<readonly [number, number]>): string {
  return ranges.map(([from, to]) => `\\x{${from.toString(16)}}-\\x{${to.toString(16)}}`).join('')
}

function complementOf (ranges: ReadonlyArray<readonly [number, number]>): Array<[number, number]> {
  const starts = [0, ...ranges.map(([, to]) => to + 1)]
  const ends = [...ranges.map(([from]) => from - 1), LAST_CODE_POINT]
  return starts.map((start, index) => [start, ends[index] as number])
}
