import type { Usage } from '../../../generation/event.ts'
import type { EmbeddingList } from './wire.ts'
import type { EmbeddingRequest } from './request.ts'

const BYTES_PER_NUMBER = 4

/**
 * Converts vectors to OpenAI's list of embeddings, cut to the requested dimensions.
 * @param vectors one for each input, in order, all of one length
 */
export function toEmbeddingList (
  vectors: readonly number[][],
  usage: Usage,
  { model: name, dimensions, encoding_format: format }: EmbeddingRequest
): EmbeddingList {
  const data = vectors.map((vector, index) => {
    const numbers = dimensions == null ? vector : toLength(vector, dimensions)
    return { object: 'embedding' as const, index, embedding: format === 'base64' ? toBase64(numbers) : numbers }
  })
  return { object: 'list', data, model: name, usage: { prompt_tokens: usage.promptTokens, total_tokens: usage.promptTokens } }
}

/** The first numbers of a vector, normalized to length 1, which similarity measures expect. */
function toLength (vector: number[], dimensions: number): number[] {
  if (dimensions >= vector.length) return vector
  const cut = vector.slice(0, dimensions)
  const length = Math.hypot(...cut)
  return length === 0 ? cut : cut.map(value => value / length)
}

/** The default of OpenAI's SDKs: little-endian 32-bit floats. */
function toBase64 (vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * BYTES_PER_NUMBER)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * BYTES_PER_NUMBER)
  return bytes.toString('base64')
}
