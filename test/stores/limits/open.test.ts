import t from 'tap'
import { emptyRow, type Row } from '../../../src/stores/ledger/ledger.ts'
import type { LimitedKey } from '../../../src/stores/limits/limits.ts'
import { openLimits } from '../../../src/stores/limits/open.ts'

const NOON = Date.parse('2026-11-29T12:00:00Z')
const alice: LimitedKey = { id: 'alice', limits: { neurons_per_day: 10, neurons_per_month: 100 } }
const nobody: LimitedKey = { id: '#', limits: { neurons_per_month: 100 } }

function row (day: string, key: string, microNeurons: number, estimatedMicroNeurons = 0): Row {
  return { ...emptyRow(day, { account: 'default', model: '@cf/a/b', key }), microNeurons, estimatedMicroNeurons }
}

t.test('budgets go on from what was used this day and month', async t => {
  const rows = [
    row('2026-11-01', 'alice', 20_000_000),
    row('2026-11-28', 'none', 7_000_000),
    row('2026-11-29', 'alice', 3_000_000, 500_000),
    row('2026-11-29', 'alice', 1_000_000),
    row('2026-11-29', 'somebody', 7_000_000)
  ]
  const asked: string[][] = []
  const read = (first: string, last: string) => {
    asked.push([first, last])
    return rows
  }
  const limits = await openLimits(new Map([['alice', alice], ['none', nobody]]), { read }, () => NOON)
  t.strictSame(asked, [['2026-11-01', '2026-11-29']])
  t.match(limits.budgets(alice), { day: { used: 4_500_000 }, month: { used: 24_500_000 } })
  t.match(limits.budgets(nobody), { month: { used: 7_000_000 } })
})
