import t from 'tap'
import { Ending } from '../../src/stages/ending.ts'
import type { Batch, FinishReason, GenerationEvent, Usage } from '../../src/generation/event.ts'

const CALL: GenerationEvent = { type: 'tool_call', index: 0, id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' }

function usage (completionTokens: number): GenerationEvent {
  return { type: 'usage', usage: { promptTokens: 5, completionTokens } }
}

function finish (reason: FinishReason | null): GenerationEvent {
  return { type: 'finish', reason }
}

function ended (batches: Batch[], maxTokens = 100): Batch {
  const stage = new Ending({ promptTokens: 7, maxTokens })
  return batches.flatMap(batch => stage.push(batch))
}

t.test('the finish reason is worked out from what is known', t => {
  const hi: GenerationEvent = { type: 'text', text: 'hi' }
  const cases: Array<{ name: string, given: Batch, expected: FinishReason }> = [
    { name: 'nothing said is a stop', given: [hi, usage(2), finish(null)], expected: 'stop' },
    { name: 'a stop sequence is a stop', given: [hi, finish('stop')], expected: 'stop' },
    { name: 'a stop sequence is a stop also at the limit', given: [hi, usage(100), finish('stop')], expected: 'stop' },
    { name: 'length stands', given: [hi, usage(2), finish('length')], expected: 'length' },
    { name: 'length stands beside a call', given: [CALL, finish('length')], expected: 'length' },
    { name: 'content_filter stands', given: [finish('content_filter')], expected: 'content_filter' },
    { name: 'content_filter stands beside a call', given: [CALL, finish('content_filter')], expected: 'content_filter' },
    { name: 'a call wins over silence', given: [CALL, usage(9), finish(null)], expected: 'tool_calls' },
    { name: 'a call wins over the limit', given: [CALL, usage(100), finish(null)], expected: 'tool_calls' },
    { name: 'a call wins over stop', given: [hi, CALL, finish('stop')], expected: 'tool_calls' },
    { name: 'tool_calls without a call is a stop', given: [hi, usage(100), finish('tool_calls')], expected: 'stop' },
    { name: 'as many tokens as were allowed is length', given: [hi, usage(100), finish(null)], expected: 'length' },
    { name: 'more tokens than were allowed is length', given: [hi, usage(101), finish(null)], expected: 'length' },
    { name: 'one token less is a stop', given: [hi, usage(99), finish(null)], expected: 'stop' },
    { name: 'a guessed count says nothing about the limit', given: [{ type: 'text', text: 'x'.repeat(1_000) }, finish(null)], expected: 'stop' },
    { name: 'nothing at all is a stop', given: [finish(null)], expected: 'stop' }
  ]
  for (const { name, given, expected } of cases) t.strictSame(ended([given]).at(-1), finish(expected), name)
  t.end()
})

t.test('there is one usage, right before the finish', t => {
  const told: Usage = { promptTokens: 5, completionTokens: 3, cachedTokens: 2, reasoningTokens: 1 }
  const cases: Array<{ name: string, given: Batch[], expected: Usage }> = [
    { name: 'what the upstream told', given: [[{ type: 'usage', usage: told }, { type: 'text', text: 'hi' }, finish(null)]], expected: told },
    { name: 'the last one of several', given: [[usage(1), usage(2), finish(null)]], expected: { promptTokens: 5, completionTokens: 2 } },
    { name: 'a guess of four characters a token, rounded up', given: [[{ type: 'text', text: '12345' }], [finish(null)]], expected: { promptTokens: 7, completionTokens: 2, estimated: true } },
    { name: 'a guess that counts thinking', given: [[{ type: 'reasoning', text: '12345678' }, { type: 'text', text: '1234' }, finish(null)]], expected: { promptTokens: 7, completionTokens: 3, estimated: true } },
    { name: 'a guess that counts the names and arguments of calls', given: [[CALL, { type: 'tool_call', index: 0, arguments: '12' }, finish(null)]], expected: { promptTokens: 7, completionTokens: 6, estimated: true } },
    { name: 'a guess of nothing', given: [[finish(null)]], expected: { promptTokens: 7, completionTokens: 0, estimated: true } }
  ]
  for (const { name, given, expected } of cases) {
    const out = ended(given)
    t.strictSame(out.filter(event => event.type === 'usage'), [{ type: 'usage', usage: expected }], name)
    t.equal(out.at(-2)?.type, 'usage', `${name}, before the finish`)
  }
  t.end()
})

t.test('batches that do not end the generation pass as they are', t => {
  const error = new Error('broken')
  const cases: Array<{ name: string, given: Batch }> = [
    { name: 'text', given: [{ type: 'text', text: 'hi' }] },
    { name: 'nothing', given: [] },
    { name: 'a failure, which gets no usage and no finish', given: [{ type: 'text', text: 'hi' }, { type: 'failure', error }] }
  ]
  for (const { name, given } of cases) t.strictSame(ended([given]), given, name)
  t.end()
})
