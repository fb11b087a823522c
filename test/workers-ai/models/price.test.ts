import t from 'tap'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import type { Model } from '../../../src/workers-ai/models/model.ts'
import { guessModel, toModels } from '../../../src/workers-ai/models/model-list.ts'
import { inMicroNeurons, toBill, toMicroNeurons, toRates, type BilledCall } from '../../../src/workers-ai/models/price.ts'

const LLAMA = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'
const GLM = '@cf/zai-org/glm-5.3-flash'
const APERTUS = '@cf/swiss-ai/apertus-v1.5-8b'

/** A model as Cloudflare lists it with this price. */
function listed (name: string, price: unknown, task = 'Text Generation'): Model {
  const [model] = toModels({ result: [{ name, task: { name: task }, properties: [{ property_id: 'price', value: price }] }] })
  if (model === undefined) throw new Error(`${name} is no model`)
  return model
}

function known (id: string): Model {
  const model = CATALOGUE.get(id)
  if (model === undefined) throw new Error(`${id} is not in the catalogue`)
  return model
}

function perMillion (input: unknown, output?: unknown, cached?: unknown): object[] {
  return [
    { unit: 'per M input tokens', price: input, currency: 'USD' },
    { unit: 'per M output tokens', price: output, currency: 'USD' },
    { unit: 'per M cached input tokens', price: cached, currency: 'USD' }
  ].filter(({ price }) => price !== undefined)
}

t.test('neurons per million tokens', t => {
  const cases: Array<{ name: string, model: Model, expected: ReturnType<typeof toRates> }> = [
    { name: 'are those that Cloudflare publishes', model: known(LLAMA), expected: { input: 26_668, output: 204_805, cachedInput: 26_668 } },
    { name: 'also when Cloudflare lists the same dollars', model: listed(LLAMA, perMillion(0.293, 2.253)), expected: { input: 26_668, output: 204_805, cachedInput: 26_668 } },
    { name: 'are made of other dollars that Cloudflare lists', model: listed(LLAMA, perMillion(0.5, 2.253)), expected: { input: 45_455, output: 204_805, cachedInput: 45_455 } },
    { name: 'are made of dollars where none are published', model: known('@cf/openai/gpt-oss-120b'), expected: { input: 31_818, output: 68_182, cachedInput: 31_818 } },
    { name: 'know the price of cached input', model: known(GLM), expected: { input: 13_636, output: 45_455, cachedInput: 2_727 } },
    { name: 'are those of a model nobody knew before', model: listed('@cf/new/model', perMillion(0.11, 1.1, 0.011)), expected: { input: 10_000, output: 100_000, cachedInput: 1_000 } },
    { name: 'are 0 for a model that is listed as free', model: listed('@cf/new/model', perMillion(0, 0)), expected: { input: 0, output: 0, cachedInput: 0 } },
    { name: 'of embeddings have an input alone', model: known('@cf/baai/bge-small-en-v1.5'), expected: { input: 1_841, output: 0, cachedInput: 1_841 } },
    { name: 'of embeddings Cloudflare lists', model: listed('@cf/new/embed', perMillion(0.22), 'Text Embeddings'), expected: { input: 20_000, output: 0, cachedInput: 20_000 } },
    { name: 'are unknown without a price', model: known(APERTUS), expected: undefined },
    { name: 'are unknown for a model that is guessed', model: guessModel('@cf/new/model' as Model['id']), expected: undefined },
    { name: 'are unknown when the output of a chat model has no price', model: listed('@cf/new/model', perMillion(1)), expected: undefined },
    { name: 'are unknown when the price counts something else', model: listed('@cf/new/model', [{ unit: 'per audio minute', price: 1, currency: 'USD' }]), expected: undefined },
    { name: 'come from the catalogue when the price is no number', model: listed(LLAMA, perMillion('0.5', '3')), expected: { input: 26_668, output: 204_805, cachedInput: 26_668 } },
    { name: 'come from the catalogue when the listed price cannot be', model: listed(LLAMA, perMillion(293_000, 2_253_000)), expected: { input: 26_668, output: 204_805, cachedInput: 26_668 } },
    { name: 'are unknown when the only price cannot be', model: listed('@cf/new/model', perMillion(-1, 1)), expected: undefined }
  ]
  for (const { name, model, expected } of cases) t.strictSame(toRates(model), expected, name)
  t.end()
})

