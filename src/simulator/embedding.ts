import { createHash } from 'node:crypto'
import type { Model } from '../workers-ai/model.ts'
import { toBadInput } from './errors.ts'
import { mismatch, required, tooShort } from './fault.ts'

const MOST_TEXTS = 100
const USUAL_DIMENSIONS = 1024

/** The texts a body asks to embed, 1 to 100; throws 5006 for anything else. */
export function toTexts (body: unknown): string[] {
  const text = (body as { text?: unknown } | null)?.text
  if (text === undefined) throw toBadInput(required('', 'text'))
  const texts: unknown[] = [text].flat()
  if (!isTexts(texts)) throw toBadInput(`oneOf at '/text' not met, 0 matches: ${mismatch('/text', text, ['string'])}`)
  if (texts.length === 0 || texts.includes('')) throw toBadInput(`oneOf at '/text' not met, 0 matches: ${tooShort('/text')}`)
  if (texts.length > MOST_TEXTS) throw toBadInput(`oneOf at '/text' not met, 0 matches: Length of '/text' must be <= ${MOST_TEXTS}`)
  return texts
}

function isTexts (texts: unknown[]): texts is string[] {
  return texts.every(text => typeof text === 'string')
}

/**
 * What stands in `result` for these texts: one vector of length 1 for each, the same for the same text.
 * Texts that share words point in similar directions, so that a search over them finds something.
 */
export function toEmbeddings (texts: string[], { id, dimensions = USUAL_DIMENSIONS }: Model, body: unknown): object {
  const data = texts.map(text => toVector(text, dimensions))
  const isBge = id.startsWith('@cf/baai/')
  return { shape: [data.length, dimensions], data, ...(isBge && { pooling: (body as { pooling?: string }).pooling ?? 'mean' }) }
}

function toVector (text: string, dimensions: number): number[] {
  const sum = new Float64Array(dimensions)
  const words = text.toLowerCase().match(/[\p{L}\d]+/gu) ?? [text]
  for (const word of words) {
    const random = toRandom(word)
    for (let index = 0; index < dimensions; index++) sum[index] = (sum[index] ?? 0) + random()
  }
  const length = Math.hypot(...sum)
  return Array.from(sum, value => Number((value / length).toFixed(8)))
}

/** Numbers between -1 and 1 that depend on the seed alone (the mulberry32 generator). */
function toRandom (seed: string): () => number {
  let state = createHash('sha256').update(seed).digest().readUInt32LE()
  return () => {
    state = state + 0x6D2B79F5 | 0
    let mixed = Math.imul(state ^ state >>> 15, 1 | state)
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed
    return ((mixed ^ mixed >>> 14) >>> 0) / 2_147_483_648 - 1
  }
}
