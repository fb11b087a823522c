import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SqliteStore } from '../../src/responses-store/sqlite-store.ts'
import { checkStore, stored } from './store-contract.ts'

const folder = t.testdir()
let count = 0
const limits = { maxBytes: 1_000_000, ttlMs: 1_000, now: () => 5_000 }

await checkStore(t, limits => new SqliteStore(join(folder, `${++count}.db`), limits))

t.test('what was stored is there when the file is opened again', async t => {
  const path = join(folder, 'again.db')
  const first = new SqliteStore(path, limits)
  await first.put('ann', stored('a'))
  await first.close()
  const second = new SqliteStore(path, limits)
  t.teardown(() => second.close())
  t.strictSame(await second.get('ann', 'a'), stored('a'))
  t.equal((await second.findItems('ann', ['msg_out_a'])).size, 1)
})

t.test('two processes may share the file', async t => {
  const path = join(folder, 'shared.db')
  const one = new SqliteStore(path, limits)
  const other = new SqliteStore(path, limits)
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
  const first = new SqliteStore(path, limits)
  await first.put('ann', stored('a', 'secret words'))
  await first.close()
  const second = new SqliteStore(path, { ...limits, now: () => 9_000 })
  await second.close()
  t.notMatch(readFileSync(path, 'latin1'), 'secret words', 'and not left in the file')
})

t.test('the file is for its owner only', async t => {
  const path = join(folder, 'mode.db')
  const store = new SqliteStore(path, limits)
  t.teardown(() => store.close())
  await store.put('ann', stored('a'))
  for (const file of [path, `${path}-wal`]) t.equal(statSync(file).mode & 0o777, 0o600, file)
})

t.test('a file that is no database is refused', async t => {
  const { path } = { path: join(t.testdir({ 'no.db': 'x'.repeat(5_000) }), 'no.db') }
  t.throws(() => new SqliteStore(path, limits), /not a database/)
})
