import type { PromptJson } from './prompt-json.ts'

/** From this length on, in bytes, writing messages anew costs more than looking at how they are written. */
const LONG = 16_384

/** Up to the messages: members that are no objects, lists or long texts, so that these are no others' messages. */
const HEAD = /^\{(?:"(?!messages")\w{1,64}":(?:"[^"\\]{0,256}"|[-\w.]{1,32}),)*"messages":\[/

/**
 * One message of a role and a text, as `JSON.stringify` writes it: no white space, no member twice, and only escapes that
 * have no other form, so that none is half of a surrogate pair. Their number is limited by what the stack of regular
 * expressions holds.
 */
const MESSAGE = /\{"role":"[a-z]{1,16}","content":"[^"\\]*(?:\\["\\bfnrt][^"\\]*){0,100000}"\}/y

/** What bytes are read as that are no UTF-8. */
const REPLACEMENT = '\ufffd'

const COMMA = 0x2c
const BRACKET = 0x5d

/** By the messages of a body, which stay as they are. */
const kept = new WeakMap<readonly unknown[], PromptJson>()

/**
 * Keeps the JSON of a long body's messages, if it is what would be written for them again.
 * @param body what the text says
 * @param text JSON
 * @param bytes the same text, as it came
 */
export function keepMessagesJson (body: unknown, text: string, bytes: Buffer): void {
  if (bytes.length < LONG || text.includes(REPLACEMENT)) return
  const extent = extentOf(text)
  if (extent === undefined) return
  const { from, to } = extent
  const isAscii = bytes.length === text.length
  const start = isAscii ? from : Buffer.byteLength(text.slice(0, from))
  const end = isAscii ? to : bytes.length - Buffer.byteLength(text.slice(to))
  const { messages } = body as { messages: unknown[] }
  kept.set(messages, { json: [bytes.subarray(start, end)], size: { bytes: end - start, characters: to - from } })
}

/** The JSON of messages that are sent on as they came; undefined when it has to be written. */
export function keptMessagesJson (messages: readonly unknown[]): PromptJson | undefined {
  return kept.get(messages)
}

/** Where the list of messages begins and ends, its brackets included. */
function extentOf (text: string): { from: number, to: number } | undefined {
  const [head] = HEAD.exec(text) ?? []
  if (head === undefined) return undefined
  let at = head.length
  for (;;) {
    MESSAGE.lastIndex = at
    if (!MESSAGE.test(text)) return undefined
    at = MESSAGE.lastIndex + 1
    const next = text.charCodeAt(at - 1)
    if (next === BRACKET) break
    if (next !== COMMA) return undefined
  }
  // A second list of messages would be the one that counts, and its name might be written with escapes.
  const isLast = !text.includes('messages', at) && !text.includes('\\u', at)
  return isLast ? { from: head.length - 1, to: at } : undefined
}
