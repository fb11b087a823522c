import t from 'tap'
import { addCounts, COUNTS, emptyRow, toDay, toEndOfDay, toFirstKeptDay } from '../../../src/stores/ledger/ledger.ts'

const LAST_MOMENT = Date.UTC(2026, 1, 28, 23, 59, 59, 999)

t.equal(toDay(LAST_MOMENT), '2026-02-28')
t.equal(toDay(LAST_MOMENT + 1), '2026-03-01', 'a day begins at 00:00 UTC')
t.equal(toEndOfDay(LAST_MOMENT), LAST_MOMENT + 1)
t.equal(toEndOfDay(LAST_MOMENT + 1), LAST_MOMENT + 1 + 86_400_000, 'the first moment of a day is in it')
t.equal(toFirstKeptDay(Date.UTC(2027, 3, 5)), '2026-03-01', '400 days earlier')

const row = emptyRow('2026-02-28', { account: 'a', model: 'm', key: 'k' })
t.strictSame(Object.keys(row), ['day', 'account', 'model', 'key', ...COUNTS], 'a row has every count from the beginning')
addCounts(row, { requests: 1, microNeurons: 3 })
addCounts(row, { requests: 1 })
t.match(row, { requests: 2, microNeurons: 3, errors: 0 })
