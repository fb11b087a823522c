import { keptMessagesJson } from '../../json/messages-as-sent.ts'
import type { NativeMessage } from './native-message.ts'

/** Messages that are serialized at a time. */
const AT_A_TIME = 64
/** From this length on, in characters, JSON is kept as bytes. */
const LONG = 16_384

const COMMA = 0x2c

/** The model's input as JSON. */
export interface PromptJson {
  /**
   * Serialized once, although it may be sent several times. A short one is a string, a long one bytes in pieces: garbage
   * collections would copy a long string until the answer arrives, and sending would copy it once more.
   */
  json: string | readonly Buffer[]
  /** Its length without images, in UTF-8 bytes and in UTF-16 code units. */
  size: { bytes: number, characters: number }
}

/**
 * Serializes messages.
 * @param hasImages whether they contain an image, whose length is not counted
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
    // Each piece is a JSON list. A comma in place of the brackets between two pieces joins them into one list.
    if (from > 0) piece[0] = COMMA
    pieces.push(from + AT_A_TIME < messages.length ? piece.subarray(0, -1) : piece)
  }
  return { json: pieces, size: { bytes: size.bytes + 1, characters: size.characters + 1 } }
}

/**
 * Serializes any input of a model in one piece.
 * @param hasImages whether it contains an image, whose length is not counted
 */
export function toPromptJson (prompt: unknown, hasImages = false): PromptJson {
  const text = toJson(prompt)
  const counted = hasImages ? withoutImages(text) : text
  return { json: text.length < LONG ? text : [Buffer.from(text)], size: { bytes: Buffer.byteLength(counted), characters: counted.length } }
}

/**
 * Strict JSON parsers upstream refuse lone surrogates, which JavaScript writes as escapes; they become U+FFFD.
 * @param write the serializer
 */
export function toJson (value: unknown, write: (value: unknown) => string = JSON.stringify): string {
  const text = write(value)
  if (!text.includes('\\ud') || !/\\ud[89a-f]/.test(text)) return text
  return JSON.stringify(value, (_key, one: unknown) => typeof one === 'string' ? one.toWellFormed() : one)
}

function withoutImages (json: string): string {
  // In one pass: removing the images one by one would search the text once per image.
  return json.replaceAll(/"url":"data:[^"]*"/g, '"url":""')
}
