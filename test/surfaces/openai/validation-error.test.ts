import t from 'tap'
import { toInvalidRequest } from '../../../src/surfaces/openai/validation-error.ts'
import { ask, saying, startProxy } from '../../servers/start-proxy.ts'

const TYPE = 'invalid_type'
const VALUE = 'invalid_value'
const MISSING = 'missing_required_parameter'
const part = (content: unknown) => ({ messages: [{ role: 'user', content }] })
const call = (call: object) => ({ messages: [{ role: 'assistant', tool_calls: [call] }] })
const tool = (definition: unknown) => ({ tools: [{ type: 'function', function: definition }] })

/** The body beside what a right one has, and the code, the field and the sentence it is refused with. */
const cases: Array<[body: object, code: string | null, param: string | null, message: string]> = [
  [{ model: undefined }, null, null, 'you must provide a model parameter'],
  [{ model: null }, null, null, 'you must provide a model parameter'],
  [{ model: '' }, null, null, 'you must provide a model parameter'],
  [{ model: undefined, messages: undefined, n: 'x' }, null, null, 'you must provide a model parameter'],
  [{ model: 1 }, TYPE, 'model', "Invalid type for 'model': expected a string, but got an integer instead."],
  [{ messages: undefined, n: 'x' }, MISSING, 'messages', "Missing required parameter: 'messages'."],
  [{ messages: [] }, 'empty_array', 'messages', "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."],
  [{ messages: 'x', n: 'x' }, TYPE, 'messages', "Invalid type for 'messages': expected an array of objects, but got a string instead."],
  [{ messages: null }, TYPE, 'messages', "Invalid type for 'messages': expected an array of objects, but got null instead."],
  [{ messages: ['x'] }, TYPE, 'messages[0]', "Invalid type for 'messages[0]': expected an object, but got a string instead."],
  [{ messages: [{ content: 'x' }] }, MISSING, 'messages[0].role', "Missing required parameter: 'messages[0].role'."],
  [{ messages: [{ role: 'bogus' }] }, VALUE, 'messages[0].role', "Invalid value: 'bogus'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."],
  [{ messages: [{ role: 1 }] }, VALUE, 'messages[0].role', "Invalid value: 1. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."],
  [{ messages: [{ role: 'tool' }] }, MISSING, 'messages[0].tool_call_id', "Missing required parameter: 'messages[0].tool_call_id'."],
  [part(1), TYPE, 'messages[0].content', "Invalid type for 'messages[0].content': expected one of a string or array of objects, but got an integer instead."],
  [part(['x']), TYPE, 'messages[0].content[0]', "Invalid type for 'messages[0].content[0]': expected an object, but got a string instead."],
  [part([{ type: 'video' }]), VALUE, 'messages[0].content[0].type', "Invalid value: 'video'. Supported values are: 'text', 'image_url', 'input_audio', and 'file'."],
  [{ messages: [{ role: 'assistant', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }] }, VALUE, 'messages[0].content[0].type', "Invalid value: 'image_url'. Supported values are: 'text', and 'refusal'."],
  [{ messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }] }, VALUE, 'messages[0].content[0].type', "Invalid value: 'image_url'. Supported values are: 'text'."],
  [{ messages: [{ role: 'developer', content: [{ type: 'input_image' }] }] }, VALUE, 'messages[0].content[0].type', "Invalid value: 'input_image'. Supported values are: 'text'."],
  [{ messages: [{ role: 'tool', tool_call_id: 'a', content: [{ type: 'video' }] }] }, VALUE, 'messages[0].content[0].type', "Invalid value: 'video'. Supported values are: 'text', 'image_url', and 'file'."],
  [call({ id: 'a', type: 'mcp' }), VALUE, 'messages[0].tool_calls[0].type', "Invalid value: 'mcp'. Supported values are: 'function', and 'custom'."],
  [call({ id: 'a', type: 'custom', custom: { name: 'f' } }), MISSING, 'messages[0].tool_calls[0].custom.input', "Missing required parameter: 'messages[0].tool_calls[0].custom.input'."],
  [part([{ type: 'text' }]), MISSING, 'messages[0].content[0].text', "Missing required parameter: 'messages[0].content[0].text'."],
  [call({ id: 'a', type: 'function', function: { name: 'f', arguments: {} } }), TYPE, 'messages[0].tool_calls[0].function.arguments', "Invalid type for 'messages[0].tool_calls[0].function.arguments': expected a string, but got an object instead."],
  [{ n: '1' }, TYPE, 'n', "Invalid type for 'n': expected an integer, but got a string instead."],
  [{ n: 1.5 }, TYPE, 'n', "Invalid type for 'n': expected an integer, but got a decimal number instead."],
  [{ n: 0 }, 'integer_below_min_value', 'n', "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead."],
  [{ n: 200 }, 'integer_above_max_value', 'n', "Invalid 'n': integer above maximum value. Expected a value <= 128, but got 200 instead."],
  [{ temperature: 2.5 }, 'decimal_above_max_value', 'temperature', "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.5 instead."],
  [{ top_p: -1 }, 'decimal_below_min_value', 'top_p', "Invalid 'top_p': decimal below minimum value. Expected a value >= 0, but got -1 instead."],
  [{ temperature: [] }, TYPE, 'temperature', "Invalid type for 'temperature': expected a decimal, but got an array instead."],
  [{ max_completion_tokens: 0 }, 'integer_below_min_value', 'max_completion_tokens', "Invalid 'max_completion_tokens': integer below minimum value. Expected a value >= 1, but got 0 instead."],
  [{ stream: 'true' }, TYPE, 'stream', "Invalid type for 'stream': expected a boolean, but got a string instead."],
  [{ stop: ['a', 'b', 'c', 'd', 'e'] }, 'array_above_max_length', 'stop', "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 instead."],
  [{ stop: [true] }, TYPE, 'stop[0]', "Invalid type for 'stop[0]': expected a string, but got a boolean instead."],
  [{ tools: [{}] }, MISSING, 'tools[0].type', "Missing required parameter: 'tools[0].type'."],
  [{ tools: [{ type: 'x' }] }, VALUE, 'tools[0].type', "Invalid value: 'x'. Supported values are: 'function', and 'custom'."],
  [{ tools: [{ type: 'custom', custom: { name: 'a b' } }] }, VALUE, 'tools[0].custom.name', "Invalid 'tools[0].custom.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]{1,64}$'."],
  [{ tools: [{ type: 'custom' }] }, MISSING, 'tools[0].custom', "Missing required parameter: 'tools[0].custom'."],
  [tool(undefined), MISSING, 'tools[0].function', "Missing required parameter: 'tools[0].function'."],
  [tool({ name: 'a b' }), VALUE, 'tools[0].function.name', "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]{1,64}$'."],
  [{ tool_choice: 'bogus' }, VALUE, 'tool_choice', "Invalid value: 'bogus'. Supported values are: 'none', 'auto', and 'required'."],
  [{ response_format: { type: 'xml' } }, VALUE, 'response_format.type', "Invalid value: 'xml'. Supported values are: 'text', 'json_object', and 'json_schema'."],
  [{ response_format: { type: 'json_schema' } }, MISSING, 'response_format.json_schema', "Missing required parameter: 'response_format.json_schema'."],
  [{ reasoning_effort: 'x' }, VALUE, 'reasoning_effort', "Invalid value: 'x'. Supported values are: 'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'."],
  [{ functions: [] }, 'empty_array', 'functions', "Invalid 'functions': empty array. Expected an array with minimum length 1, but got an empty array instead."],
  [{ function_call: {} }, MISSING, 'function_call.name', "Missing required parameter: 'function_call.name'."],
  [{ function_call: 1 }, TYPE, 'function_call', "Invalid type for 'function_call': expected one of a string or object, but got an integer instead."],
  [{ stream_options: { include_usage: 'x' } }, TYPE, 'stream_options.include_usage', "Invalid type for 'stream_options.include_usage': expected a boolean, but got a string instead."]
]

