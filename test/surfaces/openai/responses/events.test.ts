import fc from 'fast-check'
import t from 'tap'
import type { Batch, FinishReason, GenerationEvent } from '../../../../src/generation/event.ts'
import type { OutputItemsOptions } from '../../../../src/surfaces/openai/responses/output.ts'
import { OutputItems } from '../../../../src/surfaces/openai/responses/output-items.ts'
import { ResponseEvents } from '../../../../src/surfaces/openai/responses/events.ts'
import { toServedTools } from '../../../../src/surfaces/openai/responses/tools.ts'
import { toBegunResponse, toEndedResponse } from '../../../../src/surfaces/openai/responses/fold.ts'
import { readResponseStream, toOrder } from '../../../streams/response-stream.ts'
import { runs } from '../../../property-runs.ts'

const begun = toBegunResponse({ model: 'm', input: 'x' }, { id: 'resp_1', createdAt: 1_000 })
const tools = toServedTools([{ type: 'function', name: 'f' }, { type: 'custom', name: 'shout' }], [])

function toOptions (asSummary = false): OutputItemsOptions {
  let count = 0
  return { tools, newItemId: prefix => `${prefix}${++count}`, asSummary }
}

/** The whole stream's text, and what each batch led to. */
function tell (batches: Batch[], options = toOptions()): { text: string, pieces: string[] } {
  const encoder = new ResponseEvents(begun, options)
  const pieces = [encoder.begin(), ...batches.map(batch => encoder.encode(batch))]
  pieces.push(encoder.end(toEndedResponse(begun, encoder.output, 2_000)))
  return { text: pieces.join(''), pieces }
}

const finish = (reason: FinishReason = 'stop'): GenerationEvent => ({ type: 'finish', reason })

t.test('an event to the letter', async t => {
  const { pieces } = tell([[{ type: 'text', text: 'a\n"b"' }], [], [{ type: 'text', text: '\u2028' }, finish()]])
  t.equal(pieces[1], [
    'event: response.output_item.added\ndata: {"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}\n\n',
    'event: response.content_part.added\ndata: {"type":"response.content_part.added","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]}}\n\n',
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"a\\n\\"b\\"","logprobs":[]}\n\n'
  ].join(''))
  t.equal(pieces[2], '', 'a batch of nothing leads to nothing')
})

const text = ['output_item.added', 'content_part.added', 'output_text.delta', 'output_text.done', 'content_part.done', 'output_item.done']
const cases: Array<{ name: string, given: Batch, asSummary?: boolean, expected: string[] }> = [
  { name: 'text', given: [{ type: 'text', text: 'x' }, { type: 'text', text: 'y' }, finish()], expected: [...text, 'completed'] },
  { name: 'text that was cut', given: [{ type: 'text', text: 'x' }, finish('length')], expected: [...text, 'incomplete'] },
  {
    name: 'thinking',
    given: [{ type: 'reasoning', text: 'hm' }, { type: 'text', text: 'x' }, finish()],
    expected: ['output_item.added', 'content_part.added', 'reasoning_text.delta', 'reasoning_text.done', 'content_part.done', 'output_item.done', ...text, 'completed']
  },
  {
    name: 'thinking as a summary',
    asSummary: true,
    given: [{ type: 'reasoning', text: 'hm' }, { type: 'text', text: 'x' }, finish()],
    expected: ['output_item.added', 'reasoning_summary_part.added', 'reasoning_summary_text.delta', 'reasoning_summary_text.done', 'reasoning_summary_part.done', 'output_item.done', ...text, 'completed']
  },
  {
    name: 'two calls',
    given: [{ type: 'tool_call', index: 0, id: 'a', name: 'f', arguments: '{' }, { type: 'tool_call', index: 0, arguments: '}' }, { type: 'tool_call', index: 1, id: 'b', name: 'f', arguments: '{}' }, finish('tool_calls')],
    expected: [...Array(2).fill(['output_item.added', 'function_call_arguments.delta', 'function_call_arguments.done', 'output_item.done']).flat(), 'completed']
  },
  {
    name: 'a custom call',
    given: [{ type: 'tool_call', index: 0, id: 'a', name: 'shout', arguments: '{"input":"HEY"}' }, finish('tool_calls')],
    expected: ['output_item.added', 'custom_tool_call_input.delta', 'custom_tool_call_input.done', 'output_item.done', 'completed']
  },
  { name: 'nothing', given: [finish()], expected: ['output_item.added', 'content_part.added', 'output_text.done', 'content_part.done', 'output_item.done', 'completed'] }
]
for (const { name, given, asSummary, expected } of cases) {
  t.test(`${name} is told in OpenAI's order`, async t => {
    const stream = readResponseStream(tell([given], toOptions(asSummary)).text)
    t.strictSame(stream.complaints, [])
    t.strictSame(toOrder(stream.events), ['created', 'in_progress', ...expected])
  })
}

