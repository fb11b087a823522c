import type { Range } from './family.ts'

/**
 * What one kind of embedding model takes and returns beyond `{text}` and `{data}`, which all share.
 * Sources: the pages of Cloudflare's model documentation, and the authors' model cards for what a model is trained for.
 */
export interface EmbeddingFamily {
  /** All texts of a call share the context window; otherwise each has its own, as far as known. */
  sharesWindow?: true
  /** Native body fields that pass unchanged. */
  extras: readonly string[]
  /** Lengths to which an embedding may be cut, because the model was trained for it (Matryoshka); absent if it was not. */
  cuts?: { lengths: readonly number[] } | { range: Range }
}

/** The most texts of one native call; one more is refused with 5006. */
export const MAX_TEXTS = 100

const plain: EmbeddingFamily = { extras: [] }
const bge: EmbeddingFamily = { extras: ['pooling'] }

const FAMILIES: ReadonlyMap<string, EmbeddingFamily> = new Map<string, EmbeddingFamily>([
  ['@cf/baai/bge-small-en-v1.5', bge],
  ['@cf/baai/bge-base-en-v1.5', bge],
  ['@cf/baai/bge-large-en-v1.5', bge],
  ['@cf/baai/bge-m3', { extras: ['truncate_inputs'], sharesWindow: true }],
  ['@cf/google/embeddinggemma-300m', { extras: [], cuts: { lengths: [128, 256, 512] } }],
  ['@cf/qwen/qwen3-embedding-0.6b', { extras: ['instruction'], cuts: { range: [32, 1_024] } }],
  ['@cf/pfnet/plamo-embedding-1b', plain]
])

/** The record of an embedding model; for an unknown one, what all have in common. */
export function toEmbeddingFamily (id: string): EmbeddingFamily {
  return FAMILIES.get(id) ?? plain
}
