/**
 * The commonest frame of all, whole: text without escapes, then what carries nothing (no calls, padding of random
 * length). Control characters are not valid in a JSON string, so a frame that has one is not this frame.
 */
// eslint-disable-next-line no-control-regex
const CLASSIC = /^\{"response":("([^"\\\x00-\x1f]*)")(?:,"tool_calls":\[\])?(?:,"p":"[^"\\\x00-\x1f]*")?\}$/

/** The text of a classic frame, and the JSON string it came as. */
export interface ClassicText {
  text: string
  json: string
}

/**
 * Reads a classic frame without parsing its JSON. This is the fast lane: it must say exactly what the slow one says of
 * the same frame, and leave every other frame to it.
 * @param data the data of one stream event
 * @returns undefined for any frame but the commonest
 */
export function toClassicText (data: string): ClassicText | undefined {
  const match = CLASSIC.exec(data)
  return match === null ? undefined : { json: match[1] as string, text: match[2] as string }
}
