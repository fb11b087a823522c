import t from 'tap'
import type { KeyLimits } from '../../src/settings/key-limits.ts'
import type { LimitedKey } from '../../src/stores/limits/limits.ts'
import { MemoryLimits } from '../../src/stores/limits/memory.ts'
import { toKeyBudgets } from '../../src/usage/key-budgets.ts'

const NOON = Date.parse('2026-11-29T12:00:00Z')
const MIDNIGHT = Date.parse('2026-11-30T00:00:00Z') / 1_000
const DECEMBER = Date.parse('2026-12-01T00:00:00Z') / 1_000

t.test('a key shows the budget of which less is left, in neurons', async t => {
  const cases: Array<{ name: string, own: KeyLimits, budget: object | undefined }> = [
    { name: 'none', own: { rpm: 5 }, budget: undefined },
    { name: 'the day', own: { neurons_per_day: 10 }, budget: { limit: 10, used: 1.5, reserved: 2.25, remaining: 6.25, resets_at: MIDNIGHT } },
    { name: 'the month', own: { neurons_per_month: 20 }, budget: { limit: 20, used: 4, reserved: 2.25, remaining: 13.75, resets_at: DECEMBER } },
    { name: 'the smaller day', own: { neurons_per_day: 10, neurons_per_month: 20 }, budget: { limit: 10, resets_at: MIDNIGHT } },
    { name: 'the smaller month', own: { neurons_per_day: 10, neurons_per_month: 7 }, budget: { limit: 7, resets_at: DECEMBER } }
  ]
  for (const { name, own, budget } of cases) {
    const limits = new MemoryLimits(() => NOON)
    const key: LimitedKey = { id: 'alice', limits: own }
    limits.recall(key, { day: 1_500_000, month: 4_000_000 })
    limits.reserve(key, { inputTokens: 1, outputTokens: 1, microNeurons: 2_250_000 })
    const budgets = await toKeyBudgets(limits, new Map([['alice', key]]))
    t.strictSame([...budgets.keys()], ['alice'])
    if (budget === undefined) t.equal(budgets.get('alice'), undefined, name)
    else t.match(budgets.get('alice'), budget, name)
  }
})
