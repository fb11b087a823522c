import t from 'tap'
import type { AccountStates } from '../../../src/stores/accounts/account-states.ts'
import { isOut, PROBE_MS, toRestKey } from '../../../src/stores/accounts/account-states.ts'
import { MemoryAccountStates } from '../../../src/stores/accounts/memory.ts'
import { ToldAccountStates } from '../../../src/stores/accounts/told.ts'

const NOON = Date.UTC(2026, 2, 1, 12)

/** Every form passes the same. */
const forms: Record<string, (now: () => number) => AccountStates> = {
  memory: now => new MemoryAccountStates(now),
  told: now => new ToldAccountStates(new MemoryAccountStates(now), () => {})
}

for (const [name, make] of Object.entries(forms)) {
  t.test(name, async t => {
    const clock = { ms: NOON }
    const states = make(() => clock.ms)
    const busy = { account: 'main', model: '@cf/a/b', reason: 'busy' as const, untilMs: NOON + 10_000 }
    const quota = { account: 'main', reason: 'quota' as const, untilMs: NOON + 3_600_000 }
    t.strictSame(states.rests('main'), [])
    states.rest(busy)
    states.rest(quota)
    t.strictSame(states.rests('main'), [busy, quota])
    t.strictSame(states.rests('backup'), [])
    states.rest({ ...busy, untilMs: NOON + 5_000 })
    t.strictSame(states.rests('main'), [busy, quota], 'the later deadline counts')
    states.rest({ ...busy, untilMs: NOON + 60_000 })
    t.match(states.rests('main'), [{ untilMs: NOON + 60_000 }, quota])
    t.equal(states.nextProbeMs('main'), NOON + PROBE_MS.quota)
    t.equal(await states.takeProbe('main', 'quota'), false, 'one that went out just now')
    clock.ms += PROBE_MS.quota
    t.strictSame(states.rests('main'), [quota], 'what is over is gone')
    t.equal(await states.takeProbe('main', 'quota'), true)
    t.equal(await states.takeProbe('main', 'quota'), false, 'once in each interval')
    states.end([quota])
    t.strictSame(states.rests('main'), [])
    states.close()
  })
}

t.equal(isOut('quota') && isOut('credentials') && !isOut('busy'), true)
t.strictSame([toRestKey({ reason: 'quota' }), toRestKey({ reason: 'busy', model: 'a' })], ['quota', 'busy a'])
