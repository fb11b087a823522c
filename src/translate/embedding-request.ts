import { InvalidRequestError } from '../errors.ts'
import type { Change } from '../generation/change.ts'
import type { EmbeddingRequest } from '../openai/embedding-request.ts'
import { CATALOGUE } from '../workers-ai/catalogue.ts'
import { MAX_TEXTS, toEmbeddingFamily, type EmbeddingFamily } from '../workers-ai/embedding-family.ts'
import type { Model } from '../workers-ai/model.ts'
import { toExtras } from './other-parameters.ts'
import { toJson } from './prompt-json.ts'
import { refuseDropped, type RunRequestOptions } from './run-request.ts'
import { toTexts } from './texts.ts'

/** A request for embeddings in Workers AI's words. */
export interface EmbedRequest {
  /** The native calls, in the order of the inputs. */
  calls: [NativeCall, ...NativeCall[]]
  changes: Change[]
}

interface NativeCall {
  /** JSON text of the native body. */
  body: string
  /** How many texts are in it. */
  count: number
  /** Guess of their tokens, for an upstream that does not count. */
  promptTokens: number
}

const TRANSLATED = new Set(['model', 'input', 'encoding_format', 'dimensions'])

/** What Cloudflare's own estimate assumes. */
const CHARACTERS_PER_TOKEN = 4

/**
 * Translates a request for embeddings: as many native calls as its texts need.
 * @throws InvalidRequestError when something in it cannot be served, or when parameters that are not taken are refused
 */
export function toEmbedRequest (request: EmbeddingRequest, model: Model, options: Pick<RunRequestOptions, 'unsupportedParams' | 'rejectIfBusy'>): EmbedRequest {
  const changes: Change[] = []
  const texts = toTexts(request.input, 'input')
  const { dimensions } = request
  if (dimensions != null && model.dimensions !== undefined) {
    checkDimensions(dimensions, model.dimensions, model)
    if (dimensions !== model.dimensions) changes.push({ param: 'dimensions', action: 'emulated', from: dimensions, reason: `the ${model.dimensions} numbers of each embedding are cut, and brought back to the length 1` })
  }
  const fields = {
    ...toExtras(request, TRANSLATED, toEmbeddingFamily(model.id).extras, changes),
    ...(options.rejectIfBusy && { options: { rejectIfBusy: true } })
  }
  if (options.unsupportedParams === 'reject') refuseDropped(changes)
  const toCall = (from: number): NativeCall => {
    const text = texts.slice(from, from + MAX_TEXTS)
    return { body: toJson({ text, ...fields }), count: text.length, promptTokens: toTokens(text) }
  }
  const others = Array.from({ length: Math.ceil(texts.length / MAX_TEXTS) - 1 }, (_, index) => toCall((index + 1) * MAX_TEXTS))
  return { calls: [toCall(0), ...others], changes }
}

/**
 * Checks that embeddings of one length can be told with so many dimensions.
 * @param length of the model's own embeddings
 * @throws InvalidRequestError when there are not as many, or when the model is not trained to have them cut there
 */
export function checkDimensions (dimensions: number, length: number, { id }: Model): void {
  if (dimensions === length) return
  if (dimensions > length) {
    throw new InvalidRequestError(`Invalid 'dimensions': integer above maximum value. Expected a value <= ${length}, but got ${dimensions} instead.`, { param: 'dimensions', code: 'integer_above_max_value' })
  }
  const { cuts } = toEmbeddingFamily(id)
  if (cuts !== undefined && isCut(dimensions, cuts)) return
  const help = cuts === undefined
    ? `it is trained for no fewer; models that are: ${cuttable().join(', ')}`
    : `it is trained for ${'range' in cuts ? `${cuts.range[0]} or more` : cuts.lengths.join(', ')} beside`
  throw new InvalidRequestError(`Unsupported value: 'dimensions' does not support ${dimensions} with the model '${id}'. Its embeddings have ${length}, and ${help}.`, { param: 'dimensions', code: 'unsupported_value' })
}

function isCut (dimensions: number, cuts: NonNullable<EmbeddingFamily['cuts']>): boolean {
  return 'range' in cuts ? dimensions >= cuts.range[0] && dimensions <= cuts.range[1] : cuts.lengths.includes(dimensions)
}

function cuttable (): string[] {
  return [...CATALOGUE.values()].filter(({ id }) => toEmbeddingFamily(id).cuts !== undefined).map(({ id }) => id)
}

function toTokens (texts: readonly string[]): number {
  return Math.ceil(texts.reduce((sum, { length }) => sum + length, 0) / CHARACTERS_PER_TOKEN)
}
