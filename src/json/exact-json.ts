import { isLosslessNumber, LosslessNumber, parse, stringify } from 'lossless-json'
import { UpstreamError } from '../errors.ts'

/** Matches possible numbers, also inside strings: a false match only costs a second parse. */
const NUMBER = /(?:^|[[{:,\s])(-?\d[\d.eE+-]*)/g

/**
 * Parses JSON again with its numbers as they are written: JavaScript is exact only up to 15 digits, and writes 1.10 as 1.1.
 * Numbers that it would write differently become objects, which `toExactText` serializes.
 * @param json valid JSON
 * @returns undefined if no number in it would change
 */
export function parseExactly (json: string): unknown {
  if (!holdsChanging(json)) return undefined
  try {
    return parse(json, undefined, { parseNumber: toExact, onDuplicateKey: ({ newValue }) => newValue })
  } catch {
    // Nested too deeply to be parsed here.
    return undefined
  }
}

/** The text of a number that `parseExactly` has kept; otherwise undefined. */
export function toDigits (value: unknown): string | undefined {
  return isLosslessNumber(value) ? value.toString() : undefined
}

/** The number of a value, also if `parseExactly` has made an object of it; undefined for other values. */
export function toNumber (value: unknown): number | undefined {
  if (isLosslessNumber(value)) return Number(value.toString())
  return typeof value === 'number' ? value : undefined
}

/**
 * JSON text of a parsed value.
 * @throws UpstreamError 'malformed' if it is nested too deeply to be serialized (some thousand levels)
 */
export function toJsonText (value: unknown): string {
  return written(() => JSON.stringify(value))
}

/** The same for a result of `parseExactly`. */
export function toExactJsonText (value: unknown): string {
  return written(() => stringify(value) as string)
}

function written (write: () => string): string {
  try {
    return write()
  } catch (cause) {
    throw new UpstreamError('Cloudflare sent JSON that is nested too deeply', { kind: 'malformed', cause })
  }
}

function holdsChanging (json: string): boolean {
  for (const [, digits = ''] of json.matchAll(NUMBER)) if (String(Number(digits)) !== digits) return true
  return false
}

function toExact (digits: string): unknown {
  const number = Number(digits)
  return String(number) === digits ? number : new LosslessNumber(digits)
}
