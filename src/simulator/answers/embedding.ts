import { createHash } from 'node:crypto'
import { toEmbeddingFamily } from '../../workers-ai/models/embedding-family.ts'
import type { Model } from '../../workers-ai/models/model.ts'
import { NativeError, toBadInput } from '../errors.ts'
import { mismatch, required, tooShort } from '../validation/fault.ts'
import { estimateTokens } from './tokens.ts'

const MAX_TEXTS = 100
const USUAL_DIMENSIONS = 1024

/** The texts a body asks to embed, 1 to 100; throws 5006 for anything else. */
export function toTexts (body: unknown): string[] {
  const text = (body as { text?: unknown } | null)?.text
  if (text === undefined) throw toBadInput(required('', 'text'))
  const texts: unknown[] = [text].flat()
  if (!isTexts(texts)) throw toBadInput(`oneOf at '/text' not met, 0 matches: ${mismatch('/text', text, ['string'])}`)
  if (texts.length === 0 || texts.includes('')) throw toBadInput(`oneOf at '/text' not met, 0 matches: ${tooShort('/text')}`)
  if (texts.length > MAX_TEXTS) throw toBadInput(`oneOf at '/text' not met, 0 matches: Length of '/text' must be <= ${MAX_TEXTS}`)
  return texts
}

/**
 * Throws 3030 for texts that do not fit: all of a call together where the model's window is shared, else each by itself.
 * The old bge models cut what is too long.
 */
export function refuseLongTexts (texts: readonly string[], { id, contextWindow = Infinity }: Model, body: unknown): void {
  if ((body as { truncate_inputs?: unknown }).truncate_inputs === true) return
  const tokens = texts.map(estimateTokens)
  if (toEmbeddingFamily(id).sharesWindow) {
    const sum = tokens.reduce((one, other) => one + other, 0)
    if (sum > contextWindow) throw new NativeError(3030, { message: `AiError: AiError: Max context reached ${sum} tokens but model supports only ${contextWindow}` })
  } else if (!isBge(id)) {
    const longest = Math.max(...tokens)
    if (longest > contextWindow) throw new NativeError(3030, { message: `AiError: AiError: Sequence too long: ${longest} > ${contextWindow}` })
  }
}

function isBge (id: string): boolean {
  return id.startsWith('@cf/baai/')
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
  return { shape: [data.length, dimensions], data, ...(isBge(id) && { pooling: (body as { pooling?: string }).pooling ?? 'mean' }) }
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
