import fastify from 'fastify'
import t from 'tap'
import type { ValidationFailure } from '../../../../src/http/replies/caller-error.ts'
import { toInvalidRequest } from '../../../../src/surfaces/openai/validation-error.ts'
import { ChatCompletionRequest } from '../../../../src/surfaces/openai/chat-completions/request.ts'

const user = { role: 'user', content: 'hi' }
const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }
const tool = { type: 'function', function: { name: 'f' } }

// As src/app.ts sets it up: bodies reach the handler as they were sent, and the first failure is told.
const app = fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false, discriminator: true, allowUnionTypes: true } } })
app.post('/', { schema: { body: ChatCompletionRequest }, attachValidation: true }, request => {
  const failures = request.validationError?.validation as ValidationFailure[] | undefined
  if (failures === undefined) return { taken: request.body }
  const { message, param, code } = toInvalidRequest(failures, request.body)
  return { refused: { message, param, code } }
})
t.teardown(() => app.close())

/** What becomes of a body with `model` and `messages` and whatever is given. */
async function check (more: object): Promise<{ taken?: unknown, refused?: { message: string, param: string | null, code: string | null } }> {
  const payload = { model: 'm', messages: [user], ...more }
  const response = await app.inject({ method: 'POST', url: '/', payload })
  return response.json()
}

t.test('odd but valid bodies reach us as they were sent', async t => {
  const says = (...messages: object[]) => ({ messages })
  const cases: Array<{ name: string, given: object }> = [
    { name: 'nothing but the two that are needed', given: {} },
    { name: 'scalars of null', given: Object.fromEntries(['temperature', 'top_p', 'n', 'max_tokens', 'max_completion_tokens', 'seed', 'stop', 'stream', 'logprobs', 'top_logprobs', 'user', 'store', 'reasoning_effort', 'service_tier', 'top_k', 'parallel_tool_calls'].map(name => [name, null])) },
    { name: 'objects and lists of null', given: Object.fromEntries(['tools', 'functions', 'tool_choice', 'function_call', 'response_format', 'stream_options', 'metadata', 'logit_bias', 'modalities', 'audio', 'prediction'].map(name => [name, null])) },
    { name: 'members nobody knows', given: { zzz: { a: [1] }, chat_template_kwargs: { enable_thinking: false }, min_p: 0.1, constructor: 1 } },
    { name: 'content of null', given: says({ role: 'user', content: null }, { role: 'system', content: null }, { role: 'tool', content: null, tool_call_id: 'x' }) },
    { name: 'no content', given: says({ role: 'user' }, { role: 'developer' }, { role: 'assistant' }, { role: 'tool', tool_call_id: 'x' }) },
    { name: 'empty content', given: says({ role: 'user', content: '' }, { role: 'user', content: [] }) },
    { name: 'parts of every kind', given: says({ role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image_url', image_url: { url: 'data:,' } }, { type: 'image_url', image_url: { url: 'https://x', detail: null } }, { type: 'input_audio', input_audio: { data: '', format: 'wav' } }, { type: 'file', file: {} }] }) },
    { name: 'parts in the words of other APIs', given: says({ role: 'user', content: [{ type: 'input_text', text: 'a' }, { type: 'image_url', image_url: 'data:,' }, { type: 'input_image', image_url: 'data:,' }, { type: 'image', source: {} }, { type: 'input_file', file_data: '' }] }, { role: 'assistant', content: [{ type: 'output_text', text: 'a' }, { type: 'thinking', thinking: 'b' }] }, { role: 'tool', tool_call_id: 'x', content: [{ type: 'image_url', image_url: { url: 'data:,' } }] }) },
    { name: 'calls of custom tools', given: says({ role: 'assistant', tool_calls: [{ id: 'a', type: 'custom', custom: { name: 'f', input: 'x' } }] }) },
    { name: 'parts in every role', given: says({ role: 'system', content: [{ type: 'text', text: 'a' }] }, { role: 'developer', content: [{ type: 'text', text: 'a' }] }, { role: 'assistant', content: [{ type: 'text', text: 'a' }, { type: 'refusal', refusal: 'b' }] }, { role: 'tool', tool_call_id: 'x', content: [{ type: 'text', text: 'a' }] }) },
    { name: 'parts with members nobody knows', given: says({ role: 'user', content: [{ type: 'text', text: 'a', cache_control: { type: 'ephemeral' } }] }) },
    { name: 'messages with members nobody knows', given: says({ role: 'user', content: 'a', id: 7 }, { role: 'assistant', content: 'b', annotations: [], audio: null, tool_calls: null, function_call: null, refusal: null }) },
    { name: 'names', given: says({ role: 'user', content: 'a', name: 'Ada' }, { role: 'system', content: 'a', name: null }, { role: 'tool', content: 'a', name: 'f', tool_call_id: 'x' }) },
    { name: 'an assistant that called', given: says(user, { role: 'assistant', content: null, tool_calls: [call] }, { role: 'assistant', tool_calls: [] }) },
    { name: 'calls with an index, as streams have them', given: says({ role: 'assistant', tool_calls: [{ ...call, index: 0 }] }) },
    { name: 'arguments that do not parse', given: says({ role: 'assistant', tool_calls: [{ ...call, function: { name: 'f', arguments: '{"a":' } }] }) },
    { name: 'thinking that goes back', given: says({ role: 'assistant', content: 'a', reasoning_content: 'Hm', reasoning: null }) },
    { name: 'the deprecated forms', given: { messages: [{ role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } }, { role: 'function', name: 'f', content: null }], functions: [{ name: 'f', parameters: {} }], function_call: { name: 'f' } } },
    { name: 'a tool with nothing but a name', given: { tools: [tool] } },
    { name: 'a tool with nulls', given: { tools: [{ type: 'function', function: { name: 'f', description: null, parameters: null, strict: null } }] } },
    { name: 'a custom tool', given: { tools: [{ type: 'custom', custom: { name: 'f' } }, { type: 'custom', custom: { name: 'g', description: null, format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'x' } } } }], tool_choice: { type: 'custom', custom: { name: 'f' } } } },
    { name: 'no tools', given: { tools: [] } },
    { name: 'every choice of a tool', given: { tools: [tool], tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [tool] } } } },
    { name: 'numbers at their ends', given: { temperature: 2, top_p: 0, n: 128, presence_penalty: -2, frequency_penalty: 2, seed: -9_007_199_254_740_991, max_tokens: 1, top_logprobs: 20 } },
    { name: 'one stop sequence, and four', given: { stop: ['a', 'b', 'c', ''] } },
    { name: 'an empty stop sequence', given: { stop: '' } },
    { name: 'options of a stream without one', given: { stream: false, stream_options: { include_usage: true, include_obfuscation: null } } },
    { name: 'a format of each kind', given: { response_format: { type: 'json_schema', json_schema: { name: 'a-b_1', schema: null, strict: null, description: null } } } },
    { name: 'an effort nobody else knows', given: { reasoning_effort: 'xhigh' } },
    { name: 'metadata, also empty', given: { metadata: {}, logit_bias: { 50256: -100 } } },
    { name: 'what the SDKs send along', given: { store: true, user: 'u', safety_identifier: 's', prompt_cache_key: 'k', service_tier: 'auto', verbosity: 'low', modalities: ['text'], prediction: { type: 'content', content: 'x' }, web_search_options: {} } }
  ]
  for (const { name, given } of cases) t.strictSame(await check(given), { taken: { model: 'm', messages: [user], ...given } }, name)
})