t.test('the arguments of a call are told with its name when they are whole', async t => {
  const { events } = readResponseStream(tell([[{ type: 'tool_call', index: 0, id: 'a', name: 'f', arguments: '{"a":1}' }, finish('tool_calls')]]).text)
  t.match(events.find(({ type }) => type === 'response.function_call_arguments.done'), { name: 'f', arguments: '{"a":1}', output_index: 0, item_id: 'fc_1' })
})

t.test('logprobs come with their piece, and whole', async t => {
  const logprob = { token: 'a', logprob: -1, bytes: [97], top_logprobs: [] }
  const stream = readResponseStream(tell([[{ type: 'text', text: 'a', logprobs: [logprob] }, finish()]]).text)
  t.strictSame(stream.complaints, [])
  t.match(stream.events.filter(event => 'logprobs' in event), [{ delta: 'a', logprobs: [logprob] }, { text: 'a', logprobs: [logprob] }])
})

t.test('a failure is told twice, with what there was', async t => {
  const encoder = new ResponseEvents(begun, toOptions())
  const error = { message: 'Busy.', type: 'rate_limit_error', param: null, code: 'rate_limit_exceeded' }
  const stream = readResponseStream(encoder.begin() + encoder.encode([{ type: 'text', text: 'x' }]) + encoder.fail(error))
  t.strictSame(stream.complaints, [])
  t.strictSame(toOrder(stream.events), ['created', 'in_progress', 'output_item.added', 'content_part.added', 'output_text.delta', 'error', 'failed'])
  t.strictSame(stream.error, error)
  t.match(stream.response, { status: 'failed', error: { code: 'rate_limit_exceeded', message: 'Busy.' }, output: [{ status: 'incomplete', content: [{ text: 'x' }] }] })
})

/** Any sound generation: pieces of thinking, text and up to three calls in any order, each call named with its first piece. */
const generations = fc.tuple(
  fc.array(fc.oneof(
    fc.record({ type: fc.constant('text' as const), text: fc.string() }),
    fc.record({ type: fc.constant('reasoning' as const), text: fc.string() }),
    fc.record({ type: fc.constant('tool_call' as const), index: fc.nat(2), arguments: fc.constantFrom('', '{', '"a":1', '}', '{"input":"x"}', ' ') })
  ), { maxLength: 20 }),
  fc.constantFrom('f', 'shout'),
  fc.constantFrom<FinishReason>('stop', 'length', 'tool_calls', 'content_filter')
).map(([events, name, reason]): Batch => {
  const named = new Set<number>()
  const generation = events.map((event): GenerationEvent => {
    if (event.type !== 'tool_call' || named.has(event.index)) return event
    named.add(event.index)
    return { ...event, id: `call_${event.index}`, name }
  })
  return [...generation, finish(reason)]
})

t.test('whatever a model says, the deltas are the output, and a plain answer has the same', async t => {
  fc.assert(fc.property(generations, fc.nat(20), fc.boolean(), (events, cut, asSummary) => {
    const stream = readResponseStream(tell([events.slice(0, cut), events.slice(cut)], toOptions(asSummary)).text)
    const plain = new OutputItems(toOptions(asSummary))
    for (const event of events) plain.push(event)
    const same = JSON.stringify(stream.response?.output) === JSON.stringify(plain.items)
    if (stream.complaints.length > 0 || !same) throw new Error(stream.complaints.join('\n') || 'streamed and plain are not the same')
  }), { numRuns: runs(300) })
  t.pass('in 300 generations')
})
