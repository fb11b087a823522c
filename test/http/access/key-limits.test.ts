import { join } from 'node:path'
import t, { type Test } from 'tap'
import { MemoryLimits } from '../../../src/stores/limits/memory.ts'
import { waited } from '../../servers/http-client.ts'
import { API_TOKEN, ask, LLAMA, MISTRAL, post, saying, startProxy, toChunks, type Proxy } from '../../servers/start-proxy.ts'

const EMBEDDER = '@cf/baai/bge-small-en-v1.5'
const NOON = Date.parse('2026-11-29T12:00:00Z')
const KEYS = 'alice:key-a,bob:key-b,key-c'

/** Its clock stands still, so that nothing is refilled. */
function start (t: Test, limits: object, env: Record<string, string> = {}): Promise<Proxy> {
  return startProxy(t, { API_KEYS: KEYS, KEY_LIMITS: JSON.stringify(limits), ...env }, {}, { limits: new MemoryLimits(() => NOON) })
}

function by (key: string, signal?: AbortSignal) {
  return { headers: { authorization: `Bearer ${key}` }, ...(signal && { signal }) }
}

function rateHeaders (response: Response): Record<string, string> {
  return Object.fromEntries([...response.headers].filter(([name]) => name.startsWith('x-ratelimit-')).map(([name, value]) => [name.slice('x-ratelimit-'.length), value]))
}

async function read (response: Response): Promise<string> {
  return response.text()
}

t.test('a limit holds for its key, and the default for every other one by itself', async t => {
  const proxy = await start(t, { alice: { rpm: 2 }, '*': { rpm: 1 } })
  const statuses: Record<string, number[]> = {}
  for (const key of ['key-a', 'key-b', 'key-c']) {
    statuses[key] = []
    for (let count = 0; count < 3; count++) statuses[key].push((await ask(proxy, saying('say hi'), by(key))).status)
  }
  t.strictSame(statuses, { 'key-a': [200, 200, 429], 'key-b': [200, 429, 429], 'key-c': [200, 429, 429] })
  t.equal(proxy.simulator.requests.length, 4, 'nothing is sent for a refused request')
})

t.test('a refusal is an error of OpenAI that says what to do', async t => {
  const proxy = await start(t, { alice: { rpm: 1 } }, { ADMIN_KEYS: 'key-o' })
  await read(await ask(proxy, saying('say hi'), by('key-a')))
  const response = await ask(proxy, saying('say hi', { stream: true }), by('key-a'))
  t.equal(response.status, 429)
  const { error } = await response.json() as { error: { message: string } }
  t.match(error, { type: 'requests', code: 'rate_limit_exceeded', param: null })
  t.match(error.message, /^Rate limit reached for the key 'alice' on requests per minute \(rpm\): limit 1, used 1\. Please try again in 60s\. Whoever/)
  t.equal(response.headers.get('retry-after'), '60')
  t.equal(response.headers.get('retry-after-ms'), '60000')
  t.equal(response.headers.get('x-should-retry'), 'true')
  t.strictSame(rateHeaders(response), { 'limit-requests': '1', 'remaining-requests': '0', 'reset-requests': '1m0s' })
  await waited(() => proxy.lines().some(({ status }) => status === 429))
  t.match(proxy.lines().find(({ status }) => status === 429), { key: 'alice', error: { code: 'rate_limit_exceeded' } })
  const figures = await (await fetch(`${proxy.url}/metrics`, by('key-o'))).text()
  t.match(figures, '\nworkers_ai_proxy_refused_total{key="alice",limit="requests"} 1\n')
})

