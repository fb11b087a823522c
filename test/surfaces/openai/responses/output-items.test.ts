import t from 'tap'
import type { FinishReason, GenerationEvent } from '../../../../src/generation/event.ts'
import { OutputItems } from '../../../../src/surfaces/openai/responses/output-items.ts'
import { toServedTools } from '../../../../src/surfaces/openai/responses/tools.ts'

const tools = toServedTools([
  { type: 'function', name: 'f' },
  { type: 'custom', name: 'shout' },
  { type: 'namespace', name: 'mcp', tools: [{ type: 'function', name: 'read' }] }
], [])

/** Folds events; what a listener hears is told as `what type@place: text`. */
function fold (events: GenerationEvent[], { asSummary = false } = {}): { output: OutputItems, heard: string[] } {
  const heard: string[] = []
  let count = 0
  const output = new OutputItems({ tools, newItemId: prefix => `${prefix}${++count}`, asSummary }, {
    added: (item, index) => heard.push(`added ${item.type}@${index}`),
    grew: (item, index, delta) => heard.push(`grew ${item.type}@${index}: ${delta}`),
    done: (item, index) => heard.push(`done ${item.type}@${index}`)
  })
  for (const event of events) output.push(event)
  return { output, heard }
}

const text = (text: string): GenerationEvent => ({ type: 'text', text })
const thought = (text: string): GenerationEvent => ({ type: 'reasoning', text })
const call = (index: number, name: string, args: string): GenerationEvent => ({ type: 'tool_call', index, id: `call_${index}`, name, arguments: args })
const more = (index: number, args: string): GenerationEvent => ({ type: 'tool_call', index, arguments: args })
const finish = (reason: FinishReason | null = 'stop'): GenerationEvent => ({ type: 'finish', reason })

const message = (text: string, status = 'completed') => ({ type: 'message', status, role: 'assistant', content: [{ type: 'output_text', text, annotations: [], logprobs: [] }] })

t.test('thinking, text and calls are items, in the order they came', async t => {
  const { output, heard } = fold([thought('h'), thought('m'), text('I'), text(' look'), call(0, 'f', '{}'), call(1, 'mcp__read', '{"a":1}'), finish('tool_calls')])
  t.strictSame(output.items, [
    { id: 'rs_1', type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'hm' }] },
    { id: 'msg_2', ...message('I look') },
    { id: 'fc_3', type: 'function_call', status: 'completed', call_id: 'call_0', name: 'f', arguments: '{}' },
    { id: 'fc_4', type: 'function_call', status: 'completed', call_id: 'call_1', name: 'read', namespace: 'mcp', arguments: '{"a":1}' }
  ])
  t.strictSame(heard, [
    'added reasoning@0', 'grew reasoning@0: h', 'grew reasoning@0: m', 'done reasoning@0',
    'added message@1', 'grew message@1: I', 'grew message@1:  look', 'done message@1',
    'added function_call@2', 'grew function_call@2: {}', 'done function_call@2',
    'added function_call@3', 'grew function_call@3: {"a":1}', 'done function_call@3'
  ])
  t.equal(output.finishReason, 'tool_calls')
})

