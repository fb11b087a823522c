import t from 'tap'
import { PROBE_MS } from '../../../src/stores/accounts/account-states.ts'
import { MemoryAccountStates } from '../../../src/stores/accounts/memory.ts'
import { ToldAccountStates } from '../../../src/stores/accounts/told.ts'

t.test('what one process learns, all know', t => {
  const clock = { ms: 0 }
  const all: ToldAccountStates[] = []
  for (let count = 0; count < 3; count++) {
    all.push(new ToldAccountStates(new MemoryAccountStates(() => clock.ms), news => { for (const one of all) one.hear(JSON.parse(JSON.stringify(news))) }))
  }
  const [one, other, third] = all as [ToldAccountStates, ToldAccountStates, ToldAccountStates]
  const quota = { account: 'main', reason: 'quota' as const, sinceMs: 0, untilMs: 3_600_000 }
  one.rest(quota)
  t.strictSame(other.rests('main'), [quota])
  one.rest({ account: 'main', reason: 'failing', sinceMs: 0, untilMs: 10_000 })
  t.strictSame([one.rests('main').length, other.rests('main').length], [2, 1], 'but for failures, which are its own')
  clock.ms = PROBE_MS.quota
  t.strictSame([other.takeProbe('main', 'quota'), one.takeProbe('main', 'quota'), third.takeProbe('main', 'quota')], [true, false, false], 'one of them asks again')
  third.end([quota])
  t.strictSame(one.rests('main'), [])
  t.end()
})
