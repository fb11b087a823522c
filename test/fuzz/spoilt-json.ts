import fc from 'fast-check'
import { GPT_OSS, KIMI, LLAMA, MISTRAL } from '../servers/start-proxy.ts'

const weather = { type: 'function', function: { name: 'get_weather', description: 'x', parameters: { type: 'object', properties: { city: { type: ['string', 'null'], description: 'x' }, days: { $ref: '#/$defs/days' } }, required: ['city'], $defs: { days: { type: 'integer', minimum: 1 } } } } }
const png = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** Bodies that are served, with as many members as there are. */
export const VALID: Record<string, object[]> = {
  '/v1/chat/completions': [LLAMA, MISTRAL, KIMI, GPT_OSS].flatMap(model => [
    {
      model,
      messages: [{ role: 'system', content: 'x' }, { role: 'user', content: [{ type: 'text', text: 'say hi' }], name: 'y' }],
      stream: true,
      stream_options: { include_usage: true },
      n: 1,
      temperature: 0.5,
      top_p: 0.5,
      max_tokens: 10,
      stop: ['a', 'b'],
      seed: 1,
      presence_penalty: 0,
      frequency_penalty: 0,
      logit_bias: { 1: 1 },
      user: 'x',
      metadata: { a: 'b' },
      prompt_cache_key: 'x',
      reasoning_effort: 'low'
    },
    {
      model,
      messages: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"x"}' } }] },
        { role: 'tool', tool_call_id: 'call_1', content: 'x' }
      ],
      tools: [weather],
      tool_choice: 'auto',
      parallel_tool_calls: false
    },
    { model, messages: [{ role: 'user', content: 'x' }], functions: [weather.function], function_call: { name: 'get_weather' } },
    { model, messages: [{ role: 'developer', content: 'x' }, { role: 'user', content: 'x' }], response_format: { type: 'json_schema', json_schema: { name: 's', schema: weather.function.parameters } } },
    { model: MISTRAL, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: png, detail: 'low' } }, { type: 'file', file: { filename: 'a.txt', file_data: 'data:text/plain;base64,aGk=' } }] }] }
  ]),
  '/v1/completions': [{ model: LLAMA, prompt: ['say hi', 'x'], max_tokens: 5, stream: true, n: 1, echo: true, best_of: 1, logprobs: 0, stop: 'x', suffix: '', temperature: 1, user: 'x' }],
  '/v1/embeddings': [{ model: '@cf/baai/bge-m3', input: ['x', 'y'], encoding_format: 'float', user: 'x' }, { model: '@cf/baai/bge-m3', input: 'x', encoding_format: 'base64' }],
  '/v1/responses': [
    {
      model: LLAMA,
      input: [{ role: 'user', content: [{ type: 'input_text', text: 'say hi' }] }, { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }, { type: 'function_call_output', call_id: 'c', output: 'x' }],
      instructions: 'x',
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} } }],
      tool_choice: 'auto',
      stream: false,
      store: true,
      temperature: 1,
      max_output_tokens: 16,
      metadata: { a: 'b' },
      text: { format: { type: 'text' } },
      reasoning: { effort: 'low' },
      truncation: 'auto',
      include: []
    },
    { model: KIMI, input: 'say hi', stream: true }
  ],
  '/v1/messages': [LLAMA, MISTRAL, KIMI].flatMap(model => [
    {
      model,
      max_tokens: 50,
      system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral' } }],
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'look' }] },
        { role: 'assistant', content: [{ type: 'thinking', thinking: 'x', signature: 'y' }, { type: 'tool_use', id: 'toolu_1', name: 'look', input: { a: 1 } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'x' }], is_error: false }, { type: 'text', text: 'say hi' }] },
        { role: 'system', content: 'y' },
        { role: 'user', content: [{ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' }, title: 'y' }, { type: 'search_result', source: 'x', title: 'y', content: [{ type: 'text', text: 'z' }] }] }
      ],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      stop_sequences: ['x'],
      metadata: { user_id: 'x' },
      tools: [{ name: 'look', description: 'x', input_schema: { type: 'object', properties: { a: { type: 'integer' } } }, strict: true }, { type: 'bash_20250124', name: 'bash' }],
      tool_choice: { type: 'auto', disable_parallel_tool_use: true },
      thinking: { type: 'enabled', budget_tokens: 1_024 },
      output_config: { effort: 'low' },
      context_management: { edits: [] }
    },
    { model, max_tokens: 50, messages: [{ role: 'user', content: 'say hi' }], stream: true, output_config: { format: { type: 'json_schema', schema: { type: 'object', properties: { a: { type: 'string' } } } } } }
  ]),
  '/v1/messages/count_tokens': [{ model: LLAMA, system: 'x', messages: [{ role: 'user', content: 'say hi' }], tools: [{ name: 'look', input_schema: { type: 'object' } }] }]
}

