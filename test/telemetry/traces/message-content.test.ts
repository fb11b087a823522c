import t from 'tap'
import { toContentAttributes } from '../../../src/telemetry/traces/message-content.ts'

interface Case {
  name: string
  body?: unknown
  answer?: string
  input?: unknown
  output?: unknown
}

const cases: Case[] = [
  { name: 'a prompt and a whole answer', body: { prompt: 'Hi' }, answer: '{"response":"Hello"}', input: [{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }], output: [{ role: 'assistant', parts: [{ type: 'text', content: 'Hello' }], finish_reason: 'stop' }] },
  { name: 'a conversation', body: { messages: [{ role: 'system', content: 'Be brief' }, { role: 'user', content: [{ type: 'text', text: 'See' }, { type: 'image_url', image_url: { url: '[left out]' } }] }] }, input: [{ role: 'system', parts: [{ type: 'text', content: 'Be brief' }] }, { role: 'user', parts: [{ type: 'text', content: 'See' }] }] },
  {
    name: 'calls and results',
    body: { messages: [{ role: 'assistant', content: '', reasoning_content: 'hm', tool_calls: [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"a":1}' } }, { name: 'see', arguments: { b: 2 } }] }, { role: 'tool', tool_call_id: 'c1', content: 'seen' }] },
    input: [{ role: 'assistant', parts: [{ type: 'reasoning', content: 'hm' }, { type: 'tool_call', id: 'c1', name: 'look', arguments: { a: 1 } }, { type: 'tool_call', name: 'see', arguments: { b: 2 } }] }, { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'seen' }] }]
  },
  { name: 'an input', body: { input: 'Hi' }, input: [{ role: 'user', parts: [{ type: 'text', content: 'Hi' }] }] },
  { name: 'a stream', answer: 'data: {"response":"one "}\n\ndata: {"response":"two"}\n\ndata: [DONE]\n\n', output: [{ role: 'assistant', parts: [{ type: 'text', content: 'one two' }], finish_reason: 'stop' }] },
  { name: 'a stream that broke', answer: 'data: {"response":"one "}\n\n', output: [{ role: 'assistant', parts: [{ type: 'text', content: 'one ' }] }] },
  { name: 'an answer with a call', answer: '{"response":null,"tool_calls":[{"name":"look","arguments":{"a":1}}]}', output: [{ role: 'assistant', parts: [{ type: 'tool_call', name: 'look', arguments: { a: 1 } }], finish_reason: 'tool_calls' }] },
  { name: 'a refusal is no message', answer: '{"errors":[{"code":3040,"message":"no"}]}' },
  { name: 'what cannot be read is left out', body: 'no object', answer: '<html>' },
  { name: 'odd members', body: { messages: [null, 1, { content: 5 }, { role: 'user', content: [null, 'x'] }], tools: 'no list' }, input: [{ role: 'user', parts: [] }, { role: 'user', parts: [] }] },
  { name: 'nothing' }
]

for (const { name, body, answer, input, output } of cases) {
  const attributes = toContentAttributes({ body: body === undefined ? undefined : JSON.stringify(body), answer, isTooLong: false })
  const parsed = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, JSON.parse(String(value))]))
  t.strictSame(parsed, { ...(input !== undefined && { 'gen_ai.input.messages': input }), ...(output !== undefined && { 'gen_ai.output.messages': output }) }, name)
}

const tools = [{ type: 'function', function: { name: 'look' } }]
t.strictSame(toContentAttributes({ body: JSON.stringify({ tools }), answer: undefined, isTooLong: false }), { 'gen_ai.tool.definitions': JSON.stringify(tools) })
t.strictSame(toContentAttributes({ body: JSON.stringify({ prompt: 'x'.repeat(1_100_000) }), answer: undefined, isTooLong: false }), { 'workers_ai_proxy.content_omitted': true }, 'too much is left out')
t.strictSame(toContentAttributes({ body: undefined, answer: undefined, isTooLong: true }), { 'workers_ai_proxy.content_omitted': true }, 'and said to be')