t.test('every price of the catalogue makes whole micro-neurons', t => {
  for (const model of CATALOGUE.values()) {
    const rates = toRates(model)
    if (model.price === undefined) t.equal(rates, undefined, `${model.id} has none`)
    else t.ok(rates && Object.values(rates).every(Number.isSafeInteger), model.id)
    // Cloudflare rounds its dollars to a tenth of a cent.
    const { input = 0 } = model.price ?? {}
    t.ok(rates === undefined || Math.abs(rates.input * 0.011 / 1_000 - input) <= 0.02 * input, `${model.id} agrees with its dollars`)
  }
  t.end()
})

t.test('the bill of a call', t => {
  const usage = { promptTokens: 100, completionTokens: 10 }
  const cases: Array<{ name: string, id: string, call: BilledCall, expected: ReturnType<typeof toBill> }> = [
    { name: 'is what Cloudflare states', id: LLAMA, call: { neurons: 1.98, usage }, expected: { microNeurons: 1_980_000, source: 'billed' } },
    { name: 'is 0 when Cloudflare states that', id: LLAMA, call: { neurons: 0, usage }, expected: { microNeurons: 0, source: 'billed' } },
    { name: 'is stated also for a model without a price', id: APERTUS, call: { neurons: 0.1, usage }, expected: { microNeurons: 100_000, source: 'billed' } },
    { name: 'is computed from tokens', id: LLAMA, call: { usage }, expected: { microNeurons: 100 * 26_668 + 10 * 204_805, source: 'computed' } },
    { name: 'is computed when what is stated is no number', id: LLAMA, call: { neurons: NaN, usage }, expected: { microNeurons: 4_714_850, source: 'computed' } },
    { name: 'is computed when what is stated is below 0', id: LLAMA, call: { neurons: -1, usage }, expected: { microNeurons: 4_714_850, source: 'computed' } },
    { name: 'has cached input at its own price', id: GLM, call: { usage: { ...usage, cachedTokens: 60 } }, expected: { microNeurons: 40 * 13_636 + 60 * 2_727 + 10 * 45_455, source: 'computed' } },
    { name: 'has no more cached tokens than tokens', id: GLM, call: { usage: { ...usage, cachedTokens: 600 } }, expected: { microNeurons: 100 * 2_727 + 10 * 45_455, source: 'computed' } },
    { name: 'is estimated when the tokens are', id: LLAMA, call: { usage: { ...usage, estimated: true } }, expected: { microNeurons: 4_714_850, source: 'estimated' } },
    { name: 'is estimated when the answer was cut after its tokens were counted', id: LLAMA, call: { usage, isCut: true }, expected: { microNeurons: 4_714_850, source: 'estimated' } },
    { name: 'is estimated when the answer was cut after its neurons were stated', id: LLAMA, call: { neurons: 2, usage, isCut: true }, expected: { microNeurons: 2_000_000, source: 'estimated' } },
    { name: 'goes by the estimate where nothing was counted', id: LLAMA, call: { estimate: { ...usage, estimated: true } }, expected: { microNeurons: 4_714_850, source: 'estimated' } },
    { name: 'goes by what was counted beside an estimate', id: LLAMA, call: { usage, estimate: { promptTokens: 1, completionTokens: 1, estimated: true } }, expected: { microNeurons: 4_714_850, source: 'computed' } },
    { name: 'of embeddings', id: '@cf/baai/bge-m3', call: { usage: { promptTokens: 1_000, completionTokens: 0 } }, expected: { microNeurons: 1_091_000, source: 'computed' } },
    { name: 'is unknown without a price', id: APERTUS, call: { usage }, expected: { microNeurons: 0, source: 'unpriced' } },
    { name: 'is 0 when nothing is known of it', id: LLAMA, call: {}, expected: { microNeurons: 0, source: 'computed' } }
  ]
  for (const { name, id, call, expected } of cases) t.strictSame(toBill(known(id), call), expected, name)
  t.end()
})

t.test('micro-neurons add up exactly', t => {
  t.equal(inMicroNeurons(0.1) + inMicroNeurons(0.2), inMicroNeurons(0.3), 'floats would not')
  t.equal(inMicroNeurons(1.005), 1_005_000)
  const rates = { input: 3, cachedInput: 1, output: 7 }
  t.equal(toMicroNeurons(rates, { promptTokens: 5, completionTokens: 2, cachedTokens: 4 }), 1 * 3 + 4 * 1 + 2 * 7)
  t.end()
})
