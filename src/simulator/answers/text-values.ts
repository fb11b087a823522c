import { isObject, type Fields } from '../validation/fault.ts'
import { findObjects, isObjectSchema, withoutPieces } from '../script/json.ts'

/** What a text has that may become arguments, each kind in the order it is written in. */
export interface TextValues {
  /** The text itself, in which enum values and labels (`city: Oslo`) are looked for. */
  text: string
  objects: Fields[]
  numbers: number[]
  /** What stands between quotes, then names: capitalised words inside sentences, such as places and people. */
  strings: string[]
}

/** More is not looked at: what a person asks for stands at the beginning. */
const LONGEST = 20_000

const QUOTED = /"([^"\n]{1,500})"|“([^”\n]{1,500})”|`([^`\n]{1,500})`|(?<![\p{L}\p{N}])'([^'\n]{1,500})'(?![\p{L}\p{N}])/gu

/** A word in capitals is none: it is an abbreviation, or said with emphasis. */
const NAME = /(?<=[\p{L}\p{N}_,] )(?!I\b)\p{Lu}[\p{L}'’]*\p{Ll}[\p{L}'’]*(?: \p{Lu}[\p{L}'’]*\p{Ll}[\p{L}'’]*)*/gu

const DATE_OR_ADDRESS = /\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?\S*)?|\b\d\d?:\d\d(?::\d\d)?\b|\bhttps?:\/\/\S+|\S{1,64}@\S+/g
const NUMBER = /(?<![\w.])-?\d+(?:\.\d+)?(?![\w]|\.\d)/g

/** A text that offers nothing. */
export const NO_VALUES: Readonly<TextValues> = { text: '', objects: [], numbers: [], strings: [] }

/**
 * Reads what a text has that may become arguments.
 * @param names names of tools, which are no values
 */
export function toTextValues (text: string, names: readonly string[] = []): TextValues {
  const start = text.slice(0, LONGEST)
  const found = findObjects(start)
  const rest = withoutPieces(start, found)
  const called = argumentsOf(rest, names)
  const isValue = (word: string) => !names.some(name => name.toLowerCase() === word.toLowerCase())
  const quoted = [...rest.matchAll(QUOTED)].map(([, ...groups]) => groups.find(group => group !== undefined) ?? '')
  const unquoted = rest.replace(QUOTED, '""')
  return {
    text: withoutPieces(start, found.filter(({ value }) => isObjectSchema(value))),
    objects: found.map(({ value }) => value).filter(isObject).filter(object => !isObjectSchema(object)),
    numbers: ((called ?? unquoted).replace(DATE_OR_ADDRESS, ' ').match(NUMBER) ?? []).map(Number),
    strings: [...quoted, ...unquoted.match(NAME) ?? []].filter(isValue)
  }
}

/** What stands between the brackets of a call such as `add(1, 2)`. */
function argumentsOf (text: string, names: readonly string[]): string | undefined {
  for (const name of names) {
    const [, args] = new RegExp(`\\b${escapePattern(name)}\\(([^()\\n]{0,500})\\)`, 'i').exec(text) ?? []
    if (args !== undefined) return args
  }
  return undefined
}

/** A text as the piece of a pattern that matches it. */
export function escapePattern (text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

/**
 * The value a text gives a parameter by name: a member of an object in it, or what follows a label (`City: Oslo`).
 * @returns undefined where it gives none
 */
export function toLabelled (name: string, { text, objects }: TextValues): unknown {
  const holder = objects.find(object => Object.hasOwn(object, name))
  if (holder !== undefined) return holder[name]
  const label = toWordsOf(name).map(escapePattern).join('[ _-]?')
  const [, value = ''] = label === '' ? [] : new RegExp(`(?<![\\p{L}\\p{N}_])${label} ?[:=][ \\t]*([^,;\\n]{1,500})`, 'iu').exec(text) ?? []
  return value.trim().replace(/\.$/, '').replace(/^["'`“](.*)["'`”]$/, '$1') || undefined
}

/** The words a name is made of, in small letters: `readingTime` and `reading_time` are reading and time. */
export function toWordsOf (name: string): string[] {
  return name.split(/[^\p{L}\p{N}]+|(?<=[\p{Ll}\p{N}])(?=\p{Lu})/u).filter(Boolean).map(word => word.toLowerCase())
}
