import { createHash } from 'node:crypto'
import { CATALOGUE } from '../workers-ai/models/catalogue.ts'
import type { Family } from '../workers-ai/models/family.ts'
import type { Model, Price } from '../workers-ai/models/model.ts'
import { TASKS } from '../workers-ai/models/task.ts'
import { NativeError } from './errors.ts'

/** Query parameters of the model search; all optional. */
export interface ListingQuery {
  page?: string
  per_page?: string
  /** Exact name of a task, such as `Text Generation`. */
  task?: string
  /** Part of an id. */
  search?: string
  /** `true` lists models past their retirement, too. */
  include_deprecated?: string
}

const USUAL_PER_PAGE = 20

/** A page of the model search, in Cloudflare's envelope. `name` is the model's id; `id` is a uuid without use here. */
export function toListing ({ page, per_page: perPage, task, search = '', include_deprecated: deprecated }: ListingQuery, now: number): object {
  const found = [...CATALOGUE.values()]
    .filter(model => deprecated === 'true' || !isRetired(model, now))
    .filter(model => task === undefined || toListedName(model) === task)
    .filter(({ id }) => id.toLowerCase().includes(search.toLowerCase()))
  const size = toCount(perPage, USUAL_PER_PAGE)
  const number = toCount(page, 1)
  const result = found.slice((number - 1) * size, number * size).map(toRow)
  return {
    success: true,
    result,
    errors: [],
    messages: [],
    result_info: {
      page: number,
      per_page: size,
      count: result.length,
      total_count: found.length,
      total_pages: Math.ceil(found.length / size)
    }
  }
}

/** The JSON Schemas of a model's input and output, in Cloudflare's envelope. Throws 5007 for an unknown model. */
export function toSchemas (id = ''): object {
  const model = CATALOGUE.get(id)
  if (!model) throw new NativeError(5007, { message: `No such model ${id} or task` })
  const result = model.task === 'text-embeddings' ? EMBEDDING_SCHEMAS : { input: toInputSchema(model.family), output: toOutputSchema(model.family) }
  return { success: true, result, errors: [], messages: [] }
}

/** Whether the last day of a model has come: Cloudflare lists it no more, and answers 5028 instead of running it. `now` in milliseconds. */
export function isRetired ({ retirement }: Model, now: number): boolean {
  return retirement !== undefined && Date.parse(retirement) <= now
}

function toCount (text: string | undefined, usual: number): number {
  const count = Math.trunc(Number(text))
  return count >= 1 ? count : usual
}

function toListedName ({ id, task }: Model): string {
  // Also a chat model.
  if (id === '@cf/qwen/qwen3.8-27b') return TASKS['text-generation'].listedAs[1]
  return TASKS[task === 'other' ? 'text-generation' : task].listedAs[0]
}

const TASK_DESCRIPTIONS: Record<string, string> = {
  'Text Generation': 'Family of generative text models, such as large language models (LLM), that can be adapted for a variety of natural language tasks.',
  'Text Embeddings': 'Feature extraction models transform raw data into numerical features that can be processed while preserving the information in the original dataset.',
  'Image-Text-to-Text': 'Models that take images and text and answer text.'
}

function toRow (model: Model): object {
  const task = toListedName(model)
  return {
    id: toUuid(model.id),
    source: 1,
    name: model.id,
    description: `${model.id.split('/').at(-1)} as the simulator plays it.`,
    task: { id: toUuid(task), name: task, description: TASK_DESCRIPTIONS[task] },
    created_at: '2025-01-01 00:00:00.000',
    tags: [],
    properties: toProperties(model)
  }
}

/** Every value but the price is a string, and what is not there is false or unknown. */
function toProperties (model: Model): object[] {
  const values = {
    context_window: model.contextWindow,
    price: toPrices(model.price),
    function_calling: model.tools,
    reasoning: model.reasoning,
    vision: model.vision,
    lora: model.lora,
    beta: model.beta,
    require_workers_paid: model.paidOnly,
    output_dimensions: model.dimensions,
    planned_deprecation_date: model.retirement
  }
  return Object.entries(values)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => ({ property_id: name, value: Array.isArray(value) ? value : String(value) }))
}

