import { invalid, InvalidRequestError } from '../../errors.ts'
import type { Change } from '../../generation/change.ts'
import type { EmbeddingsRequest } from '../../generation/request.ts'
import { CATALOGUE } from '../models/catalogue.ts'
import { MAX_TEXTS, toEmbeddingFamily, type EmbeddingFamily } from '../models/embedding-family.ts'
import type { Model } from '../models/model.ts'
import { toExtras } from './other-parameters.ts'
import { toJson } from './native-json.ts'
import { refuseDropped, type RunRequestOptions } from './run-request.ts'
import { toTexts } from './text-inputs.ts'

/** A request for embeddings in native form. */
export interface EmbedRequest {
  /** The texts of each native call, in the order of the inputs. */
  batches: [string[], ...string[][]]
  /** JSON text of the native body of a call. */
  toBody: (texts: readonly string[]) => string
  changes: Change[]
}

const TRANSLATED = new Set(['model', 'input', 'encoding_format', 'dimensions'])

/** As in Cloudflare's own estimate. */
const CHARACTERS_PER_TOKEN = 4

/** Fewer than any tokenizer in use needs for a token of ordinary text. */
const BYTES_PER_TOKEN = 3

/**
 * Translates a request for embeddings: as many native calls as its texts need.
 * @throws InvalidRequestError if something in it cannot be served, or if unsupported parameters are to be refused
 */
export function toEmbedRequest (request: EmbeddingsRequest, model: Model, options: Pick<RunRequestOptions, 'unsupportedParams' | 'rejectIfBusy'>): EmbedRequest {
  const changes: Change[] = []
  const texts = toTexts(request.input, 'input')
  const { dimensions } = request
  if (dimensions != null && model.dimensions !== undefined) {
    checkDimensions(dimensions, model.dimensions, model)
    if (dimensions !== model.dimensions) changes.push({ param: 'dimensions', action: 'emulated', from: dimensions, reason: `the ${model.dimensions} numbers of each embedding are cut, and normalized to length 1` })
  }
  const family = toEmbeddingFamily(model.id)
  const fields = {
    ...toExtras(request, TRANSLATED, family.extras, changes),
    ...(options.rejectIfBusy && { options: { rejectIfBusy: true } })
  }
  if (options.unsupportedParams === 'reject') refuseDropped(changes)
  const window = family.sharesWindow ? model.contextWindow : undefined
  return { batches: toBatches(texts, window), toBody: text => toJson({ text, ...fields }), changes }
}

/** Estimated tokens of texts, for an upstream that does not count. */
export function toTokens (texts: readonly string[]): number {
  return Math.ceil(texts.reduce((sum, { length }) => sum + length, 0) / CHARACTERS_PER_TOKEN)
}

/**
 * Divides texts into calls of at most 100 texts, whose tokens together fit the window. A text that is too long by the
 * estimate gets a call of its own.
 */
function toBatches ([first, ...rest]: readonly [string, ...string[]], window = Infinity): [string[], ...string[][]] {
  let batch = [first]
  const batches: [string[], ...string[][]] = [batch]
  let tokens = toMostTokens(first)
  for (const text of rest) {
    const more = toMostTokens(text)
    if (batch.length === MAX_TEXTS || tokens + more > window) {
      batch = []
      batches.push(batch)
      tokens = 0
    }
    batch.push(text)
    tokens += more
  }
  return batches
}

function toMostTokens (text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)
}

/**
 * Checks that the model's embeddings can be cut to this many dimensions.
 * @param length of the model's own embeddings
 * @throws InvalidRequestError if they are shorter, or if the model is not trained for this length
 */
export function checkDimensions (dimensions: number, length: number, { id }: Model): void {
  if (dimensions === length) return
  if (dimensions > length) {
    throw invalid('dimensions', `integer above maximum value. Expected a value <= ${length}, but got ${dimensions} instead.`, 'integer_above_max_value')
  }
  const { cuts } = toEmbeddingFamily(id)
  if (cuts !== undefined && isCut(dimensions, cuts)) return
  const help = cuts === undefined
    ? `it is trained for no fewer; models that are: ${cuttable().join(', ')}`
    : `it is trained for ${'range' in cuts ? `${cuts.range[0]} or more` : cuts.lengths.join(', ')} beside`
  throw new InvalidRequestError(name => `Unsupported value: '${name}' does not support ${dimensions} with the model '${id}'. Its embeddings have ${length}, and ${help}.`, { param: 'dimensions', code: 'unsupported_value' })
}

function isCut (dimensions: number, cuts: NonNullable<EmbeddingFamily['cuts']>): boolean {
  return 'range' in cuts ? dimensions >= cuts.range[0] && dimensions <= cuts.range[1] : cuts.lengths.includes(dimensions)
}

function cuttable (): string[] {
  return [...CATALOGUE.values()].filter(({ id }) => toEmbeddingFamily(id).cuts !== undefined).map(({ id }) => id)
}
