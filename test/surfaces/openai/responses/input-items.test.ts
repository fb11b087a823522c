import t from 'tap'
import type { InputItem, ItemReference } from '../../../../src/surfaces/openai/responses/request.ts'
import { faultsOf } from '../../../openai-schemas.ts'
import { isCompactionTrigger, isReference, toItemList, toKeptItem, toUserMessages } from '../../../../src/surfaces/openai/responses/input-items.ts'

type Item = Exclude<InputItem, ItemReference>

const keep = (item: Item) => toKeptItem(item, prefix => `${prefix}1`)

const cases: Array<{ name: string, given: Item, expected: object }> = [
  {
    name: 'a message of text',
    given: { role: 'user', content: 'Hi' },
    expected: { id: 'msg_1', type: 'message', role: 'user', status: 'completed', content: [{ type: 'input_text', text: 'Hi' }] }
  },
  {
    name: 'an answer that was sent back',
    given: { role: 'assistant', content: [{ type: 'output_text', text: 'Hi' }] },
    expected: { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Hi', annotations: [], logprobs: [] }] }
  },
  {
    name: 'a message with an image',
    given: { type: 'message', id: 'mine', role: 'user', content: [{ type: 'text', text: 'see' }, { type: 'input_image', image_url: 'data:1' }] },
    expected: { id: 'mine', type: 'message', role: 'user', status: 'completed', content: [{ type: 'input_text', text: 'see' }, { type: 'input_image', image_url: 'data:1', detail: 'auto' }] }
  },
  { name: 'a call', given: { type: 'function_call', call_id: 'a', name: 'f', arguments: '{}' }, expected: { id: 'fc_1', type: 'function_call', call_id: 'a', name: 'f', arguments: '{}', status: 'completed' } },
  { name: 'a custom call', given: { type: 'custom_tool_call', call_id: 'a', name: 'f', input: 'x', status: 'incomplete' }, expected: { id: 'ctc_1', type: 'custom_tool_call', call_id: 'a', name: 'f', input: 'x', status: 'incomplete' } },
  { name: 'what a tool gave', given: { type: 'function_call_output', id: null, call_id: 'a', output: 'x' }, expected: { id: 'fco_1', type: 'function_call_output', call_id: 'a', output: 'x', status: 'completed' } },
  { name: 'what a custom tool gave', given: { type: 'custom_tool_call_output', call_id: 'a', output: [] }, expected: { id: 'ctco_1', type: 'custom_tool_call_output', call_id: 'a', output: [], status: 'completed' } },
  { name: 'thinking', given: { type: 'reasoning', content: null }, expected: { id: 'rs_1', type: 'reasoning', summary: [] } },
  { name: 'thinking in full', given: { type: 'reasoning', id: 'rs_9', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] }, expected: { id: 'rs_9', type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] } }
]
for (const { name, given, expected } of cases) t.strictSame(keep(given), expected, `${name} is kept`)
t.strictSame(keep({ type: 'web_search_call' }), { type: 'web_search_call', id: 'item_1' }, 'what is not known is kept as it is')

t.strictSame(faultsOf('ResponseItemList', toItemList(cases.map(({ given }) => keep(given)), { order: 'asc', limit: 100 })), [], 'the list is OpenAI\'s')

for (const { name, given, expected } of [
  { name: 'a reference', given: { type: 'item_reference', id: 'msg_1' }, expected: true },
  { name: 'a reference without a type', given: { id: 'msg_1' }, expected: true },
  { name: 'a reference whose type is null', given: { type: null, id: 'msg_1' }, expected: true },
  { name: 'a message with an id', given: { role: 'user', content: 'x', id: 'msg_1' }, expected: false },
  { name: 'a call', given: { type: 'function_call', id: 'fc_1', call_id: 'a', name: 'f', arguments: '' }, expected: false }
] as Array<{ name: string, given: InputItem, expected: boolean }>) t.equal(isReference(given), expected, name)

const items = ['a', 'b', 'c', 'd', 'e'].map(id => toKeptItem({ role: 'user', content: id, id }, () => ''))
for (const { name, given, expected } of [
  { name: 'the latest first', given: { order: 'desc', limit: 2 }, expected: ['e', 'd', true] },
  { name: 'the page after it', given: { order: 'desc', limit: 2, after: 'd' }, expected: ['c', 'b', true] },
  { name: 'the last page', given: { order: 'desc', limit: 2, after: 'b' }, expected: ['a', 'a', false] },
  { name: 'a page that ends with the list', given: { order: 'asc', limit: 5 }, expected: ['a', 'e', false] },
  { name: 'nothing is left', given: { order: 'asc', limit: 5, after: 'e' }, expected: ['', '', false] }
] as const) {
  const { first_id: first, last_id: last, has_more: more, data } = toItemList(items, given)
  t.strictSame([first, last, more], expected, name)
  t.equal(data[0]?.id ?? '', first)
}

t.test('a compaction is kept as it came, a trigger is known, and the user\'s messages are found', async t => {
  t.strictSame(toKeptItem({ type: 'compaction', encrypted_content: 'x' }, prefix => `${prefix}1`), { type: 'compaction', encrypted_content: 'x', id: 'cmp_1' })
  t.strictSame([isCompactionTrigger({ type: 'compaction_trigger' }), isCompactionTrigger({ type: 'compaction', encrypted_content: 'x' }), isCompactionTrigger(undefined)], [true, false, false])
  const kept = [{ role: 'user' as const, content: 'One' }, { role: 'assistant' as const, content: 'Two' }, { type: 'compaction' as const, encrypted_content: 'x' }, { type: 'message' as const, role: 'user' as const, content: 'Three' }].map((item, index) => toKeptItem(item, prefix => `${prefix}${index}`))
  t.strictSame(toUserMessages(kept).map(({ id }) => id), ['msg_0', 'msg_3'])
})
