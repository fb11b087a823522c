import t from 'tap'
import type { Batch } from '../../src/generation/event.ts'
import { SizeLimit } from '../../src/stages/size-limit.ts'

const MEBIBYTE = 'x'.repeat(1024 * 1024)

t.test('an answer below the limit passes as it is', t => {
  const limit = new SizeLimit()
  const batch: Batch = [{ type: 'text', text: MEBIBYTE }, { type: 'reasoning', text: MEBIBYTE }, { type: 'tool_call', index: 0, id: 'i', name: 'f', arguments: MEBIBYTE }, { type: 'finish', reason: null }]
  t.equal(limit.push(batch), batch)
  t.equal(limit.done, false)
  t.end()
})

t.test('an answer above it ends as a failure, and its source may be closed', t => {
  for (const event of [{ type: 'text', text: MEBIBYTE }, { type: 'reasoning', text: MEBIBYTE }, { type: 'tool_call', index: 0, arguments: MEBIBYTE }] satisfies Batch) {
    const limit = new SizeLimit()
    for (let count = 0; count < 31; count++) t.equal(limit.push([event]).length, 1)
    t.match(limit.push([event, event]), [{ type: 'failure', error: { kind: 'malformed' } }], event.type)
    t.equal(limit.done, true)
  }
  t.end()
})

t.test('many small events count, too', t => {
  const limit = new SizeLimit()
  const batch: Batch = Array.from({ length: 1_000 }, () => ({ type: 'text', text: '' }))
  let pushed = 0
  while (!limit.done && pushed < 1_000) {
    limit.push(batch)
    pushed++
  }
  t.ok(pushed > 400 && pushed < 600, `${pushed} thousand of them`)
  t.end()
})
