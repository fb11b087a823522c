import t from 'tap'
import type { Batch } from '../../../../src/generation/event.ts'
import { toExactJsonText } from '../../../../src/json/exact-json.ts'
import { toMessage, type MessageOptions } from '../../../../src/surfaces/anthropic/messages/fold.ts'
import { toHiddenThought, toSignature } from '../../../../src/surfaces/anthropic/messages/signature.ts'
import { text, usage } from '../../../streams/events.ts'

const END: Batch = [usage(7), { type: 'finish', reason: 'stop' }]
const fold = (events: Batch, options: Partial<MessageOptions> = {}) => toMessage(events, { id: 'msg_1', model: 'm' }, { display: 'shown', prefill: undefined, ...options }, false)
const call = (args: string): Batch[number] => ({ type: 'tool_call', index: 0, id: 'call_1', name: 'f', arguments: args })

t.test('a message is folded of its events', t => {
  t.strictSame(fold([{ type: 'reasoning', text: 'Hm' }, ...text('a', 'b'), call('{"a":1}'), ...END]).message, {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [{ type: 'thinking', thinking: 'Hm', signature: toSignature('') }, { type: 'text', text: 'ab' }, { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 1 } }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 1, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 7 }
  })
  t.strictSame(fold(END).message.content, [], 'no empty text')
  t.throws(() => fold([...text('a'), { type: 'failure', error: new Error('broken') }]), { message: 'broken' })
  t.end()
})

t.test('a thought is shown, kept in its signature, or left out', t => {
  const events: Batch = [{ type: 'reasoning', text: 'Hm' }, ...text('a'), ...END]
  const [hidden] = fold(events, { display: 'omitted' }).message.content
  t.match(hidden, { type: 'thinking', thinking: '' })
  t.equal(hidden?.type === 'thinking' && toHiddenThought(hidden.signature), 'Hm')
  t.match(fold(events, { display: 'none' }), { message: { content: [{ type: 'text', text: 'a' }] }, leftOutThinking: true })
  t.end()
})

t.test('the input of a call is an object, whatever the model wrote', t => {
  const inputOf = (args: string) => toExactJsonText((fold([call(args), ...END]).message.content[0] as { input: unknown }).input)
  for (const [args, input] of [['', '{}'], ['{}', '{}'], ['{"id":12345678901234567890,"price":1.10}', '{"id":12345678901234567890,"price":1.10}'], ["{'a': 1}", '{"a":1}'], ['{"a":"b', '{"a":"b"}'], ['no JSON', '{}'], ['[1]', '{}']] as const) t.equal(inputOf(args), input, args)
  t.end()
})

t.test('what the caller wrote of it already is not repeated', t => {
  t.match(fold([...text('{"a"', ':1}'), ...END], { prefill: '{' }).message.content, [{ text: '"a":1}' }])
  t.end()
})