t.test('a refusal of the Messages API is an error of Anthropic', async t => {
  const proxy = await start(t, { alice: { rpm: 1, models: [LLAMA] } })
  const message = (model: string) => post(proxy, '/v1/messages', { model, max_tokens: 100, messages: [{ role: 'user', content: 'say hi' }] }, by('key-a'))
  const answered = await message(LLAMA)
  t.equal(answered.status, 200)
  t.equal(answered.headers.get('anthropic-ratelimit-requests-remaining'), '0')
  const refused = await message(LLAMA)
  t.equal(refused.status, 429)
  t.equal(refused.headers.get('retry-after'), '60')
  t.match(await refused.json(), { type: 'error', error: { type: 'rate_limit_error', message: /^This request would exceed the rate limit for the key 'alice'/ } })
  const forbidden = await message(MISTRAL)
  t.equal(forbidden.status, 403)
  t.match(await forbidden.json(), { type: 'error', error: { type: 'permission_error' } })
  t.equal(proxy.simulator.requests.length, 1)
})

t.test('every answer of a key with a limit tells how it stands, and no other answer does', async t => {
  const proxy = await start(t, { alice: { rpm: 100, tpm: 100_000 } })
  const cases: Array<{ name: string, remaining: string, asked: () => Promise<Response> }> = [
    { name: 'plain', remaining: '99', asked: () => ask(proxy, saying('say hi'), by('key-a')) },
    { name: 'a stream', remaining: '98', asked: () => ask(proxy, saying('say hi', { stream: true }), by('key-a')) },
    { name: 'a response', remaining: '97', asked: () => post(proxy, '/v1/responses', { model: LLAMA, input: 'say hi', stream: true }, by('key-a')) },
    { name: 'an embedding', remaining: '96', asked: () => post(proxy, '/v1/embeddings', { model: EMBEDDER, input: 'hi' }, by('key-a')) },
    { name: 'a text completion', remaining: '95', asked: () => post(proxy, '/v1/completions', { model: LLAMA, prompt: 'say hi' }, by('key-a')) },
    { name: 'a wrong request', remaining: '95', asked: () => ask(proxy, { model: LLAMA }, by('key-a')) },
    { name: 'the models', remaining: '95', asked: () => fetch(`${proxy.url}/v1/models`, by('key-a')) },
    { name: 'a dry run', remaining: '95', asked: () => ask(proxy, saying('say hi'), { headers: { ...by('key-a').headers, 'x-dry-run': 'true' } }) },
    { name: 'an unknown path', remaining: '95', asked: () => fetch(`${proxy.url}/v1/nothing`, by('key-a')) }
  ]
  for (const { name, remaining, asked } of cases) {
    const response = await asked()
    await read(response)
    t.match(rateHeaders(response), {
      'limit-requests': '100',
      'remaining-requests': remaining,
      'reset-requests': /^\d/,
      'limit-tokens': '100000',
      'remaining-tokens': /^\d+$/,
      'reset-tokens': /^\d/
    }, name)
  }
  t.strictSame(rateHeaders(await ask(proxy, saying('say hi'), by('key-b'))), {}, 'a key without limits')
  t.strictSame(rateHeaders(await ask(proxy, saying('say hi'))), {}, 'no key')
  t.strictSame(rateHeaders(await fetch(`${proxy.url}/readyz`)), {}, 'a health check')
})

t.test('the headers of a plain answer count what it used, those of a stream what is held for it', async t => {
  const proxy = await start(t, { alice: { tpm: 10_000 } })
  const plain = await ask(proxy, saying('say 5 words', { max_tokens: 1_000 }), by('key-a'))
  const { usage } = await plain.json() as { usage: { total_tokens: number } }
  const left = 10_000 - usage.total_tokens
  t.equal(rateHeaders(plain)['remaining-tokens'], String(left))
  await waited(() => proxy.lines().some(({ msg }) => msg === 'request'))
  const stream = await ask(proxy, saying('say 5 words', { max_tokens: 1_000, stream: true }), by('key-a'))
  const held = left - Number(rateHeaders(stream)['remaining-tokens'])
  t.ok(held > 1_000 && held < 1_100, `${held} are held`)
  await read(stream)
})

