/** From this length on, in bytes, serializing messages costs more than checking whether their JSON can be forwarded. */
const LONG = 16_384

/**
 * Bytes that are read at a time. A text of more than 128 KB has its own memory pages, which the system maps and unmaps each
 * time. A piece that is read several times should also fit into the processor's cache.
 */
const PIECE = 65_536

/** The body before its messages: members that are not objects, lists or long texts, so that the messages are the body's own. */
const HEAD = /^\{(?:"(?!messages")\w{1,64}":(?:"[^"\\]{0,256}"|[-\w.]{1,32}),)*"messages":\[/
const MAX_HEAD = 4_096

/** Largest rest of a body after its messages, in bytes. A longer rest is checked first, because its values may need far more memory. */
const MAX_TAIL = 1_048_576

/**
 * One message of a role and a text, as `JSON.stringify` writes it: no white space, no member twice, and only escapes with a
 * single form, so that none is half of a surrogate pair. The stack of regular expressions limits the number of escapes.
 */
const MESSAGE = /\{"role":"[a-z]{1,16}","content":"[^"\\]*(?:\\["\\bfnrt][^"\\]*){0,100000}"\}/y

/** The boundary of two messages. No string contains this: a quote in it has a backslash before it. */
const BETWEEN = Buffer.from('"},{"role":"')
const END_OF_MESSAGE = 2

/** The replacement for bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd'

const COMMA = 0x2c
const OPENING = 0x5b
const BRACKET = 0x5d

/** The JSON of messages as it was received. */
export interface MessagesAsSent {
  json: readonly [Buffer]
  /** Its length in UTF-8 bytes and in UTF-16 code units. */
  size: { bytes: number, characters: number }
}

/**
 * The member of a list of messages with their JSON. It stays with the list. A copy does not have it, because a copy is
 * made to be changed.
 */
const AS_SENT = Symbol('messages as sent')

/** Messages, and their JSON if they arrived in a long body. */
interface SentMessages extends ReadonlyArray<unknown> {
  readonly [AS_SENT]?: MessagesAsSent
}

/**
 * Parses a long body whose messages are written as `JSON.stringify` would write them, and keeps their JSON.
 * @param bytes possibly JSON
 * @returns the result of `JSON.parse`; undefined if it is not such a body
 * @throws SyntaxError if it is not JSON
 */
export function parseAsSent (bytes: Buffer): object | undefined {
  if (bytes.length < LONG) return undefined
  const [head] = HEAD.exec(bytes.toString('utf8', 0, MAX_HEAD)) ?? []
  if (head === undefined || head.includes(REPLACEMENT)) return undefined
  const start = Buffer.byteLength(head) - 1
  const list = parseMessages(bytes, start + 1)
  if (list === undefined) return undefined
  const { messages, end, characters } = list
  if (bytes.length - end > MAX_TAIL) return undefined
  const tail = bytes.toString('utf8', end)
  // A second list of messages would override the first, and its name might be written with escapes.
  if (tail.includes('messages') || tail.includes('\\u') || tail.includes(REPLACEMENT)) return undefined
  keep(messages, { json: [bytes.subarray(start, end)], size: { bytes: end - start, characters: 1 + characters } })
  const body = JSON.parse(`${head}]${tail}`) as object
  return Object.assign(body, { messages })
}

/** The JSON of messages that are forwarded unchanged; undefined if they have to be serialized. */
export function keptMessagesJson (messages: SentMessages): MessagesAsSent | undefined {
  return messages[AS_SENT]
}

/** Not enumerable: the caller did not send this member. */
function keep (messages: unknown[], asSent: MessagesAsSent): void {
  Object.defineProperty(messages, AS_SENT, { value: asSent })
}

/**
 * Releases the messages of a body that `parseAsSent` read, because until the answer arrives every garbage collection would
 * copy their text. A later read of the member parses their JSON again. Other bodies stay unchanged.
 */
export function letGoOfMessages (body: { messages: readonly unknown[] }): void {
  const asSent = keptMessagesJson(body.messages)
  if (asSent === undefined) return
  Object.defineProperty(body, 'messages', {
    configurable: true,
    enumerable: true,
    get: () => {
      const messages = JSON.parse(asSent.json[0].toString()) as unknown[]
      keep(messages, asSent)
      Object.defineProperty(body, 'messages', { configurable: true, enumerable: true, writable: true, value: messages })
      return messages
    }
  })
}

interface MessageList {
  messages: unknown[]
  /** The position after its bracket. */
  end: number
  /** From its first message to its bracket. */
  characters: number
}

/** Reads a list whose first message begins at `start`. */
function parseMessages (bytes: Buffer, start: number): MessageList | undefined {
  const messages: unknown[] = []
  let characters = 0
  for (let at = start; at < bytes.length;) {
    const cut = endOfPiece(bytes, at)
    const piece = toList(bytes, at, cut)
    const end = endOfMessages(piece)
    if (end === undefined || piece.includes(REPLACEMENT)) return undefined
    const list = piece.slice(0, end + 1)
    const isLast = cut === bytes.length
    if (!isLast && list.length < piece.length) return undefined
    for (const message of JSON.parse(list) as unknown[]) messages.push(message)
    characters += end
    if (isLast) return { messages, end: at - 1 + Buffer.byteLength(list), characters }
    at = cut + 1
  }
  return undefined
}

/** Parses the text between two brackets or commas as a list. */
function toList (bytes: Buffer, start: number, end: number): string {
  if (end === bytes.length) return `[${bytes.toString('utf8', start, end)}`
  // Joining brackets to the text would copy it once more.
  const before = bytes[start - 1] as number
  const behind = bytes[end] as number
  bytes[start - 1] = OPENING
  bytes[end] = BRACKET
  const text = bytes.toString('utf8', start - 1, end + 1)
  bytes[start - 1] = before
  bytes[end] = behind
  return text
}

/** The end of a piece that begins with a message: after a message, or at the end of the bytes. */
function endOfPiece (bytes: Buffer, start: number): number {
  const limit = start + PIECE
  if (limit >= bytes.length) return bytes.length
  const before = bytes.lastIndexOf(BETWEEN, limit)
  const between = before > start ? before : bytes.indexOf(BETWEEN, limit)
  return between === -1 ? bytes.length : between + END_OF_MESSAGE
}

/** The position of the bracket that ends the list of messages at the beginning of a text; undefined if there is no such list. */
function endOfMessages (text: string): number | undefined {
  let at = 0
  do {
    MESSAGE.lastIndex = at + 1
    if (!MESSAGE.test(text)) return undefined
    at = MESSAGE.lastIndex
  } while (text.charCodeAt(at) === COMMA)
  return text.charCodeAt(at) === BRACKET ? at : undefined
}
