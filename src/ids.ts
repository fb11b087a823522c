import { hash, randomBytes, randomFillSync } from 'node:crypto'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** The largest multiple of the alphabet's length in a byte: greater bytes are not used, or the first letters would come more often. */
const FAIR_BYTES = 256 - 256 % ALPHABET.length

/** Random letters for many ids at once: random bytes cost more than all else about an id. */
const pool = Buffer.alloc(16_384)
/** One byte of 32 is not used; with so many the pool is nearly always filled at once. */
const bytes = Buffer.alloc(pool.length + pool.length / 16)
let used = pool.length

/** A random id in OpenAI's form, e.g. `chatcmpl-` and 29 letters or digits, `call_` and 24; at most 4,096 of them. */
export function newId (prefix: string, length: number): string {
  if (used + length > pool.length) {
    fillPool()
    used = 0
  }
  const start = used
  used += length
  return prefix + pool.toString('latin1', start, used)
}

function fillPool (): void {
  let filled = 0
  while (filled < pool.length) {
    randomFillSync(bytes)
    for (let index = 0; index < bytes.length && filled < pool.length; index++) {
      const byte = bytes[index] as number
      if (byte < FAIR_BYTES) pool[filled++] = ALPHABET.charCodeAt(byte % ALPHABET.length)
    }
  }
}

/** A random id of what the Responses API keeps: `resp_`, `msg_`, `rs_`, `fc_` … and 50 hexadecimal digits. */
export function newItemId (prefix: string): string {
  return prefix + randomBytes(25).toString('hex')
}

export function newCallId (): string {
  return newId('call_', 24)
}

/** Fingerprints by the ids of models. A client may name any number of models, so they are forgotten now and then. */
const fingerprints = new Map<string, string>()
const MAX_FINGERPRINTS = 1_000

/** OpenAI's `system_fingerprint`: the same for all answers of one model, whichever name it was asked by. */
export function toFingerprint (modelId = ''): string {
  const known = fingerprints.get(modelId)
  if (known !== undefined) return known
  if (fingerprints.size >= MAX_FINGERPRINTS) fingerprints.clear()
  const fingerprint = `fp_${hash('sha256', modelId, 'hex').slice(0, 10)}`
  fingerprints.set(modelId, fingerprint)
  return fingerprint
}