const cases: Array<{ name: string, given: GenerationEvent[], asSummary?: boolean, expected: object[], heard?: string[] }> = [
  {
    name: 'thinking is its summary for who asked for one',
    asSummary: true,
    given: [thought('hm'), text('x'), finish()],
    expected: [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }], content: undefined }, message('x')]
  },
  {
    name: 'the input of a custom tool is told when it is whole',
    given: [call(0, 'shout', '{"inp'), more(0, 'ut":"HEY"}'), finish()],
    expected: [{ type: 'custom_tool_call', status: 'completed', call_id: 'call_0', name: 'shout', input: 'HEY' }],
    heard: ['added custom_tool_call@0', 'grew custom_tool_call@0: HEY', 'done custom_tool_call@0']
  },
  {
    name: 'what is no argument is the input',
    given: [call(0, 'shout', 'HEY'), finish()],
    expected: [{ type: 'custom_tool_call', input: 'HEY' }]
  },
  {
    name: 'a call that waits for its arguments is done after the one that overtook it',
    given: [call(0, 'f', ''), call(1, 'f', '{"b":2}'), more(0, '{"a":1}'), finish()],
    expected: [{ type: 'function_call', call_id: 'call_0', arguments: '{"a":1}' }, { type: 'function_call', call_id: 'call_1', arguments: '{"b":2}' }],
    heard: ['added function_call@0', 'added function_call@1', 'grew function_call@1: {"b":2}', 'grew function_call@0: {"a":1}', 'done function_call@0', 'done function_call@1']
  },
  { name: 'a call without arguments has an empty object', given: [call(0, 'f', ''), finish()], expected: [{ type: 'function_call', arguments: '{}' }], heard: ['added function_call@0', 'grew function_call@0: {}', 'done function_call@0'] },
  { name: 'white space after whole arguments is nothing', given: [call(0, 'f', '{}'), text('x'), more(0, '\n'), finish()], expected: [{ type: 'function_call', arguments: '{}' }, message('x')] },
  { name: 'text after a call is another message', given: [text('a'), call(0, 'f', '{}'), text('b'), finish()], expected: [message('a'), { type: 'function_call' }, message('b')] },
  { name: 'thinking goes on after text', given: [thought('a'), text('b'), thought('c'), text('d'), finish()], expected: [{ type: 'reasoning' }, message('b'), { type: 'reasoning' }, message('d')] },
  { name: 'an empty answer is an empty message', given: [finish()], expected: [message('')], heard: ['added message@0', 'done message@0'] },
  { name: 'so is one that was only thought', given: [thought('hm'), finish()], expected: [{ type: 'reasoning' }, message('')] },
  { name: 'thinking that was cut has no message', given: [thought('hm'), finish('length')], expected: [{ type: 'reasoning' }] },
  { name: 'text that was cut is incomplete', given: [text('x'), finish('length')], expected: [message('x', 'incomplete')] },
  { name: 'text that was filtered is incomplete', given: [text('x'), finish('content_filter')], expected: [message('x', 'incomplete')] },
  { name: 'arguments that were cut are incomplete, and nothing is added to them', given: [call(0, 'f', '{"a'), finish('length')], expected: [{ type: 'function_call', status: 'incomplete', arguments: '{"a' }] },
  { name: 'arguments that never came are incomplete, too', given: [call(0, 'f', ''), finish('length')], expected: [{ type: 'function_call', status: 'incomplete', arguments: '' }] },
  { name: 'empty pieces open nothing', given: [text(''), thought(''), text('x'), finish()], expected: [message('x')] },
  { name: 'no reason is a stop', given: [text('x'), finish(null)], expected: [message('x')] }
]
for (const { name, given, asSummary, expected, heard } of cases) {
  t.test(name, async t => {
    const folded = fold(given, { ...(asSummary !== undefined && { asSummary }) })
    t.equal(folded.output.items.length, expected.length)
    t.match(folded.output.items, expected)
    if (heard) t.strictSame(folded.heard, heard)
  })
}

t.test('logprobs of the pieces are those of the text', async t => {
  const logprob = { token: 'a', logprob: -1, bytes: null, top_logprobs: [{ token: 'b', logprob: -2, bytes: [98] }] }
  const { output } = fold([{ type: 'text', text: 'a', logprobs: [logprob] }, { type: 'text', text: 'b', logprobs: [logprob] }, finish()])
  const told = { token: 'a', logprob: -1, bytes: [], top_logprobs: [{ token: 'b', logprob: -2, bytes: [98] }] }
  t.match(output.items, [{ content: [{ text: 'ab', logprobs: [told, told] }] }])
})

t.test('usage is what was told', async t => {
  t.strictSame(fold([{ type: 'usage', usage: { promptTokens: 3, completionTokens: 4 } }, finish()]).output.usage, { promptTokens: 3, completionTokens: 4 })
})
