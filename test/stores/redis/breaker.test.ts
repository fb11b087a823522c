import t from 'tap'
import { Breaker } from '../../../src/stores/redis/breaker.ts'

t.test('three failures in a row open it, and what succeeds in between begins anew', async t => {
  const breaker = new Breaker()
  t.strictSame([breaker.failed(), breaker.failed()], [false, false])
  breaker.succeeded()
  t.strictSame([breaker.failed(), breaker.failed(), breaker.failed(), breaker.failed()], [false, false, true, false])
})

t.test('pauses double, from one second to ten', async t => {
  const breaker = new Breaker()
  for (let count = 0; count < 3; count++) breaker.failed()
  t.strictSame(Array.from({ length: 6 }, () => breaker.nextPauseMs()), [1_000, 2_000, 4_000, 8_000, 10_000, 10_000])
  for (let count = 0; count < 2_000; count++) breaker.nextPauseMs()
  t.equal(breaker.nextPauseMs(), 10_000)
  breaker.succeeded()
  t.strictSame([breaker.nextPauseMs(), breaker.nextPauseMs()], [50, 1_000], 'a connection that is lost is made again at once')
})
