import { isObject } from '../validation/fault.ts'
import type { JsonSchema } from '../answers/json-schema.ts'

/** What a JSON text means; the text itself where it is no JSON. */
export function toValue (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Whether a text is JSON. */
export function isJson (text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The object a text begins with, brace to brace; all of the text when the object never closes. */
export function toLeadingObject (text: string): string {
  let depth = 0
  for (const { 0: piece, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (piece === '{') depth++
    if (piece === '}') depth--
    if (depth === 0) return text.slice(0, index + 1)
  }
  return text
}

/** Whether a value is a schema that says which members an object has. */
export function isObjectSchema (value: unknown): value is JsonSchema {
  return isObject(value) && value['type'] === 'object' && isObject(value['properties'])
}

const MAX_BRACES = 20

/** A JSON object inside a text, and where it begins and ends there. */
interface FoundObject {
  value: unknown
  start: number
  end: number
}

/** The JSON objects inside a text. Not all of a text with very many braces are looked at. */
export function findObjects (text: string): FoundObject[] {
  const found: FoundObject[] = []
  let start = text.indexOf('{')
  for (let tries = 0; start !== -1 && tries < MAX_BRACES; tries++) {
    const json = toLeadingObject(text.slice(start))
    const end = isJson(json) ? start + json.length : start + 1
    if (end > start + 1) found.push({ value: JSON.parse(json), start, end })
    start = text.indexOf('{', end)
  }
  return found
}

/** A text without these pieces. */
export function withoutPieces (text: string, pieces: ReadonlyArray<Pick<FoundObject, 'start' | 'end'>>): string {
  return pieces.reduceRight((rest, { start, end }) => rest.slice(0, start) + rest.slice(end), text)
}
