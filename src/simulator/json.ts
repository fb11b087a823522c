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

const MOST_BRACES = 20

/** The JSON objects inside a text, and the text without them. */
export function findObjects (text: string): { objects: unknown[], rest: string } {
  const objects: unknown[] = []
  let rest = text
  let at = rest.indexOf('{')
  for (let tries = 0; at !== -1 && tries < MOST_BRACES; tries++) {
    const json = toLeadingObject(rest.slice(at))
    if (isJson(json)) {
      objects.push(JSON.parse(json))
      rest = rest.slice(0, at) + rest.slice(at + json.length)
    } else {
      at++
    }
    at = rest.indexOf('{', at)
  }
  return { objects, rest }
}
