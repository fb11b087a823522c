import t from 'tap'
import { UpstreamError } from '../../../src/errors.ts'
import type { ModelId } from '../../../src/workers-ai/models/model.ts'
import { Retirements } from '../../../src/workers-ai/models/retirements.ts'

const MODEL = '@cf/a/b' as ModelId
const HOUR_MS = 60 * 60_000
const refusal = new UpstreamError('It is gone.', { kind: 'refused', status: 400, code: 5028 })

t.test('what Cloudflare has retired is refused as it was, for an hour, and only to the same credential', t => {
  let now = 1
  const retirements = new Retirements(() => now)
  retirements.refuseKnown('', MODEL)
  retirements.note('', MODEL, refusal)
  t.throws(() => retirements.refuseKnown('', MODEL), { message: 'It is gone.', kind: 'refused', status: 400, code: 5028, attempts: 0 })
  t.doesNotThrow(() => retirements.refuseKnown('other', MODEL))
  t.doesNotThrow(() => retirements.refuseKnown('', '@cf/a/c' as ModelId))
  now = 1 + HOUR_MS
  t.throws(() => retirements.refuseKnown('', MODEL))
  now++
  t.doesNotThrow(() => retirements.refuseKnown('', MODEL), 'then it is asked again')
  retirements.note('', MODEL, refusal)
  now += HOUR_MS
  t.throws(() => retirements.refuseKnown('', MODEL), 'and counts for another hour')
  t.end()
})

t.test('so many are remembered, and the oldest is forgotten first', t => {
  const retirements = new Retirements(() => 0)
  for (let count = 0; count < 1_000; count++) retirements.note(String(count), MODEL, refusal)
  retirements.note('0', MODEL, refusal)
  retirements.note('one more', MODEL, refusal)
  t.throws(() => retirements.refuseKnown('0', MODEL), 'what was said again is young')
  t.doesNotThrow(() => retirements.refuseKnown('1', MODEL))
  t.throws(() => retirements.refuseKnown('2', MODEL))
  t.throws(() => retirements.refuseKnown('one more', MODEL))
  t.end()
})
