import fc from 'fast-check'
import t from 'tap'
import { endOf } from '../../../src/stores/limits/budget.ts'
import type { Demand, Spent } from '../../../src/stores/limits/limits.ts'
import { MemoryLimits, type MemoryReservation } from '../../../src/stores/limits/memory.ts'
import { runs } from '../../property-runs.ts'
import { anyLimits, anyStep, MICRO, NOON, testLimits, toKey } from './limits-contract.ts'

const nothing: Demand = { inputTokens: 0, outputTokens: 0, microNeurons: 0 }

testLimits(t, (_t, now) => new MemoryLimits(now))

t.test('keys beyond the most are forgotten, the least recently used first, and none with a request in progress', async t => {
  const limits = new MemoryLimits(() => NOON, 2)
  const key = (id: string) => toKey(id, { rpd: 9 })
  const left = (id: string) => limits.standing(key(id)).requests?.remaining
  const first = limits.reserve(key('a'), nothing) as MemoryReservation
  for (const id of ['b', 'c']) {
    const reservation = limits.reserve(key(id), nothing) as MemoryReservation
    reservation.settle({ tokens: 0, microNeurons: 0 })
  }
  t.strictSame(['a', 'b', 'c'].map(left), [8, 9, 8])
  first.settle({ tokens: 0, microNeurons: 0 })
  limits.reserve(key('d'), nothing)
  t.strictSame(['a', 'c', 'd'].map(left), [9, 8, 8])
})

t.test('what was used before the start is read back', async t => {
  const limits = new MemoryLimits(() => NOON)
  const key = toKey('alice', { neurons_per_day: 1 })
  limits.recall(key, { day: MICRO, month: MICRO })
  t.match(limits.reserve(key, nothing), { kind: 'refused', facts: { limit: 'neurons_per_day', max: 1, used: 1 } })
})

/** What came of one run of steps, noted apart from the code under test. */
class Account {
  readonly admittedAt: number[] = []
  readonly spent: Array<{ at: number } & Spent> = []
  /** With what each may use. */
  readonly open = new Map<MemoryReservation, Demand>()

  /** What those in progress may still use. */
  get mostMicroNeurons (): number {
    return [...this.open.values()].reduce((sum, { microNeurons }) => sum + microNeurons, 0)
  }

  /** Of what ended in the period of a moment. */
  used (period: 'day' | 'month', now: number): number {
    return this.spent.filter(({ at }) => endOf(period, at) === endOf(period, now)).reduce((sum, { microNeurons }) => sum + microNeurons, 0)
  }

  admitted (period: 'day', now: number): number {
    return this.admittedAt.filter(at => endOf(period, at) === endOf(period, now)).length
  }

  /** The most that any window which ends now admitted beyond a full bucket and its refill. */
  excess (rpm: number, now: number): number {
    return Math.max(0, ...this.admittedAt.map((from, index) => this.admittedAt.length - index - rpm - rpm * (now - from) / 60_000))
  }
}

t.test('in any order of requests, ends and time, nothing passes beyond a limit, and nothing stays held', async () => {
  fc.assert(fc.property(anyLimits, fc.array(anyStep, { maxLength: 60 }), (given, steps) => {
    let now = NOON
    const limits = new MemoryLimits(() => now)
    const key = toKey('alice', given)
    const account = new Account()
    const all: MemoryReservation[] = []
    const check = () => {
      for (const period of ['day', 'month'] as const) {
        const budget = limits.budgets(key)[period]
        if (budget === undefined) continue
        if (budget.reserved < 0 || budget.used !== account.used(period, now)) throw new Error(`${period}: ${JSON.stringify(budget)}`)
        if (budget.reserved !== account.mostMicroNeurons) throw new Error(`${period}: ${budget.reserved} is held for what may take ${account.mostMicroNeurons}`)
      }
      if (given.parallel !== undefined && account.open.size > given.parallel) throw new Error(`${account.open.size} at once`)
      if (given.rpd !== undefined && account.admitted('day', now) > given.rpd) throw new Error('more than rpd')
      if (given.rpm !== undefined && account.excess(given.rpm, now) > 0) throw new Error('more than rpm')
      for (const { limit, remaining, resetMs } of Object.values(limits.standing(key))) {
        if (remaining < 0 || remaining > limit || resetMs < 0) throw new Error(`${remaining} of ${limit}`)
      }
    }
    for (const one of steps) {
      if ('waitMs' in one) now += one.waitMs
      else if ('settle' in one) {
        const reservation = all[one.settle]
        if (reservation === undefined) continue
        if (account.open.delete(reservation)) account.spent.push({ at: now, ...one.spent })
        reservation.settle(one.spent)
      } else {
        const before = limits.budgets(key)
        const tokens = limits.standing(key).tokens?.remaining ?? Infinity
        const outcome = limits.reserve(key, one.reserve)
        if (outcome.kind === 'refused') continue
        const exhausted = Object.values(before).some(({ used, reserved, limit }) => used + reserved >= limit)
        if (exhausted || one.reserve.inputTokens > tokens) throw new Error('admitted where nothing was left')
        account.admittedAt.push(now)
        account.open.set(outcome, one.reserve)
        all.push(outcome)
      }
      check()
    }
    for (const reservation of account.open.keys()) {
      account.open.delete(reservation)
      account.spent.push({ at: now, tokens: 0, microNeurons: 0 })
      reservation.settle({ tokens: 0, microNeurons: 0 })
    }
    check()
  }), { numRuns: runs(1_000) })
})

t.test('the sum of tokens is exact: after all have ended, what is missing is what was used', async () => {
  const demands = fc.array(fc.record({ inputTokens: fc.integer({ min: 1, max: 50 }), outputTokens: fc.nat(200), spent: fc.nat(40) }), { maxLength: 20 })
  fc.assert(fc.property(demands, fc.array(fc.nat(), { maxLength: 20 }), (given, order) => {
    const limits = new MemoryLimits(() => NOON)
    const key = toKey('alice', { tpm: 1_000 })
    const admitted = given.flatMap(({ spent, ...tokens }) => {
      const outcome = limits.reserve(key, { ...tokens, microNeurons: 0 })
      return outcome.kind === 'reserved' ? [{ outcome, spent }] : []
    })
    const sum = admitted.reduce((total, { spent }) => total + spent, 0)
    const shuffled = admitted.map((one, index) => ({ one, place: order[index] ?? 0 })).sort((a, b) => a.place - b.place)
    for (const { one: { outcome, spent } } of shuffled) outcome.settle({ tokens: spent, microNeurons: 0 })
    return limits.standing(key).tokens?.remaining === 1_000 - sum
  }), { numRuns: runs(1_000) })
})
