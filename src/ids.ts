import { hash, randomBytes, randomFillSync } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Characters of the alphabet, drawn for many ids at once: asking for random bytes costs more than all else about an id. */
const pool = Buffer.alloc(4_096)
let used = pool.length

/** A random id in OpenAI's form, e.g. `chatcmpl-` and 29 letters or digits, `call_` and 24; at most 4,096 of them. */
export function newId (prefix: string, length: number): string {
  if (used + length > pool.length) {
    randomFillSync(pool)
    for (let index = 0; index < pool.length; index++) pool[index] = ALPHABET.charCodeAt((pool[index] ?? 0) % ALPHABET.length)
    used = 0
  }
  const start = used
  used += length
  return prefix + pool.toString('latin1', start, used)
}

/** A random id of what the Responses API keeps: `resp_`, `msg_`, `rs_`, `fc_` … and 50 hexadecimal digits. */
export function newItemId (prefix: string): string {
  return prefix + randomBytes(25).toString('hex')
}

export function newCallId (): string {
  return newId('call_', 24)
}

/** OpenAI's `system_fingerprint`: the same for all answers of one model, whichever name it was asked by. */
export function toFingerprint (modelId = ''): string {
  return `fp_${hash('sha256', modelId, 'hex').slice(0, 10)}`
}
