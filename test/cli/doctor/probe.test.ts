import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { probe, type ProbeResults } from '../../../src/cli/doctor/probe.ts'
import type { Settings } from '../../../src/settings/schema.ts'
import { readSettings } from '../../../src/settings/reader.ts'
import { startSimulator, type Simulator, type SimulatorOptions } from '../../../src/simulator/server.ts'
import { ACCOUNT_ID, API_TOKEN, LLAMA } from '../../servers/start-proxy.ts'

const GRANITE = '@cf/ibm-granite/granite-4.0-h-micro'
const wanted = { isRunWanted: true }

async function start (t: Test, options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = await startSimulator({ accountId: ACCOUNT_ID, apiToken: API_TOKEN, ...options })
  t.teardown(() => simulator.close())
  return simulator
}

function toSettings (apiBaseUrl: string, env: Record<string, string> = {}): Settings {
  return readSettings({
    env: { CLOUDFLARE_ACCOUNT_ID: ACCOUNT_ID, CLOUDFLARE_API_TOKEN: API_TOKEN, CLOUDFLARE_API_BASE_URL: apiBaseUrl, MAX_RETRIES: '0', ...env },
    readFile: () => { throw new Error('no file is to be read') }
  }).settings
}

/** A server that answers everything with one text. */
async function serve (t: Test, status: number, contentType: string, body: string): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status, { 'content-type': contentType }).end(body))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function modelsOf ({ listing }: ProbeResults): readonly { id: string }[] {
  return 'models' in listing ? listing.models : []
}

t.test('it lists the models and has the cheapest say a word', async t => {
  const simulator = await start(t)
  const results = await probe(toSettings(simulator.url), wanted)
  t.match(results, { listing: { ms: Number }, run: { outcome: 'answered', model: GRANITE, ms: Number, neurons: /^0\.\d+$/ } })
  t.ok(modelsOf(results).length > 40)
  t.match(simulator.requests, [{ model: GRANITE, body: { max_tokens: 16, max_completion_tokens: 16 }, headers: { 'user-agent': 'workers-ai-proxy doctor' } }])
  t.equal(simulator.requests.length, 1, 'once')
})

t.test('the model may be chosen, by any name the proxy takes', async t => {
  const simulator = await start(t)
  const env = { DEFAULT_MODEL: LLAMA, MODEL_ALIASES: '{"mini":"@cf/openai/gpt-oss-20b"}' }
  const cases = [
    { name: 'the default one', model: undefined, expected: LLAMA },
    { name: 'an id', model: '@cf/moonshotai/kimi-k2.6', expected: '@cf/moonshotai/kimi-k2.6' },
    { name: 'an alias', model: 'mini', expected: '@cf/openai/gpt-oss-20b' },
    { name: 'a bare name of a model that embeds', model: 'bge-m3', expected: '@cf/baai/bge-m3' }
  ]
  for (const { name, model, expected } of cases) {
    t.match(await probe(toSettings(simulator.url, env), { ...wanted, model }), { run: { outcome: 'answered', model: expected } }, name)
  }
  const asked = simulator.requests.length
  for (const model of ['gpt-9', '../../tokens', '@cf/cloudflare/clef']) {
    t.strictSame((await probe(toSettings(simulator.url, env), { ...wanted, model })).run, { outcome: 'unfit', model }, `${model} is not replaced by the default one`)
  }
  t.equal(simulator.requests.length, asked)
})

t.test('without a run nothing is billed', async t => {
  const simulator = await start(t)
  t.match((await probe(toSettings(simulator.url), { isRunWanted: false })).run, { outcome: 'skipped', reason: 'unwanted' })
  t.strictSame(simulator.requests, [])
})

t.test('a list that is refused does not keep a model from running', async t => {
  const simulator = await start(t, { mayList: false })
  t.match(await probe(toSettings(simulator.url), wanted), { listing: { ms: Number, error: { code: 10000 } }, run: { outcome: 'answered', model: GRANITE } })
})

t.test('what a model refuses is kept for the judge', async t => {
  const simulator = await start(t, { order: 'fail with code 5035' })
  t.match(await probe(toSettings(simulator.url), wanted), { run: { outcome: 'failed', model: GRANITE, error: { code: 5035 } } })
})

t.test('nothing is run where it could not work', async t => {
  const simulator = await start(t)
  const pointless = { outcome: 'skipped', reason: 'pointless' }
  t.match(await probe(toSettings(simulator.url, { CLOUDFLARE_ACCOUNT_ID: 'another' }), wanted), { listing: { error: { code: 7003 } }, run: pointless })
  t.match(await probe(toSettings('http://127.0.0.1:1'), wanted), { listing: { error: { kind: 'unreachable' } }, run: pointless })
  t.match(await probe(toSettings(await serve(t, 200, 'text/html', '<html>Log in</html>')), wanted), { listing: { error: { kind: 'malformed' } }, run: pointless })
  t.strictSame(simulator.requests, [])
})

t.test('the time is that of the first answer', async t => {
  const simulator = await start(t, { delayMs: 300 })
  const { listing } = await probe(toSettings(simulator.url), { isRunWanted: false })
  t.ok(listing.ms >= 290, `${listing.ms} ms`)
})

t.test('without a token of its own it knocks and runs nothing', async t => {
  const simulator = await start(t)
  const { apiToken, ...cloudflare } = toSettings(simulator.url).cloudflare
  const settings: Settings = { ...toSettings(simulator.url), cloudflare: { ...cloudflare, apiToken: '' } }
  t.match(await probe(settings, wanted), { listing: { ms: Number, error: { kind: 'refused' } }, run: { outcome: 'skipped', reason: 'pointless' } })
  t.ok(apiToken)
  t.strictSame(simulator.requests, [], 'for it was refused at the door')
  const open = await serve(t, 200, 'application/json', '{"result":{"response":"Hi"},"success":true}')
  t.match(await probe({ ...settings, cloudflare: { ...settings.cloudflare, apiBaseUrl: open } }, wanted), { listing: { models: [] } }, 'a door that is open is no failure')
})

t.test('a gateway is used as the proxy uses it', async t => {
  const simulator = await start(t)
  const env = { CLOUDFLARE_AI_GATEWAY_ID: 'mine', CLOUDFLARE_AI_GATEWAY_BASE_URL: simulator.gatewayUrl }
  t.match(await probe(toSettings(simulator.url, env), wanted), { run: { outcome: 'answered' } })
  t.match(simulator.requests, [{ path: `/v1/${ACCOUNT_ID}/mine/workers-ai/${GRANITE}` }])
})