t.test('a body is refused in OpenAI\'s words, and nobody is asked', async t => {
  const proxy = await startProxy(t)
  for (const [body, code, param, message] of cases) {
    const response = await ask(proxy, saying('hi', body))
    t.equal(response.status, 400, JSON.stringify(body))
    t.strictSame(await response.json(), { error: { message, type: 'invalid_request_error', param, code } }, JSON.stringify(body))
  }
  t.strictSame(proxy.simulator.requests, [])
})

t.test('null is as good as nothing, and members nobody knows are taken', async t => {
  const proxy = await startProxy(t)
  const names = [
    'functions', 'function_call', 'tools', 'tool_choice', 'parallel_tool_calls', 'response_format', 'stream', 'stream_options', 'n',
    'temperature', 'top_p', 'max_tokens', 'max_completion_tokens', 'presence_penalty', 'frequency_penalty', 'seed', 'stop', 'logprobs',
    'top_logprobs', 'logit_bias', 'reasoning_effort', 'metadata', 'store', 'user', 'service_tier', 'verbosity', 'modalities', 'audio'
  ]
  const response = await ask(proxy, saying('say hi', { ...Object.fromEntries(names.map(name => [name, null])), zzz: 1 }))
  t.equal(response.status, 200)
  t.equal(response.headers.get('x-proxy-warnings'), 'zzz dropped')
})

t.test('failures that no field of ours has are told all the same', t => {
  const failure = { instancePath: '/a~1b/0/c', params: {} }
  t.match(toInvalidRequest([], {}), { message: 'Invalid request body.' })
  t.match(toInvalidRequest([{ ...failure, keyword: 'format', message: 'must match format "x"' }], {}), { message: "Invalid 'a/b[0].c': must match format \"x\".", param: 'a/b[0].c', code: VALUE })
  t.match(toInvalidRequest([{ ...failure, keyword: 'format', instancePath: '' }], {}), { message: "Invalid '': not accepted.", param: null })
  t.match(toInvalidRequest([{ instancePath: '/x', keyword: 'minItems', params: { limit: 3 } }], { x: [1] }), { message: "Invalid 'x': array too short. Expected an array with minimum length 3, but got an array with length 1 instead.", code: 'array_below_min_length' })
  t.match(toInvalidRequest([{ instancePath: '/x', keyword: 'maxLength', params: { limit: 2 } }], { x: 'abc' }), { message: "Invalid 'x': string too long. Expected a string with maximum length 2, but got a string with length 3 instead.", code: 'string_above_max_length' })
  t.match(toInvalidRequest([{ instancePath: '/x', keyword: 'minLength', params: { limit: 1 } }], { x: '' }), { message: "Invalid 'x': empty string. Expected a string with minimum length 1, but got an empty string instead.", code: 'empty_string' })
  t.match(toInvalidRequest([{ instancePath: `/${'x'.repeat(500)}`, keyword: 'type', params: { type: 'string' } }], {}), { param: `${'x'.repeat(100)}…` }, 'long names are cut')
  t.end()
})
