import fastify from 'fastify'
import t from 'tap'
import type { ValidationFailure } from '../../../../src/http/replies/caller-error.ts'
import { toInvalidRequest } from '../../../../src/surfaces/openai/validation-error.ts'
import { ResponseRequest } from '../../../../src/surfaces/openai/responses/request.ts'

// As src/app.ts sets it up: bodies reach the handler as they were sent, and the first failure is told.
const app = fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false, discriminator: true, allowUnionTypes: true } } })
app.post('/', { schema: { body: ResponseRequest }, attachValidation: true }, request => {
  const failures = request.validationError?.validation as ValidationFailure[] | undefined
  if (failures === undefined) return { taken: request.body }
  const { message, param, code } = toInvalidRequest(failures, request.body)
  return { refused: { message, param, code } }
})
t.teardown(() => app.close())

async function check (payload: object): Promise<{ taken?: unknown, refused?: { message: string, param: string | null, code: string | null } }> {
  return (await app.inject({ method: 'POST', url: '/', payload })).json()
}

const says = (...input: unknown[]) => ({ input })
const parts = (role: string, ...content: object[]) => says({ role, content })

t.test('odd but valid bodies reach us as they were sent', async t => {
  const cases: Array<{ name: string, given: object }> = [
    { name: 'nothing, of which translate/ complains', given: {} },
    { name: 'a text', given: { model: 'm', input: 'x' } },
    { name: 'members of null', given: Object.fromEntries(Object.keys(ResponseRequest.properties).map(name => [name, null])) },
    { name: 'members nobody knows', given: { client_metadata: { a: 1 }, zzz: [1], top_k: 3 } },
    { name: 'a message in both forms', given: says({ role: 'user', content: 'x' }, { type: 'message', role: 'developer', content: [] }) },
    { name: 'parts of every kind', given: parts('user', { type: 'input_text', text: 'a' }, { type: 'text', text: 'a' }, { type: 'input_image', image_url: null, detail: 'auto' }, { type: 'input_file', filename: 'x' }, { type: 'refusal', refusal: 'b' }, { type: 'output_text', text: 'a', annotations: [{ type: 'url_citation' }] }) },
    { name: 'an answer that goes back', given: says({ id: 'msg_1', type: 'message', status: 'completed', role: 'assistant', phase: null, content: [{ type: 'output_text', text: 'a', annotations: [], logprobs: [] }] }) },
    { name: 'calls and what they gave', given: says({ type: 'function_call', id: 'fc_1', call_id: 'a', name: 'f', arguments: '{', status: 'completed', namespace: 'n' }, { type: 'function_call_output', call_id: 'a', output: '' }, { type: 'custom_tool_call', call_id: 'b', name: 'f', input: '' }, { type: 'custom_tool_call_output', call_id: 'b', output: [{ type: 'input_text', text: 'x' }] }) },
    { name: 'thinking', given: says({ type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'x' }], encrypted_content: 'gAAA', content: null }, { type: 'reasoning', summary: [] }) },
    { name: 'references in three forms', given: says({ type: 'item_reference', id: 'x' }, { id: 'x' }, { type: null, id: 'x' }) },
    { name: 'items nobody knows', given: says({ type: 'web_search_call', id: 1, action: {} }, { type: 'computer_call_output' }, { type: 'future' }) },
    { name: 'tools of every kind', given: { tools: [{ type: 'function', name: 'f' }, { type: 'function', name: 'f', parameters: null, strict: null, description: null }, { type: 'custom', name: 'c', format: { type: 'text' } }, { type: 'web_search', external_web_access: true }, { type: 'namespace', name: 'n.s', description: 'd', tools: [{ type: 'function', name: 'f' }, { type: 'mcp' }] }, { type: 'local_shell' }, { type: 'future' }] } },
    { name: 'every choice of a tool', given: { tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'function', name: 'f' }] } } },
    { name: 'an empty text', given: { text: {} } },
    { name: 'a format of each kind', given: { text: { format: { type: 'json_schema', name: 'a-b', schema: {}, strict: null }, verbosity: 'low' } } },
    { name: 'numbers at their ends', given: { temperature: 2, top_p: 0, top_logprobs: 20, max_output_tokens: 1, max_tool_calls: 1 } },
    { name: 'what the SDKs send along', given: { store: false, include: ['reasoning.encrypted_content'], metadata: { a: 'b' }, reasoning: { effort: 'xhigh', summary: 'auto', context: 'auto' }, stream_options: { include_obfuscation: false }, truncation: 'auto', prompt_cache_key: 'k', service_tier: 'auto', background: false, conversation: 'conv_1', prompt: { id: 'x' } } }
  ]
  for (const { name, given } of cases) t.strictSame(await check(given), { taken: given }, name)
})

