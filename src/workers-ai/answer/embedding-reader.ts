import { UpstreamError } from '../../errors.ts'
import type { Usage } from '../../generation/event.ts'
import { isObject } from '../../json/is-object.ts'
import { errorIn } from '../transport/error-envelope.ts'
import { toNeurons } from '../transport/upstream-call.ts'
import { toUsage } from './generation-reader.ts'

/** The answers to one native call, in the order of its texts. */
export interface Embeddings {
  vectors: number[][]
  /** Absent if Cloudflare sends none, as for the bge models. */
  usage?: Usage
  /** Billed neurons, if the answer has them. */
  neurons?: number
}

interface NativeAnswer {
  result?: unknown
  data?: unknown
  shape?: unknown
  usage?: unknown
}

/**
 * Reads a native `{data, shape}`, in Cloudflare's envelope or without it. An answer must have one vector of finite
 * numbers for each text, all of one length. Any other is refused as a whole, because a caller could store a vector of
 * another text.
 * @param count number of texts that were sent
 * @throws UpstreamError `malformed`, or `refused` for a failure inside the answer
 */
export function readEmbeddings (answer: object, count: number): Embeddings {
  const outer = answer as NativeAnswer
  const native = isObject(outer.result) ? outer.result as NativeAnswer : outer
  const failure = errorIn(outer) ?? errorIn(native)
  if (failure) throw new UpstreamError(failure.message, { kind: 'refused', status: 200, code: failure.code })
  const { data, shape } = native
  if (!Array.isArray(data)) throw malformed('JSON that holds no embeddings')
  if (data.length !== count) throw malformed(`${data.length} embeddings for ${count} texts`)
  const vectors = data.map(toVector)
  const length = sameLength(vectors)
  if (Array.isArray(shape) && (shape[0] !== count || shape[1] !== length)) {
    throw malformed(`embeddings of another shape than it says: ${count} of ${length} numbers`)
  }
  const usage = toUsage(native.usage)
  const neurons = isObject(native.usage) ? toNeurons(native.usage['neurons']) : undefined
  return { vectors, ...(usage && { usage }), ...(neurons !== undefined && { neurons }) }
}

/**
 * The common length of all vectors.
 * @throws UpstreamError `malformed` if they differ
 */
export function sameLength (vectors: readonly number[][]): number {
  const length = vectors[0]?.length ?? 0
  if (vectors.some(vector => vector.length !== length)) throw malformed('embeddings of different lengths')
  return length
}

function toVector (native: unknown): number[] {
  // JSON has no NaN and no infinity; they arrive as null or as strings. Clients read 32-bit floats.
  if (!Array.isArray(native) || native.length === 0 || !native.every(value => typeof value === 'number' && Number.isFinite(Math.fround(value)))) {
    throw malformed('an embedding that is no list of numbers')
  }
  return native as number[]
}

function malformed (what: string): UpstreamError {
  return new UpstreamError(`Cloudflare answered with ${what}`, { kind: 'malformed' })
}
