import { pino } from 'pino'
import t from 'tap'
import { toEngine } from '../../src/app/engine.ts'
import { toMetrics, withAccounts } from '../../src/app/metrics.ts'
import { toAllocation } from '../../src/app/allocation.ts'
import { readSettings } from '../../src/settings/reader.ts'
import { openLedger } from '../../src/stores/ledger/open.ts'

const LOGGER = pino({ level: 'silent' })
const ACCOUNT = { CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef0123456789abcdef', CLOUDFLARE_API_TOKEN: 'token-of-the-account' }

function toSettings (env: Record<string, string> = {}) {
  return readSettings({ env: { ...ACCOUNT, ...env }, readFile: () => '' }).settings
}

function metricsOf (env: Record<string, string>) {
  const settings = toSettings(env)
  return toMetrics(settings, { models: toEngine(settings, LOGGER).models, logger: LOGGER, link: undefined, countOpenAnswers: () => 3 })
}

t.test('requests are counted only where somebody may read it', t => {
  t.not(metricsOf({}), undefined)
  t.equal(metricsOf({ METRICS: 'false' }), undefined)
  t.equal(metricsOf({ API_KEYS: 'k' }), undefined, 'callers have keys, and nobody is an administrator')
  t.not(metricsOf({ API_KEYS: 'k', METRICS_PUBLIC: 'true' }), undefined)
  t.end()
})

t.test('the gauges of the account follow', async t => {
  const settings = toSettings({ FREE_NEURONS_PER_DAY: '500' })
  const { facts } = await toAllocation(settings, { ledger: await openLedger(settings, Date.now, LOGGER), link: undefined, logger: LOGGER })
  const metrics = metricsOf({})
  t.match(await withAccounts(metrics as NonNullable<typeof metrics>, facts).text(), /workers_ai_proxy_open_answers 3\n[^]+workers_ai_proxy_account_neurons_remaining\{account="default"\} 500/)
})