t.test('a key that may use some models sees no others', async t => {
  const proxy = await start(t, { alice: { models: ['fast', 'mistral-small-3.1-24b-instruct'] } }, { MODEL_ALIASES: JSON.stringify({ fast: LLAMA, slow: EMBEDDER }) })
  for (const model of ['fast', LLAMA, MISTRAL]) t.equal((await ask(proxy, saying('say hi', { model }), by('key-a'))).status, 200, model)
  const asked = proxy.simulator.requests.length
  const refused = await ask(proxy, saying('say hi', { model: '@cf/zai-org/glm-4.7-flash' }), by('key-a'))
  t.equal(refused.status, 403)
  t.match(await refused.json(), { error: { code: 'model_not_found', type: 'invalid_request_error', message: /^The key 'alice' does not have access to the model `@cf\/zai-org\/glm-4\.7-flash`\. It may use: fast, mistral-small-3\.1-24b-instruct\.$/ } })
  for (const [path, body] of [['/v1/embeddings', { model: 'slow', input: 'hi' }], ['/v1/responses', { model: '@cf/zai-org/glm-4.7-flash', input: 'hi' }]] as const) {
    t.equal((await post(proxy, path, body, by('key-a'))).status, 403, path)
  }
  t.equal(proxy.simulator.requests.length, asked, 'nothing was sent')
  const list = await (await fetch(`${proxy.url}/v1/models`, by('key-a'))).json() as { data: Array<{ id: string }> }
  t.strictSame(list.data.map(({ id }) => id).sort(), [LLAMA, MISTRAL, 'fast'].sort())
  t.equal((await fetch(`${proxy.url}/v1/models/${LLAMA}`, by('key-a'))).status, 200)
  t.equal((await fetch(`${proxy.url}/v1/models/${EMBEDDER}`, by('key-a'))).status, 403)
  t.ok(((await (await fetch(`${proxy.url}/v1/models`, by('key-b'))).json()) as { data: object[] }).data.length > 10, 'another key sees all')
})

t.test('a fallback that the key may not use is passed over', async t => {
  const env = { MAX_RETRIES: '0', MODEL_FALLBACKS: JSON.stringify({ [LLAMA]: ['@cf/zai-org/glm-4.7-flash', MISTRAL] }) }
  const proxy = await start(t, { alice: { models: [LLAMA, MISTRAL], rpm: 1 } }, env)
  const response = await ask(proxy, saying('fail 1 times with 502 then say hi'), by('key-a'))
  t.equal(response.status, 200)
  t.equal(response.headers.get('x-proxy-model'), MISTRAL)
  t.equal(rateHeaders(response)['remaining-requests'], '0', 'it is one request')
})

t.test('callers without keys share the default, and so does no token of another caller', async t => {
  const keyless = await startProxy(t, { KEY_LIMITS: '{"*":{"rpm":1}}' })
  t.equal((await ask(keyless, saying('say hi'))).status, 200)
  const refused = await ask(keyless, saying('say hi'))
  t.match(await refused.json(), { error: { message: /^Rate limit reached for the callers of this proxy together on/ } })
  const passthrough = await startProxy(t, { AUTH_MODE: 'passthrough', KEY_LIMITS: '{"*":{"rpm":1}}' })
  const statuses = []
  for (const key of [API_TOKEN, API_TOKEN, 'another-token']) statuses.push((await ask(passthrough, saying('say hi'), by(key))).status)
  t.strictSame(statuses, [200, 429, 401], 'the second of one token is refused, the first of another one is sent')
})

t.test('a model without a known price is refused where there is a budget', async t => {
  const proxy = await start(t, { alice: { neurons_per_day: 100 } })
  const refused = await ask(proxy, saying('say hi', { model: '@cf/utter-project/eurollm-9b-it' }), by('key-a'))
  t.equal(refused.status, 403)
  t.match(await refused.json(), { error: { code: 'model_not_priced' } })
  t.equal((await ask(proxy, saying('say hi', { model: '@cf/utter-project/eurollm-9b-it' }), by('key-b'))).status, 200)
  t.equal(proxy.simulator.requests.length, 1)
})

