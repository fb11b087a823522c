/** Consecutive characters that reveal a secret; a shorter secret is a placeholder. */
const TELLING_LENGTH = 8

/**
 * Removes secrets from a text: whole, any part of 8 characters or more, and both in base64, at any offset of the encoded text.
 * Cloudflare has no reason to quote credentials, but a server in between may echo a request. Masks that keep the first or
 * last characters keep too much.
 */
export function redactor (secrets: readonly string[]): (text: string) => string {
  let known: Known | undefined
  return text => {
    if (text.length < TELLING_LENGTH) return text
    known ??= toKnown(secrets)
    return without(known, text)
  }
}

interface Known {
  parts: ReadonlySet<string>
  /** The first two characters of all parts: they rule out almost every position of a text cheaply. */
  begins: Uint8Array
}

/** Small, because it is created for each request of callers with their own token. */
const BEGINS = 4_096

function toKnown (secrets: readonly string[]): Known {
  const parts = new Set(secrets.flatMap(toForms).flatMap(toParts))
  const begins = new Uint8Array(BEGINS)
  for (const part of parts) begins[toBegin(part, 0)] = 1
  return { parts, begins }
}

function toBegin (text: string, at: number): number {
  return (text.charCodeAt(at) << 5 ^ text.charCodeAt(at + 1)) % BEGINS
}

function without ({ parts, begins }: Known, text: string): string {
  const kept: string[] = []
  let from = 0
  for (let at = 0; at + TELLING_LENGTH <= text.length; at++) {
    if (begins[toBegin(text, at)] === 0 || !parts.has(text.slice(at, at + TELLING_LENGTH))) continue
    let end = at + TELLING_LENGTH
    while (parts.has(text.slice(end + 1 - TELLING_LENGTH, end + 1))) end++
    kept.push(text.slice(from, at))
    from = end
    at = end - 1
  }
  return kept.length === 0 ? text : [...kept, text.slice(from)].join('[redacted]')
}

/** A secret as it is, percent-encoded, and in base64 after none, one and two other bytes. */
function toForms (secret: string): string[] {
  if (secret.length < TELLING_LENGTH) return []
  const encoded = ['', ' ', '  '].map(before => Buffer.from(before + secret).toString('base64url').slice(before.length === 0 ? 0 : before.length + 1, -1))
  return [secret, encodeURIComponent(secret), ...encoded, ...encoded.map(form => form.replaceAll('-', '+').replaceAll('_', '/'))]
}

function toParts (form: string): string[] {
  return Array.from({ length: Math.max(0, form.length - TELLING_LENGTH + 1) }, (_, at) => form.slice(at, at + TELLING_LENGTH))
}