/** Values that have broken somebody's server. */
const odd = fc.constantFrom<unknown>(
  null, true, false, 0, -0, -1, 1, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, 1.5, '', ' ', 'x', '0', 'null', '\u0000', '\ud800', '\u2028', '{', '{}', '[]', '__proto__', 'constructor', 'toString',
  'a'.repeat(5_000), [], {}, [[]], [null], [{}], { length: 1 }, { toString: 1 }, { type: 'object' }, { type: 'function' }, { role: 'user' }, { $ref: '#' }, { $ref: 'http://127.0.0.1:9/x' }, { pattern: '(' }, { type: 'nothing' },
  'system', 'user', 'assistant', 'tool', 'function', 'developer', 'auto', 'required', 'none', 'json_object', 'json_schema', 'text', LLAMA, MISTRAL, '@cf/baai/bge-m3', '@cf/x/y', 'gpt-4o', '../../x', png, 'data:,', 'http://127.0.0.1:9/'
)
const anything = fc.oneof({ weight: 4, arbitrary: odd }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) })

/** One change at a place that is found by walking down as these numbers say. */
const change = fc.record({ path: fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 7 }), kind: fc.constantFrom('replace', 'remove', 'add', 'double'), value: anything, name: fc.oneof(fc.constantFrom('type', 'content', 'name', 'role', 'stream', 'schema', 'strict', 'enum', 'items', 'parameters', 'constructor', 'length', 'id'), fc.string({ maxLength: 10 })) })
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

function changed (body: object, changes: readonly Change[]): unknown {
  const copy = structuredClone(body) as Record<string, unknown>
  for (const { path, kind, value, name } of changes) {
    let holder: Record<string, unknown> = copy
    let key = ''
    for (const step of path) {
      const keys = Object.keys(holder)
      if (keys.length === 0) break
      key = keys[step % keys.length] as string
      const next = holder[key]
      if (typeof next !== 'object' || next === null || step % 5 === 0) break
      if (step !== path.at(-1)) holder = next as Record<string, unknown>
    }
    if (kind === 'replace') set(holder, key, structuredClone(value))
    else if (kind === 'remove') Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key]
    else if (kind === 'double' && Array.isArray(holder)) holder.push(structuredClone(holder[Number(key)]))
    else set(holder, Array.isArray(holder) ? String(holder.length) : name, structuredClone(value))
  }
  return copy
}

function set (holder: object, key: string, value: unknown): void {
  if (Array.isArray(holder) && key === 'length') return
  Object.defineProperty(holder, key, { value, enumerable: true, writable: true, configurable: true })
}

const path = fc.constantFrom('/v1/chat/completions', '/v1/chat/completions', '/v1/chat/completions', ...Object.keys(VALID))

/** A request to one of the endpoints, with a few changes to a body that is served, or with another one. */
export const spoiltRequest = path.chain(one => fc.oneof(
  { weight: 6, arbitrary: fc.record({ path: fc.constant(one), body: fc.tuple(fc.constantFrom(...VALID[one] ?? []), fc.array(change, { minLength: 1, maxLength: 4 })).map(([body, changes]) => changed(body, changes)) }) },
  { weight: 1, arbitrary: fc.record({ path: fc.constant(one), body: fc.jsonValue() as fc.Arbitrary<unknown> }) },
  { weight: 1, arbitrary: fc.record({ path: fc.constant(one), body: fc.dictionary(fc.constantFrom(...new Set((VALID[one] ?? []).flatMap(Object.keys))), anything).map(fields => ({ ...VALID[one]?.[0], ...fields })) as fc.Arbitrary<unknown> }) }
))
