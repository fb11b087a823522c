import type { Test } from 'tap'
import { PROBE_MS, type AccountStates } from '../../../src/stores/accounts/account-states.ts'

/** One form of the states, with a clock that only goes when it is told to. */
export interface Form {
  states: AccountStates
  startMs: number
  advance: (ms: number) => void | Promise<void>
}

/** What every form does. */
export async function checkStates (t: Test, { states, startMs, advance }: Form): Promise<void> {
  const busy = { account: 'main', model: '@cf/a/b', reason: 'busy' as const, sinceMs: 0, untilMs: startMs + 10_000 }
  const quota = { account: 'main', reason: 'quota' as const, sinceMs: 0, untilMs: startMs + 3_600_000 }
  t.strictSame(states.rests('main'), [])
  states.rest(busy)
  states.rest(quota)
  t.strictSame(states.rests('main'), [busy, quota])
  t.strictSame(states.rests('backup'), [])
  states.rest({ ...busy, untilMs: startMs + 5_000 })
  t.strictSame(states.rests('main'), [busy, quota], 'the later deadline counts')
  states.rest({ ...busy, untilMs: startMs + 60_000 })
  t.match(states.rests('main'), [{ untilMs: startMs + 60_000 }, quota])
  t.equal(states.nextProbeMs('main'), startMs + PROBE_MS.quota)
  t.equal(await states.takeProbe('main', 'quota'), false, 'one that went out just now')
  await advance(PROBE_MS.quota)
  t.strictSame(states.rests('main'), [quota], 'what is over is gone')
  t.equal(await states.takeProbe('main', 'quota'), true)
  t.equal(await states.takeProbe('main', 'quota'), false, 'once in each interval')
  states.rest({ ...quota, sinceMs: 5, untilMs: startMs })
  t.match(states.rests('main'), [{ ...quota, sinceMs: 5 }], 'and the later beginning')
  states.end(states.rests('main'))
  t.strictSame(states.rests('main'), [])
}
