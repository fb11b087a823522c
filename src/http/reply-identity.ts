import { randomFillSync } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Drawn for many ids at once: asking for random bytes costs more than all else about an id. */
const pool = Buffer.alloc(4_096)
let used = pool.length

/** A random id in OpenAI's form, e.g. `chatcmpl-` and 29 letters or digits, `call_` and 24; at most 4,096 of them. */
export function newId (prefix: string, length: number): string {
  if (used + length > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  let id = prefix
  for (const end = used + length; used < end; used++) id += ALPHABET[(pool[used] ?? 0) % ALPHABET.length]
  return id
}

export function newCallId (): string {
  return newId('call_', 24)
}
