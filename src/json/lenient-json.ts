import { jsonrepair } from 'jsonrepair'
import { parseExactly } from './exact-json.ts'
import { newWorkBudget, spend, type WorkBudget } from './work-budget.ts'

/** The most characters of a text that is repaired. */
const MAX_MENDED = 100_000

/**
 * Parses JSON as models write it: with single quotes, trailing commas, comments, Python literals, or unescaped backslashes.
 * Undefined if it is not JSON, or if the budget for repairs is used up.
 */
export function parseModelJson (text: string, budget: WorkBudget = newWorkBudget()): unknown {
  const value = parseJson(text)
  if (value !== undefined) return value
  const json = toMendedJson(text, budget)
  return json === undefined ? undefined : parseJson(json)
}

/** The same for values that are serialized again: with numbers as the model wrote them, in the form of `parseExactly`. */
export function parseModelJsonExactly (text: string, budget: WorkBudget = newWorkBudget()): unknown {
  const json = toModelJson(text, budget)
  return json === undefined ? undefined : toExactValue(json)
}

/** Valid JSON text of JSON as models write it; unchanged if it is valid, undefined if it cannot be read. */
export function toModelJson (text: string, budget: WorkBudget): string | undefined {
  return parseJson(text) === undefined ? toMendedJson(text, budget) : text
}

/** The value of valid JSON, with numbers as they are written. */
export function toExactValue (json: string): unknown {
  return parseExactly(json) ?? parseJson(json)
}

function toMendedJson (text: string, budget: WorkBudget): string | undefined {
  // The repair makes a string of any prose, so only text that begins like an object, list or string is repaired.
  if (text.length > MAX_MENDED || !/^\s*[{["']/.test(text)) return undefined
  try {
    spend(budget, 'mending', toMendingSteps(text))
    const json = jsonrepair(withEscapedBackslashes(text))
    return parseJson(json) === undefined ? undefined : json
  } catch {
    return undefined
  }
}

/** The repair returns to the beginning at each fault. A fault may be anywhere except inside well-formed strings. */
function toMendingSteps (text: string): number {
  return text.length * text.replaceAll(/"(?:[^"\\]|\\.)*"/gs, '""').length
}

/** Undefined if the text is not JSON. */
export function parseJson (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `\d` and `C:\Users` are not JSON escapes; the repair would remove the backslash. */
function withEscapedBackslashes (text: string): string {
  return text.replaceAll(/\\(["'\\/bfnrtu\n])|\\/g, (escape, known) => known === undefined ? '\\\\' : escape)
}
