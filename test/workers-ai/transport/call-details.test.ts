import t from 'tap'
import { CallContent, CallDetails } from '../../../src/workers-ai/transport/call-details.ts'

t.test('a call ends once, with what its answer says of itself', t => {
  const details = new CallDetails({ stream: true }, false)
  t.match(details, { asked: { stream: true }, content: undefined, endedAt: undefined, startedAt: Number })
  details.end({ answerId: 'a', answerModel: 'm', finishReason: 'stop' })
  const { endedAt } = details
  t.ok(endedAt !== undefined && endedAt >= details.startedAt)
  details.end()
  t.match(details, { endedAt, answerId: 'a', answerModel: 'm', finishReason: 'stop' })
  t.end()
})

t.test('content is kept without images, and not what is too long', t => {
  const content = new CallContent()
  const base64 = 'QUJD'.repeat(500)
  content.sent(`{"messages":[{"image_url":{"url":"data:image/png;base64,${base64}"}},{"image":"${base64}"},{"content":"words, as long as they may be: ${'ab '.repeat(700)}"}]}`)
  t.notMatch(content.body, 'QUJDQUJD')
  t.match(content.body, 'words, as long')
  t.equal(content.isTooLong, false)
  content.received('an answer')
  t.equal(content.answer, 'an answer')
  content.sent(`{"content":"${'QUJD'.repeat(2_500_000)}"}`)
  t.equal(content.body, '{"content":"[left out]"}', 'however long it is')
  content.sent('a b '.repeat(300_000))
  t.match(content, { body: undefined, isTooLong: true })
  t.end()
})