t.test('other bodies are refused in OpenAI\'s words, the first fault first', async t => {
  const decimal = (param: string, got: string) => ({ message: `Invalid type for '${param}': expected a decimal, but got ${got} instead.`, param, code: 'invalid_type' })
  const integer = (param: string, got: string) => ({ message: `Invalid type for '${param}': expected an integer, but got ${got} instead.`, param, code: 'invalid_type' })
  const cases: Array<{ name: string, given: object, expected: { message: string, param: string | null, code: string | null } }> = [
    { name: 'the model before the rest', given: { model: null, messages: 7, n: 'x' }, expected: { message: 'you must provide a model parameter', param: null, code: null } },
    { name: 'the messages before the rest', given: { messages: {}, temperature: 'x' }, expected: { message: "Invalid type for 'messages': expected an array of objects, but got an object instead.", param: 'messages', code: 'invalid_type' } },
    { name: 'the second message', given: { messages: [user, { role: 'user', content: {} }] }, expected: { message: "Invalid type for 'messages[1].content': expected one of a string or array of objects, but got an object instead.", param: 'messages[1].content', code: 'invalid_type' } },
    { name: 'a role of null', given: { messages: [{ role: null }] }, expected: { message: "Invalid value: null. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", param: 'messages[0].role', code: 'invalid_value' } },
    { name: 'an image without an address', given: { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] }, expected: { message: "Missing required parameter: 'messages[0].content[0].image_url.url'.", param: 'messages[0].content[0].image_url.url', code: 'missing_required_parameter' } },
    { name: 'an image that is a list', given: { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: [] }] }] }, expected: { message: "Invalid type for 'messages[0].content[0].image_url': expected one of an object or string, but got an array instead.", param: 'messages[0].content[0].image_url', code: 'invalid_type' } },
    { name: 'a part without a type', given: { messages: [{ role: 'user', content: [{ text: 'a' }] }] }, expected: { message: "Missing required parameter: 'messages[0].content[0].type'.", param: 'messages[0].content[0].type', code: 'missing_required_parameter' } },
    { name: 'a call without an id', given: { messages: [{ role: 'assistant', tool_calls: [{ type: 'function', function: { name: 'f', arguments: '' } }] }] }, expected: { message: "Missing required parameter: 'messages[0].tool_calls[0].id'.", param: 'messages[0].tool_calls[0].id', code: 'missing_required_parameter' } },
    { name: 'a result without its call', given: { messages: [{ role: 'tool', content: 'a', tool_call_id: null }] }, expected: { message: "Invalid type for 'messages[0].tool_call_id': expected a string, but got null instead.", param: 'messages[0].tool_call_id', code: 'invalid_type' } },
    { name: 'a decimal as text', given: { temperature: '1' }, expected: decimal('temperature', 'a string') },
    { name: 'a decimal as a list', given: { top_p: [] }, expected: decimal('top_p', 'an array') },
    { name: 'a decimal as true', given: { presence_penalty: true }, expected: decimal('presence_penalty', 'a boolean') },
    { name: 'an integer as a decimal', given: { max_tokens: 1.5 }, expected: integer('max_tokens', 'a decimal number') },
    { name: 'an integer as text', given: { max_completion_tokens: '5' }, expected: integer('max_completion_tokens', 'a string') },
    { name: 'an integer as an object', given: { seed: {} }, expected: integer('seed', 'an object') },
    { name: 'a decimal below', given: { frequency_penalty: -2.5 }, expected: { message: "Invalid 'frequency_penalty': decimal below minimum value. Expected a value >= -2, but got -2.5 instead.", param: 'frequency_penalty', code: 'decimal_below_min_value' } },
    { name: 'an integer above', given: { top_logprobs: 21 }, expected: { message: "Invalid 'top_logprobs': integer above maximum value. Expected a value <= 20, but got 21 instead.", param: 'top_logprobs', code: 'integer_above_max_value' } },
    { name: 'an integer below', given: { max_tokens: 0 }, expected: { message: "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead.", param: 'max_tokens', code: 'integer_below_min_value' } },
    { name: 'a stream that is text', given: { stream: 'yes' }, expected: { message: "Invalid type for 'stream': expected a boolean, but got a string instead.", param: 'stream', code: 'invalid_type' } },
    { name: 'a stop that is a number', given: { stop: 1 }, expected: { message: "Invalid type for 'stop': expected one of a string or array of strings, but got an integer instead.", param: 'stop', code: 'invalid_type' } },
    { name: 'tools that are an object', given: { tools: {} }, expected: { message: "Invalid type for 'tools': expected an array of objects, but got an object instead.", param: 'tools', code: 'invalid_type' } },
    { name: 'too many tools', given: { tools: Array.from({ length: 129 }, () => tool) }, expected: { message: "Invalid 'tools': array too long. Expected an array with maximum length 128, but got an array with length 129 instead.", param: 'tools', code: 'array_above_max_length' } },
    { name: 'a tool without a name', given: { tools: [tool, { type: 'function', function: {} }] }, expected: { message: "Missing required parameter: 'tools[1].function.name'.", param: 'tools[1].function.name', code: 'missing_required_parameter' } },
    { name: 'a name that is too long', given: { tools: [{ type: 'function', function: { name: 'x'.repeat(65) } }] }, expected: { message: "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]{1,64}$'.", param: 'tools[0].function.name', code: 'invalid_value' } },
    { name: 'parameters that are a list', given: { tools: [{ type: 'function', function: { name: 'f', parameters: [] } }] }, expected: { message: "Invalid type for 'tools[0].function.parameters': expected an object, but got an array instead.", param: 'tools[0].function.parameters', code: 'invalid_type' } },
    { name: 'a choice that is a list', given: { tool_choice: [] }, expected: { message: "Invalid type for 'tool_choice': expected one of a string or object, but got an array instead.", param: 'tool_choice', code: 'invalid_type' } },
    { name: 'a format that is text', given: { response_format: 'json' }, expected: { message: "Invalid type for 'response_format': expected an object, but got a string instead.", param: 'response_format', code: 'invalid_type' } },
    { name: 'a format without a type', given: { response_format: {} }, expected: { message: "Missing required parameter: 'response_format.type'.", param: 'response_format.type', code: 'missing_required_parameter' } },
    { name: 'a schema without a name', given: { response_format: { type: 'json_schema', json_schema: { schema: {} } } }, expected: { message: "Missing required parameter: 'response_format.json_schema.name'.", param: 'response_format.json_schema.name', code: 'missing_required_parameter' } },
    { name: 'metadata that is a list', given: { metadata: [] }, expected: { message: "Invalid type for 'metadata': expected an object, but got an array instead.", param: 'metadata', code: 'invalid_type' } },
    { name: 'modalities that are text', given: { modalities: 'text' }, expected: { message: "Invalid type for 'modalities': expected an array of strings, but got a string instead.", param: 'modalities', code: 'invalid_type' } }
  ]
  for (const { name, given, expected } of cases) t.strictSame(await check(given), { refused: expected }, name)
})

t.test('a body that is no object is refused', async t => {
  for (const payload of ['[]', '"hi"', '7', 'null']) {
    const response = await app.inject({ method: 'POST', url: '/', payload, headers: { 'content-type': 'application/json' } })
    t.match(response.json(), { refused: { param: null, code: null, message: /^We could not parse the JSON body of your request\. Expected an object, but got / } }, payload)
  }
})
