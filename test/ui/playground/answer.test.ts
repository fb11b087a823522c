import t from 'tap'
import { Answer } from '../../../src/ui/playground/answer.ts'
import { FrameTicker } from '../../../src/ui/shell/frame-ticker.ts'

/** An answer at a clock that a test moves, whose frames never come. */
function newAnswer () {
  const clock = { now: 0 }
  return { clock, answer: new Answer(() => clock.now, new FrameTicker(() => {})) }
}

const data = (chunk: unknown) => ({ kind: 'data' as const, text: typeof chunk === 'string' ? chunk : JSON.stringify(chunk) })
const delta = (delta: object, finish: string | null = null) => data({ choices: [{ delta, finish_reason: finish }] })

t.test('a stream', t => {
  const { answer, clock } = newAnswer()
  answer.readHeaders(new Headers({ 'x-request-id': 'req_1', 'x-proxy-model': '@cf/a/b', 'x-proxy-warnings': 'top_k clamped, user dropped' }), '@cf/a/b')
  t.equal(answer.servedModel, undefined, 'the model that was asked is not told again')
  answer.readEvents([delta({ role: 'assistant', content: '' })])
  t.equal(answer.state, 'waiting')
  clock.now = 120
  answer.readEvents([delta({ reasoning_content: 'hm' }), delta({ content: 'Hel' })])
  t.equal(answer.state, 'growing')
  answer.readEvents([delta({ content: 'lo' }), delta({}, 'stop'), { kind: 'comment', text: 'x-proxy-warnings: content repaired' }])
  answer.readEvents([data({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } }), data('[DONE]')])
  clock.now = 300
  answer.end()
  t.match(answer, {
    state: 'done',
    content: 'Hello',
    thinking: 'hm',
    finishReason: 'stop',
    requestId: 'req_1',
    firstTokenMs: 120,
    durationMs: 300,
    usage: { prompt_tokens: 3 },
    changes: ['top_k clamped', 'user dropped', 'content repaired']
  })
  t.end()
})

t.test('calls of tools come in pieces, or whole', t => {
  const { answer } = newAnswer()
  answer.readEvents([
    delta({ tool_calls: [{ index: 0, id: 'a', function: { name: 'f', arguments: '' } }] }),
    delta({ tool_calls: [{ index: 1, id: 'b', function: { name: 'g', arguments: '{}' } }, { index: 0, function: { arguments: '{"x":' } }] }),
    delta({ tool_calls: [{ index: 0, function: { arguments: '1}' } }] })
  ])
  t.strictSame(answer.toolCalls, [{ id: 'a', name: 'f', arguments: '{"x":1}' }, { id: 'b', name: 'g', arguments: '{}' }])
  const { answer: whole } = newAnswer()
  whole.readWhole({ choices: [{ finish_reason: 'tool_calls', message: { content: null, tool_calls: [{ id: 'c', custom: { name: 'h', input: 'text' } }] } }], usage: { prompt_tokens: 1 } })
  whole.end()
  t.strictSame(whole.toolCalls, [{ id: 'c', name: 'h', arguments: 'text' }])
  t.equal(whole.state, 'done')
  t.end()
})

const failures = [
  { name: 'an error event', events: [delta({ content: 'Hel' }), data({ error: { message: 'it broke', code: 'x' } })], message: 'it broke' },
  { name: 'an end without [DONE]', events: [delta({ content: 'Hel' })], message: /broke off/ },
  { name: 'a chunk that is no JSON', events: [delta({ content: 'Hel' }), data('{'), data('[DONE]')], message: /no JSON/ }
]
for (const { name, events, message } of failures) {
  const { answer } = newAnswer()
  answer.readEvents(events)
  answer.end()
  t.equal(answer.state, 'failed', name)
  t.match(answer.error?.message, message)
  t.equal(answer.content, 'Hel', 'what came is kept')
}

t.test('who listens hears of the end at once', t => {
  const { answer } = newAnswer()
  let told = 0
  answer.contentSource.subscribe(() => { told += 1 })
  answer.readEvents([delta({ content: 'x' })])
  t.equal(told, 0)
  answer.stop()
  t.equal(told, 1)
  t.equal(answer.contentSource.text(), 'x')
  t.notOk(answer.isUnderWay)
  t.end()
})
