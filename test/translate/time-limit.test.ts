import t from 'tap'
import { TooLongError, withinTime } from '../../src/translate/time-limit.ts'

t.test('what is done in time answers or throws as if nothing were', t => {
  t.equal(withinTime(1_000, () => 4), 4)
  t.throws(() => withinTime(1_000, () => { throw new RangeError('mine') }), new RangeError('mine'))
  t.equal(withinTime(1_000, () => withinTime(1_000, () => 'inside')), 'inside')
  t.end()
})

t.test('what takes for ever is broken off', t => {
  const endless: Record<string, () => unknown> = {
    'a loop': () => { for (;;); },
    'a pattern': () => /^(a+)+$/.test(`${'a'.repeat(50)}b`)
  }
  for (const [name, work] of Object.entries(endless)) {
    const began = Date.now()
    t.throws(() => withinTime(50, work), TooLongError, name)
    t.ok(Date.now() - began < 5_000, name)
  }
  t.equal(withinTime(1_000, () => 'still here'), 'still here')
  t.end()
})

t.test('what had to wait for its time is begun again, but not for ever', t => {
  let tries = 0
  function waiting (times: number): number {
    if (++tries <= times) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5_000)
    return tries
  }
  t.equal(withinTime(200, () => waiting(1)), 2)
  tries = 0
  t.throws(() => withinTime(200, () => waiting(9)), TooLongError)
  t.equal(tries, 4)
  t.end()
})
