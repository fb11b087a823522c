import t from 'tap'
import { MAX_ROWS, toShownRecords } from '../../../src/ui/requests/filter.ts'

const records = [
  { id: 'a', ended_at: 3, status: 200, model: '@cf/a/llama', key: 'ann', route: '/v1/chat/completions', operation: 'chat' },
  { id: 'b', ended_at: 2, status: 429, model: '@cf/b/qwen', key: 'bob', error: 'code_4006', operation: 'chat' },
  { id: 'c', ended_at: 1, status: 200, model: '@cf/b/qwen', key: 'ann', operation: 'chat' },
  { id: 'd', ended_at: 0, status: 200, operation: null },
  { id: 'e', ended_at: 0, status: 200, operation: 'chat', dry_run: true }
]
const ids = (text: string, onlyFailures = false, allKinds = false) => toShownRecords(records, { text, onlyFailures, allKinds }).map(({ id }) => id)

t.strictSame(ids(''), ['a', 'b', 'c'])
t.strictSame(ids('QWEN'), ['b', 'c'])
t.strictSame(ids('qwen ann'), ['c'], 'all words must be there')
t.strictSame(ids('4006'), ['b'])
t.strictSame(ids('429'), ['b'])
t.strictSame(ids('', true), ['b'])
t.strictSame(ids('nothing'), [])
t.strictSame(ids('', false, true), ['a', 'b', 'c', 'd', 'e'])
t.equal(toShownRecords(Array.from({ length: 2_000 }, (_, index) => ({ id: String(index), ended_at: 0, status: 200, operation: 'chat' })), { text: '', onlyFailures: false, allKinds: false }).length, MAX_ROWS)
