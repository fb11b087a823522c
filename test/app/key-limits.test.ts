import { pino } from 'pino'
import t from 'tap'
import { toEngine } from '../../src/app/engine.ts'
import { hasLimits, toKeyLimits } from '../../src/app/key-limits.ts'
import { readSettings } from '../../src/settings/reader.ts'
import { openLedger } from '../../src/stores/ledger/open.ts'

const LOGGER = pino({ level: 'silent' })
const ACCOUNT = { CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef0123456789abcdef', CLOUDFLARE_API_TOKEN: 'token-of-the-account' }

function toSettings (env: Record<string, string> = {}) {
  return readSettings({ env: { ...ACCOUNT, ...env }, readFile: () => '' }).settings
}

t.test('limits are there where a key has some', async t => {
  t.notOk(hasLimits(toSettings()))
  const settings = toSettings({ API_KEYS: 'ann:key-of-ann,ben:key-of-ben', KEY_LIMITS: '{"ann":{"neurons_per_day":100}}' })
  t.ok(hasLimits(settings))
  const ledger = await openLedger(settings, Date.now, LOGGER)
  const { budgets } = await toKeyLimits({ settings, models: toEngine(settings, LOGGER).models, ledger, limits: undefined, redis: undefined })
  const all = await budgets()
  t.match(all.get('ann'), { limit: 100, used: 0 })
  t.notOk(all.has('ben'))
})
