import { keptMessagesJson } from '../../json/messages-as-sent.ts'
import type { NativeMessage } from './native-message.ts'

/** Messages that are written at a time. */
const AT_A_TIME = 64
/** From this length on, in characters, JSON is kept as bytes. */
const LONG = 16_384

const COMMA = 0x2c

/** What a model is given, as JSON. */
export interface PromptJson {
  /**
   * Written once, though it may be sent several times: text while it is short, else bytes in pieces. A long text would
   * be copied by every collection of garbage until the answer is there, and once more on its way out.
   */
  json: string | readonly Buffer[]
  /** Its length, but for the images in it, in UTF-8 bytes and in UTF-16 code units. */
  size: { bytes: number, characters: number }
}

/**
 * Writes messages as JSON.
 * @param hasImages whether there is an image among them, whose length says nothing
 */
export function toMessagesJson (messages: readonly NativeMessage[], hasImages: boolean): PromptJson {
  const asSent = keptMessagesJson(messages)
  if (asSent !== undefined) return asSent
  if (messages.length <= AT_A_TIME) return toPromptJson(messages, hasImages)
  const pieces: Buffer[] = []
  const size = { bytes: 0, characters: 0 }
  for (let from = 0; from < messages.length; from += AT_A_TIME) {
    const text = toJson(messages.slice(from, from + AT_A_TIME))
    const piece = Buffer.from(text)
    const counted = hasImages ? withoutImages(text) : text
    size.characters += counted.length - 1
    size.bytes += (hasImages ? Buffer.byteLength(counted) : piece.length) - 1
    // Each piece is a list of its own; one list is made of them by a comma instead of the brackets between two.
    if (from > 0) piece[0] = COMMA
    pieces.push(from + AT_A_TIME < messages.length ? piece.subarray(0, -1) : piece)
  }
  return { json: pieces, size: { bytes: size.bytes + 1, characters: size.characters + 1 } }
}

/**
 * Writes anything a model is given as JSON, in one piece.
 * @param hasImages whether there is an image in it, whose length says nothing
 */
export function toPromptJson (prompt: unknown, hasImages = false): PromptJson {
  const text = toJson(prompt)
  const counted = hasImages ? withoutImages(text) : text
  return { json: text.length < LONG ? text : [Buffer.from(text)], size: { bytes: Buffer.byteLength(counted), characters: counted.length } }
}

/**
 * Strict JSON readers upstream refuse lone surrogates, which JavaScript writes as escapes; they become U+FFFD.
 * @param write other than JavaScript does
 */
export function toJson (value: unknown, write: (value: unknown) => string = JSON.stringify): string {
  const text = write(value)
  if (!text.includes('\\ud') || !/\\ud[89a-f]/.test(text)) return text
  return JSON.stringify(value, (_key, one: unknown) => typeof one === 'string' ? one.toWellFormed() : one)
}

function withoutImages (json: string): string {
  // In one go: taking out one image after the other would go through the text as often as there are images.
  return json.replaceAll(/"url":"data:[^"]*"/g, '"url":""')
}
