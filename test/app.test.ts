import { pino } from 'pino'
import t from 'tap'
import { buildApp } from '../src/app.ts'
import { readSettings } from '../src/settings/reader.ts'
import { waited } from './servers/http-client.ts'
import { saying, startProxy } from './servers/start-proxy.ts'

t.test('the app can be embedded: it neither listens nor reads the environment, and closing it closes its connections', async t => {
  const { simulator } = await startProxy(t)
  const { settings } = readSettings({
    env: { CLOUDFLARE_ACCOUNT_ID: simulator.accountId, CLOUDFLARE_API_TOKEN: simulator.apiToken, CLOUDFLARE_API_BASE_URL: simulator.url },
    readFile: () => ''
  })
  const app = await buildApp(settings, { logger: pino({ level: 'silent' }) })
  t.equal(app.server.listening, false)
  const stalled = app.inject({ method: 'POST', url: '/v1/chat/completions', payload: saying('stall') })
  await waited(() => simulator.requests.length === 1)
  await app.close()
  t.equal((await stalled).statusCode, 502)
  await waited(() => simulator.requests[0]?.closedEarly === true)
})
