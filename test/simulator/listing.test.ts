import t from 'tap'
import { isRetired, toListing, toSchemas, type ListingQuery } from '../../src/simulator/listing.ts'
import { CATALOGUE } from '../../src/workers-ai/models/catalogue.ts'
import type { FamilyName } from '../../src/workers-ai/models/family.ts'
import { toFamilyName } from '../../src/workers-ai/models/model-schema.ts'
import { KIMI, LLAMA, NOW } from './asking.ts'

interface Row { id: string, name: string, task: { name: string }, properties: Array<{ property_id: string, value: unknown }> }
interface Listing { success: boolean, result: Row[], errors: unknown[], messages: unknown[], result_info: object }

function list (query: ListingQuery, now = NOW): Listing {
  return toListing(query, now) as Listing
}

t.test('a row has the id as its name, and values that are strings', async t => {
  const { result, success, errors, messages } = list({ search: 'kimi-k2.6' })
  t.strictSame({ success, errors, messages }, { success: true, errors: [], messages: [] })
  t.strictSame(result, [{
    id: '12943ebb-c977-4551-8df8-1ff28d4a7145',
    source: 1,
    name: KIMI,
    description: 'kimi-k2.6 as the simulator plays it.',
    task: {
      id: '987cbab3-a4d0-45cf-8d4f-bc58f823354e',
      name: 'Text Generation',
      description: 'Family of generative text models, such as large language models (LLM), that can be adapted for a variety of natural language tasks.'
    },
    created_at: '2025-01-01 00:00:00.000',
    tags: [],
    properties: [
      { property_id: 'context_window', value: '262144' },
      {
        property_id: 'price',
        value: [
          { unit: 'per M input tokens', price: 0.95, currency: 'USD' },
          { unit: 'per M output tokens', price: 4, currency: 'USD' },
          { unit: 'per M cached input tokens', price: 0.16, currency: 'USD' }
        ]
      },
      { property_id: 'function_calling', value: 'true' },
      { property_id: 'reasoning', value: 'true' },
      { property_id: 'vision', value: 'true' },
      { property_id: 'require_workers_paid', value: 'true' }
    ]
  }])
})

t.test('pages follow each other', async t => {
  const whole = list({ per_page: '1000' })
  const total = whole.result.length
  t.strictSame(whole.result_info, { page: 1, per_page: 1000, count: total, total_count: total, total_pages: 1 })
  const second = list({ page: '2', per_page: '10' })
  t.strictSame(second.result, whole.result.slice(10, 20))
  t.strictSame(second.result_info, { page: 2, per_page: 10, count: 10, total_count: total, total_pages: Math.ceil(total / 10) })
  t.strictSame(list({ page: '99' }).result, [], 'the page after the last is empty')
  t.equal(list({ page: 'x', per_page: '0' }).result.length, 20, 'a page that is no number is the first, of the usual size')
})

t.test('a task is searched by its name', async t => {
  t.ok(list({ task: 'Text Embeddings' }).result.every(({ name }) => CATALOGUE.get(name)?.task === 'text-embeddings'))
  t.strictSame(list({ task: 'Image-Text-to-Text' }).result.map(({ name }) => name), ['@cf/qwen/qwen3.8-27b'], 'one chat model has a task of its own')
  t.strictSame(list({ task: 'Nonsense' }).result, [])
})

t.test('retired models are listed only when asked for', async t => {
  const query = { search: 'kimi-k2.5' }
  t.strictSame(list(query).result, [])
  t.strictSame(list({ ...query, include_deprecated: 'true' }).result[0]?.properties.at(-1), { property_id: 'planned_deprecation_date', value: '2026-05-30' })
  t.equal(list(query, Date.UTC(2026, 4, 29)).result.length, 1, 'and before their day')
})

t.test('a model is retired from its day on', async t => {
  const kimi = CATALOGUE.get('@cf/moonshotai/kimi-k2.5')!
  t.strictSame([Date.UTC(2026, 4, 30) - 1, Date.UTC(2026, 4, 30)].map(now => isRetired(kimi, now)), [false, true])
  t.equal(isRetired(CATALOGUE.get(LLAMA)!, NOW), false)
})

t.test('schemas tell the ranges', async t => {
  const { result } = toSchemas(LLAMA) as { result: { input: { oneOf: Array<{ properties: object }> }, output: { properties: object } } }
  t.match(result.input.oneOf[1]?.properties, { messages: { type: 'array' }, max_tokens: { type: 'integer', default: 256 }, temperature: { minimum: 0, maximum: 5 }, top_k: { type: 'integer' } })
  t.match(result.output.properties, { response: { type: 'string' } })
  t.match(toSchemas(KIMI), { result: { output: { properties: { choices: { type: 'array' } } } } })
  t.match(toSchemas('@cf/baai/bge-m3'), { result: { input: { required: ['text'] } } })
  t.throws(() => toSchemas('@cf/no/model'), { code: 5007, message: 'No such model @cf/no/model or task' })
})

t.test('schemas tell as much of a family as those of Cloudflare do', async t => {
  const told: Partial<Record<FamilyName, FamilyName>> = {
    hermes: 'classic-2025',
    'r1-distill': 'classic-2025',
    qwen3: 'classic-2025',
    'sea-lion': 'classic-2025',
    qwq: 'guided',
    'llama-4': 'guided',
    granite: 'openai',
    'gemma-4': 'openai',
    'deepseek-v4': 'openai',
    'qwen3.8': 'openai',
    guard: 'classic'
  }
  for (const { id, family, task } of CATALOGUE.values()) {
    if (task === 'other') continue
    const { result } = toSchemas(id) as { result: { input: unknown } }
    // One that always thinks has no switch to be known by.
    const name = family.name === 'kimi' && family.thinking.switch === undefined ? 'openai' : told[family.name] ?? family.name
    t.equal(toFamilyName(result.input), task === 'text-embeddings' ? undefined : name, id)
  }
})
