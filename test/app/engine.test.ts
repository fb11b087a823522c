import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import t from 'tap'
import { toEngine } from '../../src/app/engine.ts'
import { readSettings } from '../../src/settings/reader.ts'

const LOGGER = pino({ level: 'silent' })
const ACCOUNT = { CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef0123456789abcdef', CLOUDFLARE_API_TOKEN: 'token-of-the-account' }

function toSettings (env: Record<string, string> = {}) {
  return readSettings({ env: { ...ACCOUNT, ...env }, readFile: () => '' }).settings
}

t.test('the token of the settings is sent, but not where callers bring their own', async t => {
  const sent: Array<string | undefined> = []
  const cloudflare = createServer((request, response) => {
    sent.push(request.headers.authorization)
    response.end('{"success":true,"result":[]}')
  }).listen(0, '127.0.0.1')
  await once(cloudflare, 'listening')
  t.teardown(() => { cloudflare.close() })
  const base = { CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${(cloudflare.address() as AddressInfo).port}` }
  for (const env of [base, { ...base, AUTH_MODE: 'passthrough', CLOUDFLARE_API_TOKEN: '' }]) {
    const { workersAi } = toEngine(toSettings(env), LOGGER)
    t.teardown(() => workersAi.close())
    await workersAi.getJson('/ai/models/search').catch(() => {})
  }
  t.match(sent, ['Bearer token-of-the-account'])
  t.notOk(sent.slice(1).some(value => value?.includes('token-of-the-account')))
})
