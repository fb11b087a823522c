import type { Usage } from '../../../generation/event.ts'
import type { EmbeddingList } from './wire.ts'
import type { EmbeddingRequest } from './request.ts'

const BYTES_PER_NUMBER = 4

/**
 * Tells vectors as OpenAI's list of embeddings, cut to the dimensions the request asks for.
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

/** The first numbers of a vector, brought to the length 1 that similarities are reckoned with. */
function toLength (vector: number[], dimensions: number): number[] {
  if (dimensions >= vector.length) return vector
  const cut = vector.slice(0, dimensions)
  const length = Math.hypot(...cut)
  return length === 0 ? cut : cut.map(value => value / length)
}

/** OpenAI's SDKs ask for this unless told otherwise: the numbers as 32-bit floats, the lowest byte first. */
function toBase64 (vector: readonly number[]): string {
  const bytes = Buffer.alloc(vector.length * BYTES_PER_NUMBER)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * BYTES_PER_NUMBER)
  return bytes.toString('base64')
}