t.test('what is wrong is named where it is', async t => {
  const cases: Array<{ name: string, given: object, param: string, code: string, message?: RegExp }> = [
    { name: 'a model that is no text', given: { model: 5 }, param: 'model', code: 'invalid_type' },
    { name: 'an input that is neither text nor list', given: { input: {} }, param: 'input', code: 'invalid_type', message: /expected one of a string or array, but got an object/ },
    { name: 'an item that is none', given: says('x'), param: 'input[0]', code: 'invalid_type' },
    { name: 'an item without anything to tell it by', given: says({}), param: 'input[0].role', code: 'missing_required_parameter' },
    { name: 'a message without content', given: says({ role: 'user' }), param: 'input[0].content', code: 'missing_required_parameter' },
    { name: 'a role nobody has', given: says({ role: 'tool', content: 'x' }), param: 'input[0].role', code: 'invalid_value', message: /Supported values are: 'assistant', 'system', 'developer', and 'user'/ },
    { name: 'content that is none', given: says({ role: 'user', content: 5 }), param: 'input[0].content', code: 'invalid_type' },
    { name: 'a part without a type', given: parts('user', { text: 'x' }), param: 'input[0].content[0].type', code: 'missing_required_parameter' },
    { name: 'a part of an unknown type', given: parts('user', { type: 'video' }), param: 'input[0].content[0].type', code: 'invalid_value', message: /Supported values are: 'input_text', / },
    { name: 'a part of a chat without its image', given: parts('user', { type: 'image_url', image_url: {} }), param: 'input[0].content[0].image_url.url', code: 'missing_required_parameter' },
    { name: 'a part whose text is none', given: parts('user', { type: 'input_text', text: null }), param: 'input[0].content[0].text', code: 'invalid_type' },
    { name: 'the second item', given: says({ role: 'user', content: 'x' }, { type: 'function_call', call_id: 'a', name: 'f', arguments: {} }), param: 'input[1].arguments', code: 'invalid_type' },
    { name: 'an output without an id', given: says({ type: 'function_call_output', output: 'x' }), param: 'input[0].call_id', code: 'missing_required_parameter' },
    { name: 'an empty id', given: says({ type: 'function_call_output', call_id: '', output: 'x' }), param: 'input[0].call_id', code: 'empty_string' },
    { name: 'an output that is none', given: says({ type: 'custom_tool_call_output', call_id: 'a', output: 5 }), param: 'input[0].output', code: 'invalid_type' },
    { name: 'a reference without an id', given: says({ type: 'item_reference' }), param: 'input[0].id', code: 'missing_required_parameter' },
    { name: 'a tool without a type', given: { tools: [{ name: 'f' }] }, param: 'tools[0].type', code: 'missing_required_parameter' },
    { name: 'a nested function, as a chat has it', given: { tools: [{ type: 'function', function: { name: 'f' } }] }, param: 'tools[0].name', code: 'missing_required_parameter' },
    { name: 'a name that is none', given: { tools: [{ type: 'custom', name: 'a b' }] }, param: 'tools[0].name', code: 'invalid_value' },
    { name: 'a namespace without tools', given: { tools: [{ type: 'namespace', name: 'n' }] }, param: 'tools[0].tools', code: 'missing_required_parameter' },
    { name: 'a nested format, as a chat has it', given: { text: { format: { type: 'json_schema', json_schema: { name: 'a' } } } }, param: 'text.format.name', code: 'missing_required_parameter' },
    { name: 'a format nobody knows', given: { text: { format: { type: 'xml' } } }, param: 'text.format.type', code: 'invalid_value', message: /'text', 'json_object', and 'json_schema'/ },
    { name: 'an effort nobody knows', given: { reasoning: { effort: 'much' } }, param: 'reasoning.effort', code: 'invalid_value' },
    { name: 'a truncation nobody knows', given: { truncation: 'some' }, param: 'truncation', code: 'invalid_value' },
    { name: 'a limit below any', given: { max_output_tokens: 0 }, param: 'max_output_tokens', code: 'integer_below_min_value' },
    { name: 'an include that is no list', given: { include: 'x' }, param: 'include', code: 'invalid_type', message: /expected an array of strings/ },
    { name: 'metadata that is no text', given: { metadata: { a: 1 } }, param: 'metadata.a', code: 'invalid_type' },
    { name: 'metadata that is too long', given: { metadata: { a: 'x'.repeat(513) } }, param: 'metadata.a', code: 'string_above_max_length' },
    { name: 'too much metadata', given: { metadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, 'v'])) }, param: 'metadata', code: 'invalid_value' },
    { name: 'a choice of no tool nobody knows', given: { tool_choice: 'x' }, param: 'tool_choice', code: 'invalid_value', message: /'none', 'auto', and 'required'/ },
    { name: 'a choice without a type', given: { tool_choice: { mode: 'auto' } }, param: 'tool_choice.type', code: 'missing_required_parameter' },
    { name: 'allowed tools that are not named', given: { tool_choice: { type: 'allowed_tools', mode: 'auto' } }, param: 'tool_choice.tools', code: 'missing_required_parameter' },
    { name: 'allowed tools in a mode nobody knows', given: { tool_choice: { type: 'allowed_tools', mode: 'x', tools: [] } }, param: 'tool_choice.mode', code: 'invalid_value' },
    { name: 'an allowed tool that is none', given: { tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [null] } }, param: 'tool_choice.tools[0]', code: 'invalid_type' },
    { name: 'a chosen tool whose name is none', given: { tool_choice: { type: 'function', name: 1 } }, param: 'tool_choice.name', code: 'invalid_type' },
    { name: 'a stream that is a text', given: { stream: 'yes' }, param: 'stream', code: 'invalid_type' }
  ]
  for (const { name, given, param, code, message = /./ } of cases) {
    const { refused } = await check(given)
    t.match(refused, { param, code, message }, name)
  }
})
