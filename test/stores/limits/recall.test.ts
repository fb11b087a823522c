import t from 'tap'
import type { LimitedKey } from '../../../src/stores/limits/limits.ts'
import { MemoryLimits } from '../../../src/stores/limits/memory.ts'
import { recallBudgets } from '../../../src/stores/limits/recall.ts'

const NOON = Date.parse('2026-11-29T12:00:00Z')
const alice: LimitedKey = { id: 'alice', limits: { neurons_per_day: 10, neurons_per_month: 100 } }
const bob: LimitedKey = { id: 'bob', limits: { neurons_per_month: 100 } }

function row (day: string, key: string, microNeurons: number, estimatedMicroNeurons = 0) {
  return { day, key, microNeurons, estimatedMicroNeurons }
}

t.test('what the ledger has of this day and month counts, and of no other', async t => {
  const limits = new MemoryLimits(() => NOON)
  const rows = [
    row('2026-11-29', 'alice', 3_000_000, 500_000),
    row('2026-11-29', 'alice', 1_000_000),
    row('2026-11-01', 'alice', 20_000_000),
    row('2026-10-31', 'alice', 90_000_000),
    row('2025-11-29', 'alice', 90_000_000),
    row('2026-11-28', 'bob', 7_000_000),
    row('2026-11-29', 'somebody', 7_000_000)
  ]
  await recallBudgets(limits, new Map([['alice', alice], ['bob', bob]]), rows, NOON)
  t.match(limits.budgets(alice), { day: { used: 4_500_000 }, month: { used: 24_500_000 } })
  t.match(limits.budgets(bob), { month: { used: 7_000_000 } })
})
