import t from 'tap'
import type { Change } from '../../../../src/generation/change.ts'
import { toConversation } from '../../../../src/surfaces/anthropic/messages/conversation.ts'
import { toSignature } from '../../../../src/surfaces/anthropic/messages/signature.ts'

const text = (text: string) => ({ type: 'text', text })
const call = (id: string, input: object | null = { a: 1 }) => ({ type: 'tool_use', id, name: 'f', input })
const result = (id: string, content: unknown = 'ok', rest: object = {}) => ({ type: 'tool_result', tool_use_id: id, content, ...rest })
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }
const user = (content: unknown) => ({ role: 'user', content })
const assistant = (content: unknown) => ({ role: 'assistant', content })
const toolCall = (id: string, args = '{"a":1}') => ({ id, type: 'function', function: { name: 'f', arguments: args } })
const told = (messages: object[], system?: unknown) => {
  const changes: Change[] = []
  return { ...toConversation({ messages, system } as never, changes), changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

for (const { name, given, system, messages, changes = [] } of [
  { name: 'a question', given: [user('Hi')], messages: [user('Hi')] },
  { name: 'a system prompt of blocks', given: [user('Hi')], system: [text('a'), text(''), text('b')], messages: [{ role: 'system', content: 'a\n\nb' }, user('Hi')] },
  { name: 'a billing line', given: [user('Hi')], system: [text('x-anthropic-billing-header: cch=1;'), text('b')], messages: [{ role: 'system', content: 'b' }, user('Hi')], changes: ['system.0 dropped'] },
  { name: 'a billing line before other text', given: [user('Hi')], system: 'x-anthropic-billing-header: cch=1;\nb', messages: [{ role: 'system', content: 'b' }, user('Hi')], changes: ['system dropped'] },
  { name: 'a system message in its place', given: [user('Hi'), { role: 'system', content: [text('a'), text('b')] }, user('Ho')], messages: [user('Hi'), { role: 'system', content: 'a\n\nb' }, user('Ho')] },
  { name: 'blocks of text', given: [user([text('a'), text(''), text('b')])], messages: [user('a\n\nb')] },
  { name: 'messages of one role in a row', given: [user('a'), user('b'), assistant('c'), assistant([call('1')]), user([result('1')])], messages: [user('a\n\nb'), { ...assistant('c'), tool_calls: [toolCall('1')] }, { role: 'tool', tool_call_id: '1', content: 'ok' }] },
  { name: 'an image', given: [user([text('a'), image])], messages: [user([text('a'), { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }])] },
  {
    name: 'results before text, in the order of their calls, with what is nested in them',
    given: [assistant([text('x'), call('1'), call('2', null)]), user([result('2', [text('two'), image]), result('1', 'one', { is_error: true }), text('go on')])],
    messages: [{ ...assistant('x'), tool_calls: [toolCall('1'), toolCall('2', '{}')] }, { role: 'tool', tool_call_id: '1', content: 'Error: one' }, { role: 'tool', tool_call_id: '2', content: [text('two'), { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } }] }, user('go on')],
    changes: ['messages.1.content.1.is_error emulated']
  },
  {
    name: 'a result behind text and a system message',
    given: [assistant([call('1')]), { role: 'system', content: 's' }, user([text('t'), result('1', [], { is_error: true })])],
    messages: [{ ...assistant(''), tool_calls: [toolCall('1')] }, { role: 'tool', tool_call_id: '1', content: 'Error: the tool failed.' }, { role: 'system', content: 's' }, user('t')],
    changes: ['messages.2.content.1 repaired', 'messages.2.content.1.is_error emulated']
  },
  { name: 'a call without a result', given: [assistant([call('1')]), user('never mind')], messages: [{ ...assistant(''), tool_calls: [toolCall('1')] }, { role: 'tool', tool_call_id: '1', content: 'No result was given.' }, user('never mind')], changes: ['messages.0.content.0 repaired'] },
  { name: 'a result without a call', given: [user([result('1', 'ok')])], messages: [user('Result of a tool:\n\nok')], changes: ['messages.0.content.0 repaired'] },
  { name: 'thinking', given: [assistant([{ type: 'thinking', thinking: 'Hm', signature: 'foreign' }, text('a')]), user('b')], messages: [{ ...assistant('a'), reasoning_content: 'Hm' }, user('b')] },
  { name: 'thinking that was not told', given: [assistant([{ type: 'thinking', thinking: '', signature: toSignature('Hm') }, call('1')]), user([result('1')])], messages: [{ ...assistant(''), reasoning_content: 'Hm', tool_calls: [toolCall('1')] }, { role: 'tool', tool_call_id: '1', content: 'ok' }] },
  { name: 'thinking nobody can read', given: [assistant([{ type: 'thinking', thinking: '', signature: 'foreign' }, { type: 'redacted_thinking', data: 'secret' }, text('a')]), user('b')], messages: [assistant('a'), user('b')], changes: ['messages.0.content.0 dropped', 'messages.0.content.1 dropped'] },
  { name: 'nothing but thinking', given: [user('a'), assistant([{ type: 'thinking', thinking: 'Hm' }]), user('b')], messages: [user('a'), user('b')], changes: ['messages.1 dropped'] },
  { name: 'nothing at all', given: [user('a'), assistant(''), user([text('')])], messages: [user('a')], changes: ['messages.1 dropped', 'messages.2 dropped'] },
  { name: 'what servers of Anthropic\'s did', given: [assistant([{ type: 'server_tool_use', id: 's' }, { type: 'web_search_tool_result' }, text('a')]), user([{ type: 'container_upload' }, text('b')])], messages: [assistant('a'), user('b')], changes: ['messages.0.content.0 dropped', 'messages.0.content.1 dropped', 'messages.1.content.0 dropped'] },
  { name: 'members nobody knows', given: [{ ...user([{ ...text('a'), future: 1 }]), clear_at: 1 }], messages: [user('a')], changes: ['messages.0.clear_at dropped', 'messages.0.content.0.future dropped'] }
] as Array<{ name: string, given: object[], system?: unknown, messages: object[], changes?: string[] }>) {
  const conversation = told(given, system)
  t.strictSame(conversation.messages, messages, name)
  t.strictSame(conversation.changes, changes)
  t.equal(conversation.places.length, messages.length)
}

t.test('a last turn of the assistant is the beginning of the answer', t => {
  t.equal(told([user('a'), assistant('{')]).prefill, '{')
  t.equal(told([user('a'), assistant([text('x'), call('1')])]).prefill, undefined, 'but not one that calls')
  t.equal(told([user('a'), assistant('{'), user('b')]).prefill, undefined)
  t.end()
})

t.test('what a role cannot have is refused by its place', t => {
  for (const [given, message] of [
    [[user([call('1')])], 'messages.0.content.0: `tool_use` blocks can only be in `assistant` messages'],
    [[assistant([result('1')])], 'messages.0.content.0: `tool_result` blocks can only be in `user` messages'],
    [[assistant([image])], 'messages.0.content.0: `image` blocks can only be in `user` messages'],
    [[{ role: 'system', content: [image] }], "messages.0.content.0.type: Input should be 'text'"]
  ] as const) t.throws(() => told([...given]), { message })
  t.end()
})

t.test('places are those of the request', t => {
  const { places } = told([user('a'), assistant([text('x'), call('1')]), user([result('1', [text('two'), image]), text('b'), image])], 's')
  t.strictSame(places, [
    { message: 'system' },
    { message: 'messages.0' },
    { message: 'messages.1', calls: ['messages.1.content.1'] },
    { message: 'messages.2.content.0', parts: ['messages.2.content.0.content.0', 'messages.2.content.0.content.1'] },
    { message: 'messages.2', parts: ['messages.2.content.1', 'messages.2.content.2'] }
  ])
  t.end()
})
