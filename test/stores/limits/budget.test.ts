import t from 'tap'
import { Budget, endOf } from '../../../src/stores/limits/budget.ts'

const at = (text: string) => Date.parse(text)

t.test('days and months end at 00:00 UTC', t => {
  const cases = [
    { period: 'day', now: '2026-11-29T00:00:00.000Z', end: '2026-11-30T00:00:00Z' },
    { period: 'day', now: '2026-11-29T23:59:59.999Z', end: '2026-11-30T00:00:00Z' },
    { period: 'day', now: '2026-12-31T12:00:00Z', end: '2027-01-01T00:00:00Z' },
    { period: 'day', now: '2028-02-28T12:00:00Z', end: '2028-02-29T00:00:00Z' },
    { period: 'month', now: '2026-11-29T12:00:00Z', end: '2026-12-01T00:00:00Z' },
    { period: 'month', now: '2026-12-31T23:59:59.999Z', end: '2027-01-01T00:00:00Z' },
    { period: 'month', now: '2027-01-31T00:00:00Z', end: '2027-02-01T00:00:00Z' }
  ] as const
  for (const { period, now, end } of cases) t.equal(endOf(period, at(now)), at(end), `the ${period} of ${now}`)
  t.end()
})

t.test('it holds what is left, and counts what was used in its place', t => {
  const now = at('2026-11-29T12:00:00Z')
  const budget = new Budget(100, 'day', now)
  const resetsAt = at('2026-11-30T00:00:00Z')
  t.equal(budget.reserve(80), 80)
  t.equal(budget.reserve(80), 80, 'also where less is left')
  t.strictSame(budget.state(now), { limit: 100, used: 0, reserved: 160, remaining: 0, resetsAt })
  budget.settle(80, 30, now)
  t.match(budget.state(now), { used: 30, reserved: 80, remaining: 0 }, 'what is held may still go over the limit: nobody else passes')
  budget.settle(80, 90, now)
  t.strictSame(budget.state(now), { limit: 100, used: 120, reserved: 0, remaining: 0, resetsAt }, 'the last call may be over it')
  t.end()
})

t.test('a new period begins with nothing used; what is held stays held, and counts where it ends', t => {
  const before = at('2026-11-29T23:59:59.999Z')
  const midnight = at('2026-11-30T00:00:00Z')
  const budget = new Budget(100, 'day', before)
  budget.add(60, before)
  const held = budget.reserve(30)
  t.match(budget.state(before), { used: 60, reserved: 30, remaining: 10 })
  t.match(budget.state(midnight), { used: 0, reserved: 30, remaining: 70, resetsAt: at('2026-12-01T00:00:00Z') })
  budget.settle(held, 25, midnight)
  t.match(budget.state(midnight), { used: 25, reserved: 0 })
  t.match(budget.state(at('2026-12-24T00:00:00Z')), { used: 0, resetsAt: at('2026-12-25T00:00:00Z') }, 'days without a request are passed over')
  t.end()
})
