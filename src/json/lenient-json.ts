import { jsonrepair } from 'jsonrepair'
import { parseExactly } from './exact-json.ts'
import { newWorkBudget, spend, type WorkBudget } from './work-budget.ts'

/** Characters of text that are mended at most. */
const MAX_MENDED = 100_000

/**
 * JSON as models write it: with single quotes, trailing commas, comments, Python's words, or backslashes they forgot to
 * escape. Undefined when it is none, and when so much has been mended that it would take too long.
 */
export function parseModelJson (text: string, budget: WorkBudget = newWorkBudget()): unknown {
  const value = parseJson(text)
  if (value !== undefined) return value
  const json = toMendedJson(text, budget)
  return json === undefined ? undefined : parseJson(json)
}

/** The same for what is written again: its numbers as the model wrote them, as `parseExactly` has them. */
export function parseModelJsonExactly (text: string, budget: WorkBudget = newWorkBudget()): unknown {
  const json = toModelJson(text, budget)
  return json === undefined ? undefined : toExactValue(json)
}

/** JSON text of JSON as models write it, the same where it is sound; undefined where it cannot be read. */
export function toModelJson (text: string, budget: WorkBudget): string | undefined {
  return parseJson(text) === undefined ? toMendedJson(text, budget) : text
}

/** The value of sound JSON, its numbers as they are written. */
export function toExactValue (json: string): unknown {
  return parseExactly(json) ?? parseJson(json)
}

function toMendedJson (text: string, budget: WorkBudget): string | undefined {
  // The repair makes a string of any prose; only what was meant as an object, list or string is worth it.
  if (text.length > MAX_MENDED || !/^\s*[{["']/.test(text)) return undefined
  try {
    spend(budget, 'mending', toMendingSteps(text))
    const json = jsonrepair(withEscapedBackslashes(text))
    return parseJson(json) === undefined ? undefined : json
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
