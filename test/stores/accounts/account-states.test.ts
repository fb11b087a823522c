import t from 'tap'
import { isOut, toRestKey, type AccountStates } from '../../../src/stores/accounts/account-states.ts'
import { MemoryAccountStates } from '../../../src/stores/accounts/memory.ts'
import { ToldAccountStates } from '../../../src/stores/accounts/told.ts'
import { checkStates } from './same-for-all.ts'

const forms: Record<string, (now: () => number) => AccountStates> = {
  memory: now => new MemoryAccountStates(now),
  told: now => new ToldAccountStates(new MemoryAccountStates(now), () => {})
}

for (const [name, make] of Object.entries(forms)) {
  t.test(name, async t => {
    const startMs = Date.UTC(2026, 2, 1, 12)
    const clock = { ms: startMs }
    await checkStates(t, { states: make(() => clock.ms), startMs, advance: ms => { clock.ms += ms } })
  })
}

t.equal(isOut('quota') && isOut('credentials') && !isOut('busy'), true)
t.strictSame([toRestKey({ reason: 'quota' }), toRestKey({ reason: 'busy', model: 'a' })], ['quota', 'busy a'])
