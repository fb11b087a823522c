import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { openStores } from '../../src/app/stores.ts'
import { readSettings } from '../../src/settings/reader.ts'
import { openLedger } from '../../src/stores/ledger/open.ts'
import { LinkedLedger } from '../../src/usage/linked-usage.ts'

const LOGGER = pino({ level: 'silent' })
const ACCOUNT = { CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef0123456789abcdef', CLOUDFLARE_API_TOKEN: 'token-of-the-account' }

function toSettings (env: Record<string, string> = {}) {
  return readSettings({ env: { ...ACCOUNT, ...env }, readFile: () => '' }).settings
}

t.test('a ledger that was given is used, and one of several processes asks the primary', async t => {
  const ledger = await openLedger(toSettings(), Date.now, LOGGER)
  t.equal((await openStores(toSettings(), LOGGER, { ledger })).ledger, ledger)
  const link = { tell: () => {}, ask: async () => undefined, answer: () => {}, hear: () => {} }
  t.type((await openStores(toSettings(), LOGGER, { link })).ledger, LinkedLedger)
})

t.test('a file that is no database stops the start, and names the setting', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'stores-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'not.db')
  writeFileSync(path, 'This is text, and a good deal longer than the header of a database would be.'.repeat(20))
  await t.rejects(openStores(toSettings({ STORE_PATH: path }), LOGGER), /STORE_PATH/)
})