t.test('a budget stops where it is used up, in every endpoint', async t => {
  const proxy = await start(t, { alice: { neurons_per_day: 1 } })
  const first = await ask(proxy, saying('say 60 words'), by('key-a'))
  t.equal(first.status, 200)
  t.ok(Number(first.headers.get('cf-ai-neurons')) > 1)
  await read(first)
  await waited(() => proxy.lines().some(({ msg }) => msg === 'request'))
  const asked = proxy.simulator.requests.length
  const bodies: Array<[path: string, body: object]> = [
    ['/v1/chat/completions', saying('say hi', { stream: true })],
    ['/v1/completions', { model: LLAMA, prompt: 'hi', n: 2 }],
    ['/v1/responses', { model: LLAMA, input: 'hi' }],
    ['/v1/embeddings', { model: EMBEDDER, input: ['a', 'b'] }]
  ]
  for (const [path, body] of bodies) {
    const response = await post(proxy, path, body, by('key-a'))
    t.equal(response.status, 429, path)
    t.match(await response.json(), { error: { type: 'insufficient_quota', code: 'insufficient_quota', message: /^You exceeded your current quota for the key 'alice' on neurons per day/ } }, path)
    t.equal(response.headers.get('x-should-retry'), 'false', path)
    t.equal(response.headers.get('retry-after'), '43200', path)
  }
  t.equal(proxy.simulator.requests.length, asked)
})

t.test('a budget goes on after a restart, and GET /usage shows it', async t => {
  const env = { API_KEYS: KEYS, ADMIN_KEYS: 'key-o', KEY_LIMITS: JSON.stringify({ alice: { neurons_per_day: 1 }, bob: { rpm: 5 } }), STORE_PATH: join(t.testdir(), 'store.db') }
  const first = await startProxy(t, env)
  const answer = await ask(first, saying('say 60 words'), by('key-a'))
  const neurons = Number(answer.headers.get('cf-ai-neurons'))
  await read(answer)
  await waited(() => first.lines().some(({ msg }) => msg === 'request'))
  await first.app.close()
  const second = await startProxy(t, env)
  t.equal((await ask(second, saying('say hi'), by('key-a'))).status, 429)
  t.equal(second.simulator.requests.length, 0)
  const report = await (await fetch(`${second.url}/usage`, by('key-o'))).json() as { by_key: Array<{ key: string, budget?: object }> }
  t.match(report.by_key.find(({ key }) => key === 'alice')?.budget, { limit: 1, used: neurons, reserved: 0, remaining: 0, resets_at: Number })
  t.equal(report.by_key.find(({ key }) => key === 'bob')?.budget, undefined)
  const own = await (await fetch(`${second.url}/usage`, by('key-a'))).json() as { by_key: Array<{ key: string }> }
  t.strictSame(own.by_key.map(({ key }) => key), ['alice'])
})

t.test('a page of another origin may read the headers', async t => {
  const proxy = await start(t, { '*': { rpm: 5 } }, { CORS_ORIGINS: 'https://app.example' })
  const response = await ask(proxy, saying('say hi'), { headers: { ...by('key-a').headers, origin: 'https://app.example' } })
  t.match(response.headers.get('access-control-expose-headers'), /x-ratelimit-remaining-requests.*x-ratelimit-reset-tokens/)
})

t.test('n choices are held and counted as what they are', async t => {
  const proxy = await start(t, { alice: { tpm: 100_000 } })
  const one = await ask(proxy, saying('say 5 words', { max_tokens: 100, stream: true }), by('key-a'))
  const heldByOne = 100_000 - Number(rateHeaders(one)['remaining-tokens'])
  toChunks(await read(one))
  const other = await start(t, { alice: { tpm: 100_000 } })
  const three = await ask(other, saying('say 5 words', { max_tokens: 100, stream: true, n: 3 }), by('key-a'))
  t.equal(100_000 - Number(rateHeaders(three)['remaining-tokens']), 3 * heldByOne)
  await read(three)
})
