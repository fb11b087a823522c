import { isLosslessNumber, LosslessNumber, parse, stringify } from 'lossless-json'
import { UpstreamError } from '../errors.ts'

/** What may be a number, in a string too: that costs a second parse and nothing else. */
const NUMBER = /(?:^|[[{:,\s])(-?\d[\d.eE+-]*)/g

/**
 * Reads JSON once more, its numbers as they are written: JavaScript has no more than 15 digits for certain, and writes
 * 1.10 as 1.1. Only those that it would write otherwise become objects, which `toExactText` knows.
 * @param json was parsed before
 * @returns undefined when no number in it would change
 */
export function parseExactly (json: string): unknown {
  if (!holdsChanging(json)) return undefined
  try {
    return parse(json, undefined, { parseNumber: toExact, onDuplicateKey: ({ newValue }) => newValue })
  } catch {
    // Nested more deeply than can be read here.
    return undefined
  }
}

/** A number as it was written, if `parseExactly` has kept that; else undefined. */
export function toDigits (value: unknown): string | undefined {
  return isLosslessNumber(value) ? value.toString() : undefined
}

/** A number, whether `parseExactly` has made an object of it or not; undefined for everything else. */
export function toNumber (value: unknown): number | undefined {
  if (isLosslessNumber(value)) return Number(value.toString())
  return typeof value === 'number' ? value : undefined
}

/**
 * JSON text of a value that came as JSON.
 * @throws UpstreamError 'malformed' when it is nested so deeply (some thousand levels) that it cannot be written
 */
export function toJsonText (value: unknown): string {
  return written(() => JSON.stringify(value))
}

/** The same of what `parseExactly` has read. */
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
