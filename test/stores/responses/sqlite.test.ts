import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import t from 'tap'
import { SqliteStore } from '../../../src/stores/responses/sqlite.ts'
import { checkStore, stored } from './store-contract.ts'
import type { KeptResponse } from '../../../src/surfaces/openai/responses/wire.ts'

const folder = t.testdir()
let count = 0
const limits = { maxBytes: 1_000_000, ttlMs: 1_000, now: () => 5_000 }

await checkStore(t, limits => new SqliteStore<KeptResponse>(join(folder, `${++count}.db`), limits))

t.test('what was stored is there when the file is opened again', async t => {
  const path = join(folder, 'again.db')
  const first = new SqliteStore<KeptResponse>(path, limits)
  await first.put('ann', stored('a'))
  await first.close()
  const second = new SqliteStore<KeptResponse>(path, limits)
  t.teardown(() => second.close())
  t.strictSame(await second.get('ann', 'a'), stored('a'))
  t.equal((await second.findItems('ann', ['msg_out_a'])).size, 1)
})

t.test('two processes may share the file', async t => {
  const path = join(folder, 'shared.db')
  const one = new SqliteStore<KeptResponse>(path, limits)
  const other = new SqliteStore<KeptResponse>(path, limits)
  t.teardown(() => Promise.all([one.close(), other.close()]))
  await one.put('ann', stored('a'))
  t.strictSame(await other.get('ann', 'a'), stored('a'), 'read before the first has closed it')
  await other.put('ann', stored('b'))
  t.strictSame(await one.get('ann', 'b'), stored('b'))
  t.equal(await one.delete('ann', 'b'), true)
  t.equal(await other.get('ann', 'b'), undefined)
})

t.test('what is too old when the file is opened is forgotten', async t => {
  const path = join(folder, 'old.db')
  const first = new SqliteStore<KeptResponse>(path, limits)
  await first.put('ann', stored('a', 'secret words'))
  await first.close()
  const second = new SqliteStore<KeptResponse>(path, { ...limits, now: () => 9_000 })
  await second.close()
  t.notMatch(readFileSync(path, 'latin1'), 'secret words', 'and not left in the file')
})

t.test('the file is for its owner only', async t => {
  const path = join(folder, 'mode.db')
  const store = new SqliteStore<KeptResponse>(path, limits)
  t.teardown(() => store.close())
  await store.put('ann', stored('a'))
  for (const file of [path, `${path}-wal`]) t.equal(statSync(file).mode & 0o777, 0o600, file)
})

t.test('a file that is no database is refused', async t => {
  const { path } = { path: join(t.testdir({ 'no.db': 'x'.repeat(5_000) }), 'no.db') }
  t.throws(() => new SqliteStore<KeptResponse>(path, limits), /not a database/)
})

t.test('a file of before sums were kept gets them, and is limited as a new one', async t => {
  const path = join(folder, 'older.db')
  const first = new SqliteStore<KeptResponse>(path, limits)
  for (const id of ['a', 'b', 'c']) await first.put('ann', stored(id, 'x'.repeat(1_000)))
  await first.close()
  const database = new Database(path)
  database.exec('DROP TRIGGER response_kept; DROP TRIGGER response_gone; DROP TABLE sums; DROP TABLE whole')
  database.close()
  const size = Buffer.byteLength(JSON.stringify(stored('a', 'x'.repeat(1_000))))
  const second = new SqliteStore<KeptResponse>(path, { ...limits, maxBytes: 2 * size })
  t.teardown(() => second.close())
  t.equal(await second.get('ann', 'a'), undefined, 'what was used longest ago goes at the start')
  const other = new SqliteStore<KeptResponse>(path, { ...limits, maxBytes: 2 * size })
  t.teardown(() => other.close())
  t.equal(await other.put('bob', stored('d')), true)
  t.equal(await second.get('ann', 'b'), undefined, 'another process makes room as well')
  t.ok(await second.get('ann', 'c'))
})

t.test('a read, and a put, take as long with many responses as with one', async t => {
  const best = async (work: () => Promise<unknown>): Promise<number> => {
    let least = Infinity
    for (let count = 0; count < 60; count++) {
      const start = performance.now()
      await work()
      least = Math.min(least, performance.now() - start)
    }
    return least
  }
  const times = async (rows: number) => {
    const path = join(folder, `${rows}-rows.db`)
    const store = new SqliteStore<KeptResponse>(path, { ...limits, maxBytes: 1e9 })
    t.teardown(() => store.close())
    const database = new Database(path)
    database.exec(`WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${rows}) INSERT INTO responses SELECT 'owner ' || (n % 20), 'r' || n, 500, 5000, '{}' FROM n`)
    database.close()
    await store.put('ann', stored('a'))
    return { read: await best(() => store.get('ann', 'a')), put: await best(() => store.put('ann', stored('a'))) }
  }
  const [few, many] = [await times(1), await times(60_000)]
  t.ok(many.read < 2 * few.read + 0.5 && many.put < 2 * few.put + 0.5, JSON.stringify({ few, many }))
})
