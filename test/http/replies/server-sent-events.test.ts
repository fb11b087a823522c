import t from 'tap'
import { DONE, EVENT_STREAM_HEADERS, toComment, toEvent } from '../../../src/http/replies/server-sent-events.ts'

t.test('events and comments end with a blank line', t => {
  const cases = [
    { name: 'an event', given: toEvent('{"a":1}'), expected: 'data: {"a":1}\n\n' },
    { name: 'an event with a name', given: toEvent('{"a":1}', 'response.created'), expected: 'event: response.created\ndata: {"a":1}\n\n' },
    { name: 'the last event', given: DONE, expected: 'data: [DONE]\n\n' },
    { name: 'a comment', given: toComment('x: y'), expected: ': x: y\n\n' },
    { name: 'a comment that would begin an event', given: toComment('x\r\n\r\ndata: {}\n'), expected: ': x data: {} \n\n' }
  ]
  for (const { name, given, expected } of cases) t.equal(given, expected, name)
  t.end()
})

t.test('the headers keep everybody on the way from collecting or changing a stream', t => {
  t.strictSame(EVENT_STREAM_HEADERS, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no'
  })
  t.end()
})
