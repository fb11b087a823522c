import t from 'tap'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import { FAMILIES } from '../../../src/workers-ai/models/family.ts'
import { isModelId } from '../../../src/workers-ai/models/resolve-model.ts'

t.test('every model of the catalogue is complete and plausible', t => {
  for (const [id, model] of CATALOGUE) {
    t.ok(isModelId(id) && model.id === id, `${id} may be put into a path`)
    t.ok(model.family.name in FAMILIES, `${id} has a known family`)
    t.ok(model.contextWindow === undefined || (Number.isInteger(model.contextWindow) && model.contextWindow >= 512), `${id} has a plausible window`)
    t.ok((model.maxOutputTokens ?? 0) <= (model.contextWindow ?? Infinity), `${id} cannot answer more than it can hold`)
    t.ok(Object.values(model.price ?? {}).every(price => price > 0 && price < 20), `${id} has plausible prices`)
    t.match(model.retirement ?? '2026-01-01', /^\d{4}-\d{2}-\d{2}$/, `${id} ends on a day, if it ends`)
  }
  t.end()
})

t.test('facts that translators build on', t => {
  const cases = [
    { name: 'the model of the examples', given: '@cf/meta/llama-3.3-70b-instruct-fp8-fast', expected: { task: 'text-generation', contextWindow: 24_000, tools: true, json: true, vision: false, family: { name: 'classic-2025' } } },
    { name: 'a model that sees', given: '@cf/meta/llama-3.2-11b-vision-instruct', expected: { vision: true, family: { content: 'parts' } } },
    { name: 'classic in, OpenAI-shaped out', given: '@cf/qwen/qwen3-30b-a3b-fp8', expected: { reasoning: true, family: { name: 'qwen3' } } },
    { name: 'a limit of its own', given: '@cf/openai/gpt-oss-120b', expected: { maxOutputTokens: 16_384, family: { name: 'gpt-oss' } } },
    { name: 'a model for paid plans', given: '@cf/moonshotai/kimi-k2.6', expected: { paidOnly: true, price: { cachedInput: 0.16 } } },
    { name: 'a retired model', given: '@cf/meta/llama-3.1-8b-instruct', expected: { retirement: '2026-05-30' } },
    { name: 'an embedding model', given: '@cf/baai/bge-m3', expected: { task: 'text-embeddings', dimensions: 1_024 } },
    { name: 'listed as text generation, but no chat model', given: '@cf/cloudflare/clef', expected: { task: 'other' } }
  ]
  for (const { name, given, expected } of cases) t.match(CATALOGUE.get(given), expected, name)
  t.end()
})

t.test('a successor is the nearest model of the same maker, and does what the retired one did', t => {
  const makers: Record<string, string> = { 'meta-llama': 'meta', mistralai: 'mistral' }
  const makerOf = (id: string) => {
    const [, author = '', name = ''] = id.split('/')
    return author === 'thebloke' ? (name.startsWith('llama') ? 'meta' : name.split('-')[0]) : makers[author] ?? author
  }
  for (const { id, retirement, successor, task, vision, tools, family } of CATALOGUE.values()) {
    if (successor === undefined) continue
    const next = CATALOGUE.get(successor)
    t.ok(retirement, `${id} is retired`)
    t.equal(next?.task, task, `${successor} is there`)
    t.equal(next?.retirement, undefined, `${successor} is served`)
    t.equal(makerOf(successor), makerOf(id), `${id} and ${successor} are of one maker`)
    t.ok(!vision || next?.vision, `${successor} sees what ${id} saw`)
    t.ok(!tools || next?.tools, `${successor} calls tools as ${id} did`)
    t.ok(family.thinking.isDefault || !next?.family.thinking.isDefault, `${successor} thinks unasked only where ${id} did`)
    t.ok(!family.takesPrompt || next?.family.takesPrompt, `${successor} goes on with a prompt`)
  }
  const cases = [
    ['@cf/meta/llama-3-8b-instruct', '@cf/meta/llama-3.1-8b-instruct-fp8-fast'],
    ['@cf/meta/llama-3-8b-instruct-awq', '@cf/meta/llama-3.1-8b-instruct-fp8-fast'],
    ['@cf/meta/llama-3.1-8b-instruct', '@cf/meta/llama-3.1-8b-instruct-fp8-fast'],
    ['@cf/meta/llama-3.1-8b-instruct-awq', '@cf/meta/llama-3.1-8b-instruct-fp8-fast'],
    ['@cf/meta/llama-3.1-70b-instruct', '@cf/meta/llama-3.1-70b-instruct-fp8-fast'],
    ['@cf/moonshotai/kimi-k2.5', '@cf/moonshotai/kimi-k2.6'],
    ['@cf/google/gemma-3-12b-it', '@cf/google/gemma-4-26b-a4b-it'],
    ['@cf/microsoft/phi-2', undefined],
    ['@cf/defog/sqlcoder-7b-2', undefined]
  ] as const
  for (const [given, expected] of cases) t.equal(CATALOGUE.get(given)?.successor, expected, given)
  t.end()
})
