import { join } from 'node:path'
import t from 'tap'
import { MemoryLedger } from '../../../src/stores/ledger/memory.ts'
import { openLedger } from '../../../src/stores/ledger/open.ts'
import { NOON, row } from './ledger-contract.ts'

t.test('without a path, memory adds up', async t => {
  t.type(await openLedger({}, Date.now), MemoryLedger)
})

t.test('with a path, a file does', async t => {
  const storePath = join(t.testdir(), 'ledger.db')
  const ledger = await openLedger({ storePath }, () => NOON)
  ledger.add([{ account: 'default', model: '@cf/a/b', key: 'ann', requests: 1 }])
  await ledger.close()
  const again = await openLedger({ storePath }, () => NOON)
  t.teardown(() => again.close())
  t.strictSame(await again.read('2026-03-01', '2026-03-01'), [row('2026-03-01', { requests: 1 })])
})

t.test('a path where no file can be is told as a wrong setting', async t => {
  await t.rejects(openLedger({ storePath: t.testdir() }, Date.now), { name: 'SettingsError', message: /STORE_PATH: cannot open it/ })
})
