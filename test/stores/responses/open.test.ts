import { join } from 'node:path'
import t from 'tap'
import { MemoryStore } from '../../../src/stores/responses/memory.ts'
import { openStore } from '../../../src/stores/responses/open.ts'
import { stored } from './store-contract.ts'

const limits = { storeMaxBytes: 1_000_000, storeTtlHours: 1 }

t.test('without a path, memory keeps responses', async t => {
  t.type(await openStore(limits, Date.now), MemoryStore)
})

t.test('with a path, a file does', async t => {
  const path = join(t.testdir(), 'responses.db')
  const store = await openStore({ ...limits, storePath: path }, Date.now)
  await store.put('ann', stored('a'))
  await store.close()
  const again = await openStore({ ...limits, storePath: path }, Date.now)
  t.teardown(() => again.close())
  t.strictSame(await again.get('ann', 'a'), stored('a'))
})

t.test('a path where no file can be is told as a wrong setting', async t => {
  const folder = t.testdir({ 'no.db': 'x'.repeat(5_000) })
  for (const [name, path] of [['no such folder', join(folder, 'far', 'x.db')], ['a folder', folder], ['another kind of file', join(folder, 'no.db')]] as const) {
    await t.rejects(openStore({ ...limits, storePath: path }, Date.now), { name: 'SettingsError', message: /STORE_PATH: cannot open it \(.+\); expected a SQLite file/ }, name)
  }
})
