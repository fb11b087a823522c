import t from 'tap'
import { FrameRecord } from '../../../src/ui/playground/frame-record.ts'

t.test('Cloudflare\'s frames stand beside the chunk they became', t => {
  const record = new FrameRecord()
  record.note({ kind: 'comment', text: 'native {"response":"a"}' })
  record.note({ kind: 'comment', text: 'native {"response":"b"}' })
  record.note({ kind: 'data', text: 'chunk' })
  record.note({ kind: 'comment', text: 'x-proxy-warnings: a b' })
  record.note({ kind: 'data', text: '[DONE]' })
  record.note({ kind: 'comment', text: 'native last' })
  t.strictSame(record.all(), [
    { native: ['{"response":"a"}', '{"response":"b"}'], chunk: 'chunk' },
    { native: [], chunk: '[DONE]' },
    { native: ['last'], chunk: '' }
  ])
  t.ok(record.hasNative)
  t.notOk(record.isCut)
  t.end()
})

t.test('a long answer is kept in part', t => {
  const record = new FrameRecord()
  for (let index = 0; index < 2_000; index++) record.note({ kind: 'data', text: 'chunk' })
  t.ok(record.all().length <= 500)
  t.ok(record.isCut)
  t.notOk(record.hasNative)
  t.end()
})
