import { pino } from 'pino'
import t from 'tap'
import { toAllocation } from '../../src/app/allocation.ts'
import { readSettings } from '../../src/settings/reader.ts'
import { openLedger } from '../../src/stores/ledger/open.ts'

const LOGGER = pino({ level: 'silent' })
const ACCOUNT = { CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef0123456789abcdef', CLOUDFLARE_API_TOKEN: 'token-of-the-account' }

function toSettings (env: Record<string, string> = {}) {
  return readSettings({ env: { ...ACCOUNT, ...env }, readFile: () => '' }).settings
}

async function allocationOf (env: Record<string, string>) {
  const settings = toSettings(env)
  return await toAllocation(settings, { ledger: await openLedger(settings, Date.now, LOGGER), link: undefined, logger: LOGGER })
}

t.test('what is left is always counted, and guards only where it is told to', async t => {
  t.match(await (await allocationOf({ FREE_NEURONS_PER_DAY: '500' })).facts(), [{ state: { name: 'default', freeLimit: 500 } }])
  for (const guard of ['warn', 'refuse']) t.not((await allocationOf({ FREE_NEURONS_GUARD: guard })).guard, undefined, guard)
  t.equal((await allocationOf({ FREE_NEURONS_GUARD: 'off' })).guard, undefined)
})
