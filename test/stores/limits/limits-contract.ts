import fc from 'fast-check'
import type { Test } from 'tap'
import type { KeyLimits } from '../../../src/settings/key-limits.ts'
import type { Demand, LimitedKey, Limits, Reservation, Spent } from '../../../src/stores/limits/limits.ts'

export const NOON = Date.parse('2026-11-29T12:00:00Z')
export const MICRO = 1_000_000
const HOURS = 3_600_000
const NOTHING: Demand = { inputTokens: 0, outputTokens: 0, microNeurons: 0 }

export function toKey (id: string, limits: KeyLimits): LimitedKey {
  return { id, limits }
}

/** What every form of limits does. @param open a new one, that goes by this clock */
export function testLimits (t: Test, open: (t: Test, now: () => number) => Limits | Promise<Limits>): void {
  t.test('every key has its own', async t => {
    const limits = await open(t, () => NOON)
    const [alice, bob] = [toKey('alice', { rpm: 1 }), toKey('bob', { rpm: 1 })]
    t.equal((await limits.reserve(alice, NOTHING)).kind, 'reserved')
    t.strictSame(await limits.reserve(alice, NOTHING), {
      kind: 'refused',
      facts: { limit: 'rpm', max: 1, used: 1, retryAfterMs: 60_000 },
      standing: { requests: { limit: 1, remaining: 0, resetMs: 60_000 } }
    })
    t.equal((await limits.reserve(bob, NOTHING)).kind, 'reserved')
    t.strictSame(await limits.standing(alice), { requests: { limit: 1, remaining: 0, resetMs: 60_000 } })
    t.strictSame(await limits.standing(toKey('carol', { rpm: 1 })), { requests: { limit: 1, remaining: 1, resetMs: 0 } })
  })

  t.test('a key whose models alone are limited is not counted', async t => {
    const limits = await open(t, () => NOON)
    const key = toKey('alice', { models: ['a'] })
    const outcome = await limits.reserve(key, { inputTokens: 9, outputTokens: 9, microNeurons: 0 })
    t.match(outcome, { kind: 'reserved', tokens: 0 })
    t.strictSame([await limits.standing(key), await limits.budgets(key)], [{}, {}])
  })

  t.test('a second settlement changes nothing', async t => {
    const limits = await open(t, () => NOON)
    const key = toKey('alice', { tpm: 100, parallel: 2, neurons_per_day: 10 })
    const reservation = await limits.reserve(key, { inputTokens: 10, outputTokens: 20, microNeurons: MICRO }) as Reservation
    t.equal(reservation.tokens, 30)
    for (const tokens of [12, 50, 0]) {
      await reservation.settle({ tokens, microNeurons: tokens * 1_000 })
      t.match(await limits.standing(key), { tokens: { remaining: 88 } })
      t.match(await limits.budgets(key), { day: { used: 12_000, reserved: 0 } })
    }
  })

  t.test('a place is free when its request has ended', async t => {
    const limits = await open(t, () => NOON)
    const key = toKey('alice', { parallel: 2 })
    const [first] = [await limits.reserve(key, NOTHING), await limits.reserve(key, NOTHING)] as Reservation[]
    t.match(await limits.reserve(key, NOTHING), { kind: 'refused', facts: { limit: 'parallel', max: 2, used: 2, retryAfterMs: 5_000 } })
    await first?.settle({ tokens: 0, microNeurons: 0 })
    t.equal((await limits.reserve(key, NOTHING)).kind, 'reserved')
  })

  t.test('a budget holds the whole of what a request may use, and ends its period', async t => {
    let now = NOON
    const limits = await open(t, () => now)
    const key = toKey('alice', { neurons_per_day: 1, neurons_per_month: 2 })
    const first = await limits.reserve(key, { ...NOTHING, microNeurons: 5 * MICRO }) as Reservation
    t.match(await limits.reserve(key, NOTHING), { kind: 'refused', facts: { limit: 'neurons_per_day', max: 1, used: 0, isHeld: true, retryAfterMs: 5_000 } })
    await first.settle({ tokens: 9, microNeurons: 1_250_000 })
    t.match(await limits.reserve(key, NOTHING), { kind: 'refused', facts: { limit: 'neurons_per_day', max: 1, used: 1.25, retryAfterMs: 12 * HOURS } })
    t.strictSame(await limits.budgets(key), {
      day: { limit: MICRO, used: 1_250_000, reserved: 0, remaining: 0, resetsAt: NOON + 12 * HOURS },
      month: { limit: 2 * MICRO, used: 1_250_000, reserved: 0, remaining: 750_000, resetsAt: Date.parse('2026-12-01T00:00:00Z') }
    })
    now += 12 * HOURS
    t.match(await limits.budgets(key), { day: { used: 0, resetsAt: NOON + 36 * HOURS }, month: { used: 1_250_000 } })
    now += 24 * HOURS
    t.match(await limits.budgets(key), { month: { used: 0, resetsAt: Date.parse('2027-01-01T00:00:00Z') } })
  })

  t.test('months end when they do', async t => {
    for (const [moment, end] of [
      ['2024-02-28T23:59:59.999Z', '2024-03-01'], ['2024-02-29', '2024-03-01'], ['2026-02-28', '2026-03-01'], ['2026-03-01', '2026-04-01'],
      ['2026-12-31T23:59:59.999Z', '2027-01-01'], ['2027-01-01', '2027-02-01'], ['2100-02-28', '2100-03-01'], ['2000-02-29', '2000-03-01'], ['2027-07-31', '2027-08-01']
    ] as const) {
      const limits = await open(t, () => Date.parse(moment))
      const key = toKey('alice', { neurons_per_month: 2 })
      await limits.reserve(key, NOTHING)
      t.equal((await limits.budgets(key)).month?.resetsAt, Date.parse(end), moment)
    }
  })
}

export type Step =
  | { reserve: Demand }
  | { settle: number, spent: Spent }
  | { waitMs: number }

export const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ reserve: fc.record({ inputTokens: fc.nat(30), outputTokens: fc.nat(60), microNeurons: fc.nat(3 * MICRO) }) }) },
  { weight: 3, arbitrary: fc.record({ settle: fc.nat(20), spent: fc.record({ tokens: fc.nat(120), microNeurons: fc.nat(4 * MICRO) }) }) },
  { weight: 2, arbitrary: fc.record({ waitMs: fc.oneof(fc.nat(5_000), fc.nat(120_000), fc.nat(40 * 86_400_000)) }) }
)

export const anyLimits: fc.Arbitrary<KeyLimits> = fc.record({
  rpm: fc.integer({ min: 1, max: 6 }),
  tpm: fc.integer({ min: 1, max: 200 }),
  rpd: fc.integer({ min: 1, max: 9 }),
  parallel: fc.integer({ min: 1, max: 4 }),
  neurons_per_day: fc.integer({ min: 1, max: 8 }),
  neurons_per_month: fc.integer({ min: 1, max: 20 })
}, { requiredKeys: [] })
