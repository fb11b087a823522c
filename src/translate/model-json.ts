import { jsonrepair } from 'jsonrepair'
import { newEffort, spend, type Effort } from './effort.ts'

/** Characters of text that are mended at most. */
const MAX_MENDED = 100_000

/**
 * JSON as models write it: with single quotes, trailing commas, comments, Python's words, or backslashes they forgot to
 * escape. Undefined when it is none, and when so much has been mended that it would take too long.
 */
export function parseModelJson (text: string, effort: Effort = newEffort()): unknown {
  const exact = parseJson(text)
  if (exact !== undefined) return exact
  // The repair makes a string of any prose; only what was meant as an object, list or string is worth it.
  if (text.length > MAX_MENDED || !/^\s*[{["']/.test(text)) return undefined
  try {
    spend(effort, 'mending', toMendingSteps(text))
    return JSON.parse(jsonrepair(withEscapedBackslashes(text)))
  } catch {
    return undefined
  }
}

/** The repair goes back to the beginning at what is wrong; that may be anywhere, but not in strings that are well-formed. */
function toMendingSteps (text: string): number {
  return text.length * text.replaceAll(/"(?:[^"\\]|\\.)*"/gs, '""').length
}

/** Undefined when the text is no JSON. */
export function parseJson (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `\d` and `C:\Users` are no escapes of JSON; the repair would take the backslash away. */
function withEscapedBackslashes (text: string): string {
  return text.replaceAll(/\\(["'\\/bfnrtu\n])|\\/g, (escape, known) => known === undefined ? '\\\\' : escape)
}
