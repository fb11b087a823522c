import t from 'tap'
import type { Settings } from '../../src/settings/schema.ts'
import { readSettings } from '../../src/settings/reader.ts'
import { startUpstream } from '../../src/serve/upstream.ts'
import { GPT_OSS, KIMI, LLAMA, startProxy } from '../servers/start-proxy.ts'

function toSettings (env: Record<string, string>): Settings {
  return readSettings({ env, readFile: () => '' }).settings
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

const SURFACES = [
  { path: '/v1/chat/completions', body: { model: LLAMA, messages: [{ role: 'user', content: 'Hi' }] } },
  { path: '/v1/chat/completions', body: { model: KIMI, messages: [{ role: 'user', content: 'Hi' }], stream: true } },
  { path: '/v1/completions', body: { model: LLAMA, prompt: 'Hi' } },
  { path: '/v1/responses', body: { model: KIMI, input: 'Hi' } },
  { path: '/v1/embeddings', body: { model: '@cf/baai/bge-m3', input: 'Hi' } }
]

t.test('the header x-simulator reaches the simulator from every surface, and nobody else', async t => {
  const words = { 'x-simulator': 'fail with code 4006' }
  const settings = { MAX_RETRIES: '0' }
  const offline = await startProxy(t, { ...settings, UPSTREAM: 'simulator' })
  const atCloudflare = await startProxy(t, settings)
  for (const { path, body } of SURFACES) {
    const ask = (url: string) => fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json', ...words }, body: JSON.stringify(body) })
    const answer = await ask(offline.url)
    t.equal(answer.status, 429, `${path} is ordered to fail`)
    await answer.text()
    const other = await ask(atCloudflare.url)
    t.equal(other.status, 200, `${path} is not where Cloudflare answers`)
    await other.text()
  }
  t.ok(atCloudflare.simulator.requests.every(({ headers }) => headers['x-simulator'] === undefined))
  t.notMatch(offline.log(), /4006 *["']/, 'the words are not logged')
})

t.test('what models were seen to do wrong is rehearsed, and mended', async t => {
  const proxy = await startProxy(t, { UPSTREAM: 'simulator' })
  const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }]
  const call = { function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } }
  const cases = [
    { words: 'decorate names, call tool get_weather with {"city":"Oslo"}', models: [LLAMA, KIMI, GPT_OSS], body: { tools }, message: { tool_calls: [call] } },
    { words: 'mark arguments, call tool get_weather with {"city":"Oslo"}', models: [LLAMA, KIMI, GPT_OSS], body: { tools }, message: { tool_calls: [call] } },
    { words: 'leave out the call, call tool get_weather with {"city":"Oslo"}', models: [LLAMA, KIMI, GPT_OSS], body: { tools, tool_choice: { type: 'function', function: { name: 'get_weather' } } }, message: { tool_calls: [call] } },
    { words: 'refuse messages, say hi', models: [GPT_OSS], body: {}, message: { content: 'hi' } }
  ]
  for (const { words, models, body, message } of cases) {
    for (const model of models) {
      const answer = await fetch(`${proxy.url}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model, messages: [{ role: 'user', content: words }], ...body })
      })
      t.match(await answer.json(), { choices: [{ message }] }, `${words}: ${model}`)
    }
  }
})

t.test('logprobs come from models whose schema lists them, plain and streamed', async t => {
  const proxy = await startProxy(t, { UPSTREAM: 'simulator' })
  const ask = async (body: object) => (await fetch(`${proxy.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: KIMI, messages: [{ role: 'user', content: 'say Hi' }], logprobs: true, top_logprobs: 2, ...body })
  })).text()
  t.match(JSON.parse(await ask({})), { choices: [{ logprobs: { content: [{ token: 'Hi', top_logprobs: [{ token: 'Hi' }, { token: ' the' }] }] } }] })
  t.match(await ask({ stream: true }), '"logprobs":{"content":[{"token":"Hi"')
})
