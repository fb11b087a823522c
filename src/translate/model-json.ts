import { jsonrepair } from 'jsonrepair'

/** JSON as models write it: with single quotes, trailing commas, comments or Python's words. Undefined when it is none. */
export function parseModelJson (text: string): unknown {
  const exact = parseJson(text)
  if (exact !== undefined) return exact
  // The repair makes a string of any prose; only what was meant as an object, list or string is worth it.
  if (!/^\s*[{["']/.test(text)) return undefined
  try {
    return JSON.parse(jsonrepair(text))
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
