import t from 'tap'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import type { Model } from '../../../src/workers-ai/models/model.ts'
import { isModelId, toModelId, toSuggestions, toVisionSuggestions } from '../../../src/workers-ai/models/resolve-model.ts'

const LLAMA = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'
const GPT = '@cf/openai/gpt-oss-20b'

t.test('a name leads to a model id', t => {
  const known = [LLAMA, GPT, '@cf/cloudflare/clef', '@cf/one/twin', '@cf/two/twin', '@cf/both/one', '@hf/both/one', '@hf/mistral/mistral-7b']
  const aliases = { 'gpt-4o-mini': LLAMA, short: 'gpt-oss-20b', 'meta/llama-3.3-70b-instruct-fp8-fast': GPT, gone: 'nowhere' }
  const cases = [
    { name: 'an id', given: LLAMA, expected: LLAMA },
    { name: 'an id nobody knows', given: '@cf/new/model-1.5_b', expected: '@cf/new/model-1.5_b' },
    { name: 'an id of the other host', given: '@hf/thebloke/x', expected: '@hf/thebloke/x' },
    { name: 'an alias', given: 'gpt-4o-mini', expected: LLAMA },
    { name: 'an alias of a bare name', given: 'short', expected: GPT },
    { name: 'an alias wins over a name', given: 'meta/llama-3.3-70b-instruct-fp8-fast', expected: GPT },
    { name: 'an alias of nothing', given: 'gone', expected: undefined },
    { name: 'an id without @cf/', given: 'openai/gpt-oss-20b', expected: GPT },
    { name: 'an id without @hf/', given: 'mistral/mistral-7b', expected: '@hf/mistral/mistral-7b' },
    { name: 'an id without its host, which both have', given: 'both/one', expected: '@cf/both/one' },
    { name: 'a bare name', given: 'gpt-oss-20b', expected: GPT },
    { name: 'a bare name two models bear', given: 'twin', expected: undefined },
    { name: 'a bare name both hosts bear', given: 'one', expected: undefined },
    { name: 'the end of a name', given: 'oss-20b', expected: undefined },
    { name: 'an id behind cloudflare/', given: `cloudflare/${LLAMA}`, expected: LLAMA },
    { name: 'a name behind workers-ai/', given: 'workers-ai/openai/gpt-oss-20b', expected: GPT },
    { name: 'a name that begins like a prefix', given: 'cloudflare/clef', expected: '@cf/cloudflare/clef' },
    { name: 'a name of the object prototype', given: 'constructor', expected: undefined },
    { name: 'another name', given: 'gpt-4o', expected: undefined },
    { name: 'nothing', given: '', expected: undefined }
  ]
  for (const { name, given, expected } of cases) t.equal(toModelId(given, { aliases, known }), expected, name)
  t.end()
})

t.test('the default model serves what nothing else does', t => {
  const known = [LLAMA, GPT]
  const cases = [
    { name: 'a name nobody knows', given: 'gpt-4o', defaultModel: LLAMA, expected: LLAMA },
    { name: 'a default without its @cf/', given: 'gpt-4o', defaultModel: 'gpt-oss-20b', expected: GPT },
    { name: 'a name somebody knows', given: 'gpt-oss-20b', defaultModel: LLAMA, expected: GPT },
    { name: 'a name that would leave the path', given: '@cf/../../secrets', defaultModel: LLAMA, expected: LLAMA },
    { name: 'a default nobody knows', given: 'gpt-4o', defaultModel: 'nowhere', expected: undefined }
  ]
  for (const { name, given, defaultModel, expected } of cases) t.equal(toModelId(given, { aliases: {}, defaultModel, known }), expected, name)
  t.end()
})

t.test('nothing but an id of the right form may be put into a path', t => {
  const cases = [
    { given: LLAMA, expected: true },
    { given: '@hf/a/b', expected: true },
    { given: '@cf/a.b/c_d-e.f', expected: true },
    { given: '@cf/a', expected: false },
    { given: '@cf/a/b/c', expected: false },
    { given: '@cf//b', expected: false },
    { given: '@cf/../b', expected: false },
    { given: '@cf/a/..', expected: false },
    { given: '@cf/a/.b', expected: false },
    { given: '@cf/a/b?x=1', expected: false },
    { given: '@cf/a/b#x', expected: false },
    { given: '@cf/a/b%2fc', expected: false },
    { given: '@cf/a/b c', expected: false },
    { given: '@cf/a/b\n', expected: false },
    { given: '@cf/a/é', expected: false },
    { given: ' @cf/a/b', expected: false },
    { given: '@CF/a/b', expected: false },
    { given: '@xy/a/b', expected: false },
    { given: 'cf/a/b', expected: false },
    { given: `@cf/a/${'b'.repeat(300)}`, expected: false },
    { given: '', expected: false }
  ]
  for (const { given, expected } of cases) t.equal(isModelId(given), expected, JSON.stringify(given))
  const foul = cases.filter(({ expected }) => !expected).map(({ given }) => given)
  for (const given of foul) t.equal(toModelId(given, { aliases: {}, known: [given] }), undefined, `${JSON.stringify(given)}, though it is listed`)
  t.end()
})

t.test('suggestions are the cheapest chat models with tools that anybody may run', t => {
  const suggestions = toSuggestions([...CATALOGUE.values()])
  t.equal(suggestions.length, 3)
  const models = suggestions.map(id => CATALOGUE.get(id) as Model)
  t.ok(models.every(model => model.task === 'text-generation' && model.tools && !model.paidOnly && model.retirement === undefined))
  const prices = models.map(model => model.price?.output ?? Infinity)
  t.strictSame(prices, [...prices].sort((one, other) => one - other), 'cheapest first')
  t.strictSame(toSuggestions([]), [], 'none of none')
  t.strictSame(toSuggestions([...CATALOGUE.values()], 'text-embeddings'), ['@cf/baai/bge-m3', '@cf/qwen/qwen3-embedding-0.6b', '@cf/pfnet/plamo-embedding-1b'], 'or the cheapest that embed')
  t.end()
})

t.test('suggestions for images are the cheapest that see them and that anybody may run', t => {
  const suggestions = toVisionSuggestions([...CATALOGUE.values()])
  t.equal(suggestions.length, 3)
  const models = suggestions.map(id => CATALOGUE.get(id) as Model)
  t.ok(models.every(model => model.vision && model.family.content === 'parts' && !model.paidOnly && model.retirement === undefined))
  const prices = models.map(model => model.price?.output ?? Infinity)
  t.strictSame(prices, [...prices].sort((one, other) => one - other), 'cheapest first')
  t.strictSame(toVisionSuggestions([]), [], 'none of none')
  t.end()
})
