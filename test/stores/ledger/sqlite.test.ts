import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'libsql'
import t from 'tap'
import { SqliteLedger } from '../../../src/stores/ledger/sqlite.ts'
import { SqliteStore } from '../../../src/stores/responses/sqlite.ts'
import { checkLedger, NOON, row } from './ledger-contract.ts'

const folder = t.testdir()
const ANN = { account: 'default', model: '@cf/a/b', key: 'ann' }
const today = ['2026-03-01', '2026-03-01'] as const
let count = 0

await checkLedger(t, now => new SqliteLedger(join(folder, `${++count}.db`), now))

t.test('what was added is there when the file is opened again', t => {
  const path = join(folder, 'again.db')
  const first = new SqliteLedger(path, () => NOON)
  first.add([{ ...ANN, requests: 1, microNeurons: 5 }])
  first.close()
  const second = new SqliteLedger(path, () => NOON)
  t.teardown(() => second.close())
  second.add([{ ...ANN, requests: 1 }])
  t.strictSame(second.read(...today), [row('2026-03-01', { requests: 2, microNeurons: 5 })])
  t.equal(statSync(path).mode & 0o777, 0o600, 'for its owner only')
  t.end()
})

t.test('it is written by itself, half a second later', async t => {
  const path = join(folder, 'later.db')
  const one = new SqliteLedger(path, () => NOON)
  const other = new SqliteLedger(path, () => NOON)
  t.teardown(() => { one.close(); other.close() })
  for (let requests = 0; requests < 100; requests++) one.add([{ ...ANN, requests: 1 }])
  t.strictSame(other.read(...today), [], 'not at once')
  await sleep(800)
  t.strictSame(other.read(...today), [row('2026-03-01', { requests: 100 })])
})

t.test('several processes add to one row', t => {
  const path = join(folder, 'both.db')
  const ledgers = [new SqliteLedger(path, () => NOON), new SqliteLedger(path, () => NOON)]
  t.teardown(() => { for (const ledger of ledgers) ledger.close() })
  for (let round = 0; round < 10; round++) {
    for (const ledger of ledgers) {
      ledger.add([{ ...ANN, requests: 1 }])
      ledger.read(...today)
    }
  }
  for (const ledger of ledgers) t.strictSame(ledger.read(...today), [row('2026-03-01', { requests: 20 })])
  t.end()
})

t.test('stored responses may be in the same file', async t => {
  const path = join(folder, 'shared.db')
  const store = new SqliteStore(path, { maxBytes: 1_000_000, ttlMs: 1_000, now: () => NOON })
  const ledger = new SqliteLedger(path, () => NOON)
  t.teardown(() => Promise.all([store.close(), ledger.close()]))
  ledger.add([{ ...ANN, requests: 1 }])
  await store.put('ann', { response: { id: 'a', output: [] }, items: [] })
  t.equal(ledger.read(...today).length, 1)
  t.ok(await store.get('ann', 'a'))
})

t.test('what cannot be written is kept, told of once, and written later', t => {
  const path = join(folder, 'busy.db')
  const errors: unknown[] = []
  const ledger = new SqliteLedger(path, () => NOON, error => errors.push(error))
  t.teardown(() => ledger.close())
  const locker = new Database(path)
  locker.exec('BEGIN IMMEDIATE')
  ledger.add([{ ...ANN, requests: 1 }])
  t.strictSame(ledger.read(...today), [row('2026-03-01', { requests: 1 })], 'it counts')
  ledger.add([{ ...ANN, requests: 1 }])
  t.equal(ledger.read(...today)[0]?.requests, 2)
  t.equal(errors.length, 1)
  locker.exec('COMMIT')
  locker.close()
  t.strictSame(ledger.read(...today), [row('2026-03-01', { requests: 2 })])
  const other = new SqliteLedger(path, () => NOON)
  t.teardown(() => other.close())
  t.strictSame(other.read(...today), [row('2026-03-01', { requests: 2 })], 'it is written')
  t.end()
})
