import { randomBytes } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** A random id in OpenAI's form, e.g. `chatcmpl-` and 29 letters or digits, `call_` and 24. */
export function newId (prefix: string, length: number): string {
  let id = prefix
  for (const byte of randomBytes(length)) id += ALPHABET[byte % ALPHABET.length]
  return id
}

export function newCallId (): string {
  return newId('call_', 24)
}
