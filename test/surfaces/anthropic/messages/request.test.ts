import { Ajv } from 'ajv'
import t from 'tap'
import { CountTokensRequest, MessagesRequest } from '../../../../src/surfaces/anthropic/messages/request.ts'

const ajv = new Ajv({ discriminator: true, allowUnionTypes: true })
const isRequest = ajv.compile(MessagesRequest)
const isCount = ajv.compile(CountTokensRequest)
const body = (rest: object = {}) => ({ model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }], ...rest })

t.test('what clients send is taken, members of the future and nulls included', t => {
  for (const given of [
    body(),
    body({ max_tokens: 0 }),
    body({ temperature: null, top_p: null, top_k: null, stop_sequences: null, metadata: null, thinking: null, output_config: null, tools: null, tool_choice: null, system: null, stream: null, output_format: null }),
    body({ future: { a: 1 }, cache_control: { type: 'ephemeral', scope: 'global' }, container: 'c', mcp_servers: [{}], context_management: { edits: [] } }),
    body({ metadata: { user_id: null }, output_config: { effort: null, format: null } }),
    body({ thinking: { type: 'adaptive', display: 'omitted' }, tool_choice: { type: 'any', disable_parallel_tool_use: true } }),
    body({ tools: [{ type: null, name: 'f', description: null, input_schema: { type: 'object', $schema: 'x' }, strict: null, defer_loading: true }, { type: 'mcp_toolset' }] }),
    body({ messages: [{ role: 'assistant', content: [{ type: 'text', text: '' }, { type: 'thinking', thinking: '', signature: null }, { type: 'redacted_thinking', data: 'x' }, { type: 'tool_use', id: 'i', name: 'f', input: null }, { type: 'code_execution_tool_result', content: {} }] }] }),
    body({ messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'i' }, { type: 'tool_result', tool_use_id: 'i', content: null, is_error: null }, { type: 'tool_result', tool_use_id: 'i', content: [{ type: 'tool_reference', tool_name: 'f' }] }] }] }),
    body({ messages: [{ role: 'system', content: 'x', output_config: { effort: 'high' } }] })
  ]) t.equal(isRequest(given), true, JSON.stringify(isRequest.errors))
  t.end()
})

t.test('stop sequences have bounds, because each piece of text is searched for all of them', t => {
  t.equal(isRequest(body({ stop_sequences: Array.from({ length: 128 }, () => 'x'.repeat(1_000)) })), true)
  t.equal(isRequest(body({ stop_sequences: Array.from({ length: 129 }, () => 'x') })), false)
  t.equal(isRequest(body({ stop_sequences: ['x'.repeat(1_001)] })), false)
  t.end()
})

t.test('a count needs no limit, a message does', t => {
  const { max_tokens: _, ...rest } = body()
  t.equal(isCount(rest), true)
  t.equal(isCount(body({ max_tokens: null })), true)
  t.equal(isRequest(rest), false)
  t.end()
})