function toPrices (price: Price | undefined): object[] | undefined {
  if (!price) return undefined
  const units: Array<[unit: string, price: number | undefined]> = [
    ['per M input tokens', price.input],
    ['per M output tokens', price.output],
    ['per M cached input tokens', price.cachedInput]
  ]
  return units.filter(([, amount]) => amount !== undefined).map(([unit, amount]) => ({ unit, price: amount, currency: 'USD' }))
}

/** A uuid that is always the same for the same name. */
function toUuid (name: string): string {
  const hex = createHash('sha256').update(name).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-')
}

const EMBEDDING_SCHEMAS = {
  input: {
    type: 'object',
    properties: { text: { oneOf: [{ type: 'string', minLength: 1 }, { type: 'array', items: { type: 'string', minLength: 1 }, maxItems: 100 }] } },
    required: ['text']
  },
  output: {
    type: 'object',
    properties: { shape: { type: 'array', items: { type: 'number' } }, data: { type: 'array', items: { type: 'array', items: { type: 'number' } } } }
  }
}

const EXTRA_SCHEMAS: Record<string, object> = {
  raw: { type: 'boolean', default: false },
  lora: { type: 'string' },
  guided_json: { type: 'object' },
  logprobs: { type: 'boolean', default: false },
  top_logprobs: { type: 'integer', minimum: 0, maximum: 20 }
}

function toInputSchema ({ name: family, sampling, maxTokensName, content, extras, thinking }: Family): object {
  const shared = {
    ...Object.fromEntries(Object.entries(EXTRA_SCHEMAS).filter(([name]) => extras.includes(name))),
    ...(thinking.switch && { chat_template_kwargs: { type: 'object', properties: { [thinking.switch]: { type: 'boolean' } } } }),
    stream: { type: 'boolean', default: false },
    [maxTokensName]: { type: 'integer', ...(maxTokensName === 'max_tokens' && { default: 256 }) },
    ...Object.fromEntries(Object.entries(sampling).map(([name, [minimum, maximum]]) =>
      [name, { type: name === 'seed' || name === 'top_k' ? 'integer' : 'number', minimum: isRangeOf2023(name, maximum) ? 0 : minimum, maximum }]))
  }
  const said = content === 'string' ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'array', items: PART_SCHEMA }] }
  const messages = { type: 'array', items: { type: 'object', properties: { role: { type: 'string' }, content: said }, required: ['role', 'content'] } }
  return {
    type: 'object',
    oneOf: [
      { title: 'Prompt', properties: { prompt: { type: 'string', minLength: 1 }, ...shared }, required: ['prompt'] },
      { title: 'Messages', properties: { messages, ...shared }, required: ['messages'] },
      ...(family === 'gpt-oss' ? [RESPONSES_SCHEMA] : [])
    ]
  }
}

/** Cloudflare's schemas of that year let `top_p` be 0, which is never sent: newer ones do not. */
function isRangeOf2023 (name: string, maximum: number): boolean {
  return name === 'top_p' && maximum === 2
}

const PART_SCHEMA = {
  type: 'object',
  properties: { type: { type: 'string' }, text: { type: 'string' }, image_url: { type: 'object', properties: { url: { type: 'string', pattern: '^data:*' } } } }
}

const RESPONSES_SCHEMA = {
  title: 'Responses',
  properties: { input: { anyOf: [{ type: 'string' }, { type: 'array', items: {} }] }, reasoning: { type: 'object', properties: { effort: { enum: ['low', 'medium', 'high'] } } } },
  required: ['input']
}

function toOutputSchema ({ name, maxTokensName }: Family): object {
  const isOpenAi = maxTokensName === 'max_completion_tokens' || name === 'qwen3'
  const properties = isOpenAi
    ? { id: { type: 'string' }, object: { type: 'string' }, choices: { type: 'array', items: { type: 'object' } }, usage: { type: 'object' } }
    : { response: { type: 'string' }, tool_calls: { type: 'array', items: { type: 'object' } }, usage: { type: 'object' } }
  return { type: 'object', properties }
}
