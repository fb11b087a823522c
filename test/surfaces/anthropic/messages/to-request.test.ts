import t from 'tap'
import { toGenerationRequest } from '../../../../src/surfaces/anthropic/messages/to-request.ts'

const body = (rest: object = {}) => ({ model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'Hi' }], ...rest })
const told = (rest: object, options: object = {}) => {
  const { changes, ...translated } = toGenerationRequest(body(rest) as never, options)
  return { ...translated, changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

for (const { name, given, options = {}, asked, changes = [] } of [
  { name: 'a question', given: {}, asked: { model: 'm', stream: false, max_completion_tokens: 10, messages: [{ role: 'user', content: 'Hi' }] } },
  { name: 'sampling', given: { temperature: 0, top_p: 0.5, top_k: 3, stop_sequences: ['END'], stream: true }, asked: { temperature: 0, top_p: 0.5, top_k: 3, stop: ['END'], stream: true } },
  { name: 'a format', given: { output_config: { format: { type: 'json_schema', schema: { type: 'object' } } } }, asked: { response_format: { type: 'json_schema', json_schema: { name: 'output', schema: { type: 'object' }, strict: true } } } },
  { name: 'the older form of it', given: { output_format: { type: 'json_schema', schema: {} } }, asked: { response_format: { json_schema: { schema: {} } } } },
  { name: 'both forms', given: { output_format: { type: 'json_schema', schema: { a: 1 } }, output_config: { format: { type: 'json_schema', schema: {} } } }, asked: { response_format: { json_schema: { schema: {} } } }, changes: ['output_format dropped'] },
  { name: 'a tool and a choice', given: { tools: [{ name: 'f', input_schema: { type: 'object' } }], tool_choice: { type: 'any' } }, asked: { tools: [{ function: { name: 'f' } }], tool_choice: 'required' } },
  { name: 'no tools', given: { tools: [] }, asked: { tools: undefined } },
  { name: 'an effort', given: { output_config: { effort: 'high', future: 1 } }, asked: { reasoning_effort: 'high' }, changes: ['output_config.future dropped'] },
  { name: 'a user', given: { metadata: { user_id: 'u' } }, options: { cacheKey: 'k' }, asked: { prompt_cache_key: 'k' } },
  { name: 'members without an effect', given: { service_tier: 'auto', context_management: { edits: [{ type: 'clear_thinking_20251015', keep: 'all' }] }, container: null, mcp_servers: [] }, asked: {} },
  {
    name: 'members that cannot be served',
    given: { service_tier: 'priority', context_management: { edits: [{ type: 'compact_20260112' }] }, container: 'c', mcp_servers: [{}], safeguards: [{}], speed: 'fast', inference_geo: 'us', diagnostics: {}, future: { a: 1 }, seed: 3 },
    options: { betas: 'context-1m-2025-08-07' },
    asked: { seed: undefined },
    changes: ['service_tier dropped', 'context_management dropped', 'container dropped', 'mcp_servers dropped', 'safeguards dropped', 'speed dropped', 'inference_geo dropped', 'future dropped', 'seed dropped', 'anthropic-beta dropped']
  },
  { name: 'marks of what to cache, once', given: { cache_control: { type: 'ephemeral' }, system: [{ type: 'text', text: 's', cache_control: { type: 'ephemeral', ttl: '1h' } }] }, asked: {}, changes: ['cache_control dropped'] },
  { name: 'marks of what to cache in a message', given: { messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi', cache_control: { type: 'ephemeral' } }] }] }, asked: {}, changes: ['cache_control dropped'] }
] as Array<{ name: string, given: object, options?: object, asked: object, changes?: string[] }>) {
  const translated = told(given, options)
  t.match(translated.asked, asked, name)
  t.strictSame(translated.changes, changes)
}

t.test('the beginning of an answer is gone on with', t => {
  const { asked, prefill, changes, source } = told({ messages: [{ role: 'user', content: 'Hi' }, { role: 'assistant', content: '{' }] })
  t.match(asked.messages, [{ role: 'user' }, { role: 'assistant', content: '{' }, { role: 'user', content: /^Continue your last message/ }])
  t.equal(prefill, '{')
  t.strictSame(changes, ['messages.1 emulated'])
  t.strictSame(source.places.map(({ message }) => message), ['messages.0', 'messages.1', 'messages.1'])
  t.end()
})

t.test('a conversation of nothing is refused', t => {
  t.throws(() => told({ messages: [{ role: 'user', content: '' }] }), { message: 'messages: at least one message is required' })
  t.throws(() => told({ messages: [{ role: 'system', content: 'Be kind.' }] }), { message: 'messages: at least one message is required' })
  t.end()
})

t.test('members are called as they were sent', t => {
  t.match(told({ output_format: { type: 'json_schema', schema: {} }, thinking: { type: 'adaptive' } }).source, { format: 'output_format', thinking: 'thinking' })
  t.match(told({ output_config: { effort: 'low' }, thinking: { type: 'adaptive' } }).source, { format: 'output_config.format', thinking: 'output_config.effort' })
  t.end()
})

t.test('a conversation that somebody else keeps is asked for in whole, and one that begins is served', t => {
  const thread = { type: 'continue', previous_message_id: 'msg_1' }
  t.throws(() => told({ thread }), { status: 404, code: 'thread_not_found', message: /Send all of its messages/ })
  t.strictSame(told({ thread: { type: 'create' } }).changes, ['thread dropped'])
  t.end()
})
