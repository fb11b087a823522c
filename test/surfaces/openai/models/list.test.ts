import t from 'tap'
import { toModelDetails, toModelList, toModelObject } from '../../../../src/surfaces/openai/models/list.ts'
import { CATALOGUE } from '../../../../src/workers-ai/models/catalogue.ts'
import type { Model, ModelId } from '../../../../src/workers-ai/models/model.ts'
import { modelOf } from '../../../workers-ai/request/model-of.ts'

const LLAMA = CATALOGUE.get('@cf/meta/llama-3.3-70b-instruct-fp8-fast') as Model
const KIMI = CATALOGUE.get('@cf/moonshotai/kimi-k2.5') as Model
const BGE = CATALOGUE.get('@cf/baai/bge-m3') as Model

/** A model as it is listed, by another name where one is given. */
function listed (model: Model, name: string = model.id, isRetired = false) {
  return { name, model, isRetired }
}

t.test('a model has OpenAI\'s four keys, and the facts clients of many servers look for', t => {
  const cases: Array<{ name: string, given: Model, id?: string, expected: Record<string, unknown> }> = [
    {
      name: 'a chat model',
      given: LLAMA,
      expected: {
        id: LLAMA.id,
        object: 'model',
        created: 0,
        owned_by: 'meta',
        task: 'text-generation',
        context_length: 24_000,
        max_model_len: 24_000,
        capabilities: { tools: true, vision: false, reasoning: false, json: true, lora: false },
        pricing: { input: 0.293, output: 2.253, cached_input: null, unit: 'USD per million tokens' }
      }
    },
    { name: 'a model by another name', given: LLAMA, id: 'gpt-4o', expected: { ...toModelObject(listed(LLAMA)), id: 'gpt-4o', root: LLAMA.id } },
    {
      name: 'an embedding model',
      given: BGE,
      expected: { id: BGE.id, object: 'model', created: 0, owned_by: 'baai', task: 'text-embeddings', context_length: 60_000, max_model_len: 60_000, dimensions: 1_024, pricing: { input: 0.012, output: null, cached_input: null, unit: 'USD per million tokens' } }
    },
    {
      name: 'all that can be said',
      given: modelOf('openai', { id: '@cf/a/b' as ModelId, created: 1_760_000_000, maxOutputTokens: 5, beta: true, paidOnly: true, retirement: '2026-05-30' }),
      expected: { id: '@cf/a/b', object: 'model', created: 1_760_000_000, owned_by: 'a', task: 'text-generation', max_output_tokens: 5, capabilities: { tools: true, vision: false, reasoning: true, json: true, lora: true }, beta: true, requires_workers_paid: true, shutdown_date: '2026-05-30' }
    }
  ]
  for (const { name, given, id, expected } of cases) t.strictSame(toModelObject(listed(given, id)), expected, name)
  t.end()
})

t.test('a retired model says so, and who answers in its place', t => {
  t.match(toModelDetails(listed(KIMI, KIMI.id, true)), { shutdown_date: '2026-05-30', retired: true, successor: '@cf/moonshotai/kimi-k2.6' })
  const before = toModelDetails(listed(KIMI))
  t.match(before, { shutdown_date: '2026-05-30' })
  t.notOk('retired' in before || 'successor' in before)
  t.match(toModelDetails(listed(CATALOGUE.get('@cf/microsoft/phi-2') as Model, 'phi-2', true)), { retired: true, successor: null }, 'none where none can')
  t.end()
})

t.test('the list holds every model by every name it has', t => {
  const list = toModelList([listed(LLAMA, 'gpt-4o'), listed(KIMI, 'old', true), listed(LLAMA), listed(BGE)])
  t.equal(list.object, 'list')
  t.strictSame(list.data.map(({ id }) => id), ['gpt-4o', 'old', LLAMA.id, BGE.id])
  t.match(list.data[0], { root: LLAMA.id, context_length: 24_000 }, 'an alias tells what it stands for')
  t.match(list.data[1], { root: KIMI.id, owned_by: 'moonshotai', retired: true, successor: '@cf/moonshotai/kimi-k2.6' }, 'also of what another one answers for')
  t.ok(list.data.every(model => typeof model.id === 'string' && model.object === 'model' && Number.isInteger(model.created) && typeof model.owned_by === 'string'))
  t.strictSame(toModelList([]), { object: 'list', data: [] }, 'nothing is a list, too')
  t.end()
})

t.test('one model also tells how a request to it is translated', t => {
  const cases: Array<{ name: string, given: Model, expected: Record<string, unknown> }> = [
    {
      name: 'a classic model',
      given: LLAMA,
      expected: {
        family: 'classic-2025',
        content: 'string',
        developer_role: false,
        message_name: true,
        image: false,
        parameters: {
          temperature: { minimum: 0, maximum: 5 },
          top_p: { minimum: 0.001, maximum: 1 },
          top_k: { minimum: 1, maximum: 50 },
          seed: { minimum: 1, maximum: 9_999_999_999 },
          repetition_penalty: { minimum: 0, maximum: 2 },
          frequency_penalty: { minimum: -2, maximum: 2 },
          presence_penalty: { minimum: -2, maximum: 2 }
        },
        other_parameters: ['raw', 'lora'],
        max_tokens_name: 'max_tokens',
        native_stop: false,
        tools: 'native',
        tool_choice: false,
        forced_choice: 'advisory',
        tool_history: 'calls',
        tool_call_ids: 'any',
        structured_output: { json_object: 'native', json_schema: 'bare' },
        streams: { tools: true, json: false, arguments: false },
        thinking: { told: 'none', switch: null, efforts: [], is_default: false, is_mandatory: false },
        output: 'classic'
      }
    },
    {
      name: 'a model with no field for a schema or an object',
      given: modelOf('vision', { vision: true }),
      expected: { family: 'vision', content: 'parts', image: true, max_images: 1, tool_call_ids: 'alphanumeric-9', structured_output: { json_object: 'prompt', json_schema: 'prompt' } }
    },
    {
      name: 'a model that thinks',
      given: modelOf('kimi'),
      expected: { max_tokens_name: 'max_completion_tokens', tool_choice: true, forced_choice: 'named', structured_output: { json_object: 'native', json_schema: 'envelope' }, thinking: { told: 'reasoning_content', switch: 'thinking', efforts: ['none', 'high'], is_default: true, is_mandatory: false }, output: 'openai' }
    },
    { name: 'a model of a family that sees, which sees nothing', given: modelOf('openai'), expected: { content: 'parts', image: false } }
  ]
  for (const { name, given, expected } of cases) {
    const { workers_ai: record, ...facts } = toModelDetails(listed(given, 'gpt-4o'))
    t.match(record, expected, name)
    t.strictSame(facts, toModelObject(listed(given, 'gpt-4o')), 'beside all that the list tells')
  }
  t.strictSame(toModelDetails(listed(LLAMA))['workers_ai'], cases[0]?.expected, 'and nothing else')
  t.strictSame(toModelDetails(listed(BGE)), toModelObject(listed(BGE)), 'a model that does not chat has no such record')
  t.end()
})
