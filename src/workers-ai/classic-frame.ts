import type { Batch } from '../generation/event.ts'

/**
 * The commonest event of all, whole: text with simple escapes, then what carries nothing (no calls, padding of random
 * length). Other control characters are not valid in a JSON string, so an event that has one is not this event.
 */
// eslint-disable-next-line no-control-regex
const CLASSIC = /data: \{"response":("([^"\\\x00-\x1f]*(?:\\["\\bfnrt][^"\\\x00-\x1f]*)*)")(?:,"tool_calls":\[\])?(?:,"p":"[^"\\\x00-\x1f]*")?\}\n\n/y

/**
 * Reads a run of classic events without cutting out lines or parsing JSON. This is the fast lane: it must say exactly
 * what the slow one says of the same events, and leave every other event to it. The JSON string is kept as it came.
 * @param text of a stream, of which an event begins at `start`
 * @param batch what is said is appended to
 * @returns where the run ends: `start` when there is none
 */
export function readClassicEvents (text: string, start: number, batch: Batch): number {
  let end = start
  CLASSIC.lastIndex = start
  for (let match = CLASSIC.exec(text); match !== null; match = CLASSIC.exec(text)) {
    end = CLASSIC.lastIndex
    const json = match[1] as string
    const content = match[2] as string
    if (content !== '') batch.push({ type: 'text', text: content.includes('\\') ? JSON.parse(json) as string : content, json })
  }
  return end
}
