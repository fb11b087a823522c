import t from 'tap'
import type { Settings } from '../src/settings.ts'
import { readSettings } from '../src/settings/reader.ts'
import { startUpstream } from '../src/upstream.ts'

function toSettings (env: Record<string, string>): Settings {
  return readSettings({ argv: [], env, readFile: () => '' }).settings
}

t.test('Cloudflare is there already', async t => {
  const settings = toSettings({ CLOUDFLARE_ACCOUNT_ID: '0'.repeat(32), CLOUDFLARE_API_TOKEN: 't' })
  const { settings: settled, closeUpstream } = await startUpstream(settings)
  t.equal(settled, settings)
  await closeUpstream()
})

t.test('a simulator is started, settled on and ended', async t => {
  const { settings: { cloudflare }, closeUpstream } = await startUpstream(toSettings({ UPSTREAM: 'simulator' }))
  t.match(cloudflare, { accountId: 'simulator', apiToken: 'simulator', apiBaseUrl: /^http:\/\/127\.0\.0\.1:\d+\/client\/v4$/, gateway: undefined })
  const url = `${cloudflare.apiBaseUrl}/accounts/simulator/ai/models/search`
  t.equal((await fetch(url, { headers: { authorization: 'Bearer simulator' } })).status, 200)
  await closeUpstream()
  await t.rejects(fetch(url))
})

t.test('the simulator runs retired models, unless it is to refuse them', async t => {
  for (const [env, status] of [[{}, 200], [{ SIMULATOR_RETIRED_MODELS: 'refuse' }, 400]] as const) {
    const { settings: { cloudflare }, closeUpstream } = await startUpstream(toSettings({ UPSTREAM: 'simulator', SIMULATOR_TOKENS_PER_SECOND: '0', ...env }))
    const response = await fetch(`${cloudflare.apiBaseUrl}/accounts/simulator/ai/run/@cf/meta/llama-3-8b-instruct`, { method: 'POST', headers: { authorization: 'Bearer simulator' }, body: '{"prompt":"say hi"}' })
    t.equal(response.status, status)
    await closeUpstream()
  }
})

t.test('the simulator stands in for a gateway as well', async t => {
  const { settings: { cloudflare }, closeUpstream } = await startUpstream(toSettings({ UPSTREAM: 'simulator', CLOUDFLARE_AI_GATEWAY_ID: 'mine' }))
  t.match(cloudflare.gateway, { id: 'mine', baseUrl: /^http:\/\/127\.0\.0\.1:\d+\/v1$/ })
  await closeUpstream()
})
