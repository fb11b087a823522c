import t from 'tap'
import type { EmbeddingRequest } from '../../../src/surfaces/openai/embeddings/request.ts'
import { checkDimensions, toEmbedRequest, toTokens } from '../../../src/workers-ai/request/embedding-request.ts'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import type { Model } from '../../../src/workers-ai/models/model.ts'

const BGE = CATALOGUE.get('@cf/baai/bge-base-en-v1.5')!
const M3 = CATALOGUE.get('@cf/baai/bge-m3')!
const GEMMA = CATALOGUE.get('@cf/google/embeddinggemma-300m')!
const QWEN = CATALOGUE.get('@cf/qwen/qwen3-embedding-0.6b')!
const PLAMO = CATALOGUE.get('@cf/pfnet/plamo-embedding-1b')!
const OPTIONS = { unsupportedParams: 'warn' as const, rejectIfBusy: false }

function translated (more: object, model: Model = BGE, options: object = {}) {
  const { batches, toBody, changes } = toEmbedRequest({ model: 'm', input: 'Hi', ...more } as EmbeddingRequest, model, { ...OPTIONS, ...options })
  return { bodies: batches.map((texts): unknown => JSON.parse(toBody(texts))), changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

t.test('a request becomes the native body', t => {
  const cases: Array<{ name: string, given: object, model?: Model, expected: object, changes?: string[] }> = [
    { name: 'a text', given: {}, expected: { text: ['Hi'] } },
    { name: 'a list', given: { input: ['a', 'b'] }, model: PLAMO, expected: { text: ['a', 'b'] } },
    { name: 'what is no business of the model', given: { encoding_format: 'base64', dimensions: 768, user: null }, expected: { text: ['Hi'] } },
    { name: 'a way to pool', given: { pooling: 'cls' }, expected: { text: ['Hi'], pooling: 'cls' } },
    { name: 'an instruction', given: { instruction: 'Find what answers this' }, model: QWEN, expected: { text: ['Hi'], instruction: 'Find what answers this' } },
    { name: 'a wish to have long texts cut', given: { truncate_inputs: true }, model: M3, expected: { text: ['Hi'], truncate_inputs: true } },
    { name: 'what this model does not take', given: { pooling: 'cls', user: 'u' }, model: GEMMA, expected: { text: ['Hi'] }, changes: ['pooling dropped', 'user dropped'] },
    { name: 'fewer dimensions', given: { dimensions: 256 }, model: QWEN, expected: { text: ['Hi'] }, changes: ['dimensions emulated'] },
    { name: 'half a pair of surrogates', given: { input: 'a\ud83d' }, expected: { text: ['a\ufffd'] } }
  ]
  for (const { name, given, model, expected, changes = [] } of cases) {
    const { bodies, ...rest } = translated(given, model)
    t.strictSame(bodies, [expected], name)
    t.strictSame(rest.changes, changes, `${name}, told`)
  }
  t.strictSame(translated({}, BGE, { rejectIfBusy: true }).bodies, [{ text: ['Hi'], options: { rejectIfBusy: true } }])
  t.throws(() => translated({ user: 'u' }, BGE, { unsupportedParams: 'reject' }), { status: 400, param: 'user', code: 'unsupported_parameter' })
  t.end()
})

t.test('many texts are as many calls as Cloudflare wants', t => {
  const cases = [[1, [1]], [100, [100]], [101, [100, 1]], [250, [100, 100, 50]], [2_048, [...Array.from({ length: 20 }, () => 100), 48]]] as const
  for (const [count, expected] of cases) {
    const input = Array.from({ length: count }, (_, index) => `text ${index}`)
    const { bodies } = translated({ input })
    t.strictSame((bodies as Array<{ text: string[] }>).map(({ text }) => text.length), expected, `${count} texts`)
    t.strictSame((bodies as Array<{ text: string[] }>).flatMap(({ text }) => text), input, 'in their order')
  }
  t.equal(toTokens(['12345678', '12345']), 4, 'four characters are taken for a token')
  t.end()
})

t.test('where a call shares its window, its texts fit it together', t => {
  const sizes = (input: string[], model = M3) => (translated({ input }, model).bodies as Array<{ text: string[] }>).map(({ text }) => text.length)
  t.strictSame(sizes(Array.from({ length: 100 }, () => 'a'.repeat(3_000))), [60, 40], 'a thousand tokens each, at the most')
  t.strictSame(sizes(Array.from({ length: 100 }, () => '字'.repeat(1_000))), [60, 40], 'whatever the script')
  t.strictSame(sizes(['a', 'b'.repeat(300_000), 'c', 'd']), [1, 1, 2], 'one that is too long by the guess goes alone')
  t.strictSame(sizes(Array.from({ length: 100 }, () => 'a'.repeat(3_000)), BGE), [100], 'elsewhere each has a window of its own')
  t.end()
})

t.test('an embedding is only cut where its model is trained for it', t => {
  const cases: Array<{ name: string, model: Model, given: number, expected?: object }> = [
    { name: 'as many as there are', model: M3, given: 1_024 },
    { name: 'as many as there are, of a model that cannot be cut', model: PLAMO, given: 2_048 },
    { name: 'any number, of qwen3', model: QWEN, given: 33 },
    { name: 'the least, of qwen3', model: QWEN, given: 32 },
    { name: 'a length gemma is trained for', model: GEMMA, given: 128 },
    { name: 'more than there are', model: QWEN, given: 1_025, expected: { status: 400, param: 'dimensions', code: 'integer_above_max_value', message: "Invalid 'dimensions': integer above maximum value. Expected a value <= 1024, but got 1025 instead." } },
    { name: 'fewer than qwen3 is trained for', model: QWEN, given: 31, expected: { status: 400, param: 'dimensions', code: 'unsupported_value', message: /have 1024, and it is trained for 32 or more beside/ } },
    { name: 'a length gemma is not trained for', model: GEMMA, given: 300, expected: { code: 'unsupported_value', message: /trained for 128, 256, 512 beside/ } },
    { name: 'fewer than bge has', model: BGE, given: 512, expected: { code: 'unsupported_value', message: /'dimensions' does not support 512 with the model '@cf\/baai\/bge-base-en-v1\.5'.*models that are: @cf\/google\/embeddinggemma-300m, @cf\/qwen\/qwen3-embedding-0\.6b/ } },
    { name: 'fewer than plamo has', model: PLAMO, given: 1_024, expected: { code: 'unsupported_value' } }
  ]
  for (const { name, model, given, expected } of cases) {
    const check = () => checkDimensions(given, model.dimensions ?? 0, model)
    if (expected) t.throws(check, expected as Error, name)
    else t.doesNotThrow(check, name)
  }
  const { dimensions: _, ...unknown } = BGE
  t.strictSame(translated({ dimensions: 5 }, unknown).changes, [], 'of a model whose length nobody knows, the answer will tell')
  t.end()
})
