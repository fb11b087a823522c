import t from 'tap'
import type { KeyLimits } from '../../../src/settings/key-limits.ts'
import type { KeyUse } from '../../../src/stores/limits/key-state.ts'
import { LimitsWhileAway } from '../../../src/stores/limits/while-away.ts'

const NOON = Date.parse('2026-11-29T12:00:00Z')
const MIDNIGHT = Date.parse('2026-11-30T00:00:00Z')
const MICRO = 1_000_000
const SMALL = { inputTokens: 10, outputTokens: 20, microNeurons: MICRO }

function use (rest: Partial<KeyUse> = {}): KeyUse {
  const unused = { used: 0, reserved: 0, resetsAt: MIDNIGHT }
  return { running: 0, perMinute: 0, tokens: 0, perDay: unused, day: unused, month: { ...unused, resetsAt: Date.parse('2026-12-01T00:00:00Z') }, ...rest }
}

function start (limits: KeyLimits, seen?: KeyUse, replicas = 1) {
  const away = new LimitsWhileAway()
  away.replicas = replicas
  const key = { id: 'alice', limits }
  if (seen) away.see(key, seen, NOON)
  const own = { running: 0, requests: 0, day: 0, month: 0 }
  const reserve = (now = NOON, running = 0) => {
    const outcome = away.reserve(key, SMALL, now, { ...own, running })
    if ('facts' in outcome) return outcome.facts
    for (const period of ['day', 'month'] as const) own[period] += MICRO
    return undefined
  }
  return { away, key, own, reserve }
}

t.test('rates go on from what was last seen', async t => {
  const { reserve } = start({ rpm: 10 }, use({ perMinute: 2 * 60_000 }))
  t.strictSame([reserve(), reserve()], [undefined, undefined])
  t.match(reserve(), { limit: 'rpm', max: 10, retryAfterMs: 6_000 })
  t.equal(reserve(NOON + 6_000), undefined)
  const day = start({ rpd: 5 }, use({ perDay: { used: 4, reserved: 0, resetsAt: MIDNIGHT } }))
  t.equal(day.reserve(), undefined)
  t.match(day.reserve(), { limit: 'rpd' })
  t.equal(day.reserve(MIDNIGHT), undefined)
})

t.test('of what runs, only what runs here is known', async t => {
  const { reserve } = start({ parallel: 3 }, use({ running: 3 }))
  t.equal(reserve(NOON, 2), undefined)
  t.match(reserve(NOON, 3), { limit: 'parallel', max: 3, used: 3, retryAfterMs: 5_000 })
  t.equal(reserve(NOON, 2), undefined)
})

t.test('a key that was never seen has its rates, and no budget', async t => {
  const { reserve } = start({ rpm: 1 })
  t.equal(reserve(), undefined)
  t.match(reserve(), { limit: 'rpm' })
  t.strictSame(start({ neurons_per_day: 5 }).reserve(), { limit: 'neurons_per_day', max: 5, isUnavailable: true, retryAfterMs: 5_000 })
})

t.test('a budget is divided among the replicas', async t => {
  const seen = use({ day: { used: 2 * MICRO, reserved: MICRO, resetsAt: MIDNIGHT } })
  const { away, key, own, reserve } = start({ neurons_per_day: 10 }, seen, 3)
  t.strictSame([reserve(), reserve(), reserve()], [undefined, undefined, undefined], '7 are left, of which a third is begun by a third call')
  t.match(reserve(), { limit: 'neurons_per_day', max: 10, isUnavailable: true })
  t.match(away.budgets(key, NOON), { day: { limit: 10 * MICRO, used: 2 * MICRO, remaining: 7 * MICRO } })
  own.day = 0
  for (let count = 0; count < 3; count++) t.equal(reserve(MIDNIGHT), undefined, 'a new day begins with all but what is held')
  t.match(reserve(MIDNIGHT), { isUnavailable: true })
})

t.test('a share of the month is not given anew on the next day', async t => {
  const { own, reserve } = start({ neurons_per_month: 3, neurons_per_day: 9 }, use())
  t.strictSame([reserve(), reserve(), reserve()], [undefined, undefined, undefined])
  t.match(reserve(), { limit: 'neurons_per_month', isUnavailable: true })
  own.day = 0
  t.match(reserve(MIDNIGHT), { limit: 'neurons_per_month', isUnavailable: true })
})

t.test('requests of the day that Redis has not counted count', async t => {
  const { own, reserve } = start({ rpd: 5 }, use({ perDay: { used: 3, reserved: 0, resetsAt: MIDNIGHT } }))
  own.requests = 1
  t.equal(reserve(), undefined)
  t.match(reserve(), { limit: 'rpd', used: 5 })
  const next = start({ rpd: 2 }, use({ perDay: { used: 2, reserved: 0, resetsAt: MIDNIGHT } }))
  next.own.requests = 1
  t.equal(next.reserve(MIDNIGHT), undefined)
  t.match(next.reserve(MIDNIGHT), { limit: 'rpd', used: 2 })
})

t.test('one that was used up stays so', async t => {
  const seen = use({ day: { used: 11 * MICRO, reserved: 0, resetsAt: MIDNIGHT } })
  t.match(start({ neurons_per_day: 10 }, seen).reserve(), { isUnavailable: true })
})

t.test('what Redis says later is where it goes on from', async t => {
  const { away, key, reserve } = start({ rpm: 1 }, use({ perMinute: 60_000 }))
  t.equal(reserve(), undefined)
  t.match(reserve(), { limit: 'rpm' })
  away.see(key, use({ perMinute: 60_000 }), NOON)
  t.match(away.standing(key, NOON), { requests: { limit: 1, remaining: 1 } })
  t.equal(reserve(), undefined)
  t.match(away.standing(key, NOON), { requests: { limit: 1, remaining: 0 } })
})
