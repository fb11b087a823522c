import { jsonrepair } from 'jsonrepair'
import { withinTime } from './time-limit.ts'

/** Characters of text that are mended at most: some mistakes take the repair time that grows with the square. */
const MAX_MENDED = 100_000

/** How long a repair may take, in milliseconds; ordinary ones take less than one. */
const REPAIR_MS = 250

/**
 * JSON as models write it: with single quotes, trailing commas, comments, Python's words, or backslashes they forgot to
 * escape. Undefined when it is none.
 */
export function parseModelJson (text: string): unknown {
  const exact = parseJson(text)
  if (exact !== undefined) return exact
  // The repair makes a string of any prose; only what was meant as an object, list or string is worth it.
  if (text.length > MAX_MENDED || !/^\s*[{["']/.test(text)) return undefined
  try {
    return JSON.parse(withinTime(REPAIR_MS, () => jsonrepair(withEscapedBackslashes(text))))
  } catch {
    return undefined
  }
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
