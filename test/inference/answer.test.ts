import t from 'tap'
import type { SimulatorOptions } from '../../src/simulator/server.ts'
import { waited } from '../servers/http-client.ts'
import { API_TOKEN, ask, GLM, KIMI, LLAMA, MISTRAL, saying, startProxy, toChunks, type Proxy } from '../servers/start-proxy.ts'

t.test('a fallback answers where the model failed, and the answer says so', async t => {
  const proxy = await startProxy(t, { MAX_RETRIES: '0', MODEL_FALLBACKS: JSON.stringify({ [LLAMA]: [MISTRAL, GLM], fast: [GLM] }), MODEL_ALIASES: JSON.stringify({ fast: LLAMA }) })
  const cases = [
    { name: 'by the id', model: LLAMA, script: 'fail 1 times with code 5028 then say hi', served: MISTRAL, attempts: '2' },
    { name: 'by the alias', model: 'fast', script: 'fail 1 times with 502 then say hi', served: GLM, attempts: '2' },
    { name: 'by the last of them', model: LLAMA, script: 'fail 2 times with code 3040 then say hi', served: GLM, attempts: '3' }
  ]
  for (const { name, model, script, served, attempts } of cases) {
    for (const stream of [false, true]) {
      const response = await ask(proxy, saying(script, { model, stream }))
      t.equal(response.status, 200, name)
      t.match(Object.fromEntries(['x-proxy-model', 'x-proxy-attempts', 'x-proxy-warnings'].map(header => [header, response.headers.get(header)])), {
        'x-proxy-model': served,
        'x-proxy-attempts': attempts,
        'x-proxy-warnings': /model renamed/
      }, name)
      t.match(await response.text(), `"model":"${model}"`, 'the answer bears the name that was asked for')
    }
  }
  t.match(proxy.log(), '"reason":"the model failed: refused, 400, Workers AI 5028"')
})

t.test('a long history is whole for whoever takes over, and for a second form of a structured output', async t => {
  const history = Array.from({ length: 80 }, (_, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content: `${index} "süß"\n😀 ${'word '.repeat(200)}` }))
  const proxy = await startProxy(t, { MAX_RETRIES: '0', MODEL_FALLBACKS: JSON.stringify({ [LLAMA]: [MISTRAL, GLM] }) })
  const cases = [
    { name: 'a fallback', script: 'fail 2 times with code 5028 then say hi', rest: {}, models: [LLAMA, MISTRAL, GLM] },
    { name: 'a fallback, streamed', script: 'fail 1 times with 502 then say hi', rest: { stream: true }, models: [LLAMA, MISTRAL] },
    { name: 'two choices', script: 'say hi', rest: { n: 2 }, models: [LLAMA, LLAMA] },
    { name: 'another form', script: 'fail 1 times with code 5025 then say {}', rest: { response_format: { type: 'json_object' } }, models: [LLAMA, LLAMA] }
  ]
  for (const { name, script, rest, models } of cases) {
    const earlier = proxy.simulator.requests.length
    const messages = [...history, { role: 'user', content: script }]
    const response = await ask(proxy, { model: LLAMA, messages, ...rest })
    t.equal(response.status, 200, name)
    await response.text()
    const asked = proxy.simulator.requests.slice(earlier)
    t.strictSame(asked.map(({ model }) => model), models, name)
    for (const { body } of asked) t.strictSame((body as { messages: object[] }).messages.slice(-80), messages.slice(-80), name)
  }
})

t.test('no fallback helps against a wrong request or a used-up quota', async t => {
  const proxy = await startProxy(t, { MODEL_FALLBACKS: JSON.stringify({ [LLAMA]: [GLM] }) })
  for (const [script, status] of [['fail with code 4006', 429], ['fail with code 8001', 400], ['fail with code 10000', 401]] as const) {
    t.equal((await ask(proxy, saying(script))).status, status, script)
  }
  t.strictSame(proxy.simulator.requests.map(({ model }) => model), [LLAMA, LLAMA, LLAMA])
})

t.test('once a stream has begun, no fallback takes over', async t => {
  const proxy = await startProxy(t, { MODEL_FALLBACKS: JSON.stringify({ [LLAMA]: [GLM] }) })
  const chunks = toChunks(await (await ask(proxy, saying('break after 3 frames, say 10 words', { stream: true }))).text())
  t.match(chunks.at(-1), { error: { code: 'upstream_truncated' } })
  t.equal(proxy.simulator.requests.length, 1)
})

t.test('no more answers than the setting allows are under way', async t => {
  const proxy = await startProxy(t, { MAX_STREAMS: '1' })
  const controller = new AbortController()
  const first = ask(proxy, saying('stall'), { signal: controller.signal })
  await waited(() => proxy.simulator.requests.length === 1)
  const second = await ask(proxy, saying('say hi'))
  t.equal(second.status, 503)
  t.equal(second.headers.get('retry-after'), '1')
  t.match(await second.json(), { error: { type: 'server_error', code: 'overloaded' } })
  t.equal((await fetch(`${proxy.url}/v1/models`)).status, 200, 'what is quick is still answered')
  controller.abort()
  await t.rejects(first)
  await waited(() => proxy.simulator.requests[0]?.closedEarly === true)
  t.equal((await ask(proxy, saying('say hi'))).status, 200, 'there is room again')
})

t.test('the log says how long the first word took, and why the answer ended', async t => {
  const proxy = await startProxy(t)
  for (const stream of [false, true]) await (await ask(proxy, saying('say one two', { stream, max_tokens: 1 }))).text()
  const lines = () => proxy.lines().filter(({ msg }) => msg === 'request')
  await waited(() => lines().length === 2)
  for (const line of lines()) t.match(line, { firstTokenMs: Number, finishReason: 'length' })
})

const KIMI_GONE = '@cf/moonshotai/kimi-k2.5'
const OLD_LLAMA = '@cf/meta/llama-3.1-8b-instruct'
const NEW_LLAMA = '@cf/meta/llama-3.1-8b-instruct-fp8-fast'
const GEMMA_GONE = '@cf/google/gemma-3-12b-it'
const GEMMA = '@cf/google/gemma-4-26b-a4b-it'
const RETIRING: SimulatorOptions = { retiredModels: 'refuse' }

const askedOf = ({ simulator }: Proxy) => simulator.requests.map(({ model }) => model)

t.test('the successor of a retired model answers in its own form and ranges', async t => {
  const proxy = await startProxy(t, {}, RETIRING)
  const request = saying('say hi', { model: OLD_LLAMA, frequency_penalty: -1, top_p: 0 })
  for (const attempts of ['2', '1']) {
    const response = await ask(proxy, request)
    t.match(Object.fromEntries(response.headers.entries()), { 'x-proxy-model': NEW_LLAMA, 'x-proxy-attempts': attempts, 'x-proxy-warnings': /^top_p clamped, model replaced$/ })
  }
  t.match(proxy.simulator.requests.map(({ model, body }) => ({ model, ...body as object })), [
    { model: OLD_LLAMA, frequency_penalty: 0 },
    { model: NEW_LLAMA, frequency_penalty: -1, top_p: 0.001 },
    { model: NEW_LLAMA, frequency_penalty: -1 }
  ])
  t.match(proxy.log(), `"reason":"Cloudflare has retired ${OLD_LLAMA} on 2026-05-30; ${NEW_LLAMA} is its nearest successor"`)
  const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==' } }
  const seen = await ask(proxy, { model: KIMI_GONE, messages: [{ role: 'user', content: [{ type: 'text', text: 'say hi' }, image] }], max_tokens: 50 })
  t.equal(seen.headers.get('x-proxy-model'), KIMI)
  t.match(proxy.simulator.requests.at(-1), { model: KIMI, body: { max_completion_tokens: 50 } })
})

t.test('what the operator names comes before the successor', async t => {
  const proxy = await startProxy(t, { MAX_RETRIES: '0', MODEL_FALLBACKS: JSON.stringify({ [OLD_LLAMA]: [GLM], [GEMMA_GONE]: [MISTRAL] }) }, RETIRING)
  for (let count = 0; count < 2; count++) {
    const response = await ask(proxy, saying('say hi', { model: OLD_LLAMA }))
    t.match(Object.fromEntries(response.headers.entries()), { 'x-proxy-model': GLM, 'x-proxy-warnings': /^model renamed$/ })
  }
  t.strictSame(askedOf(proxy), [OLD_LLAMA, GLM, GLM], 'the retired one is asked once')
  const response = await ask(proxy, saying('fail 1 times with code 3040 then say hi', { model: GEMMA_GONE }))
  t.match(Object.fromEntries(response.headers.entries()), { 'x-proxy-model': GEMMA, 'x-proxy-attempts': '3', 'x-proxy-warnings': /model renamed, model replaced/ })
  t.strictSame(askedOf(proxy).slice(3), [GEMMA_GONE, MISTRAL, GEMMA])
})

t.test('a model without a successor, and any where that is not wanted, is not found', async t => {
  const proxy = await startProxy(t, {}, RETIRING)
  const told = async (response: Response) => ({ status: response.status, model: response.headers.get('x-proxy-model'), body: await response.json() })
  for (let count = 0; count < 2; count++) {
    t.match(await told(await ask(proxy, saying('say hi', { model: '@cf/microsoft/phi-2' }))), {
      status: 404,
      model: null,
      body: { error: { code: 'model_not_found', param: 'model', message: /^This model was deprecated on 2026-05-30\. .*\(Workers AI 5028\). Models that are served now: @cf\// } }
    })
  }
  const strict = await startProxy(t, { RETIRED_MODELS: 'reject' }, RETIRING)
  t.match(await told(await ask(strict, saying('say hi', { model: OLD_LLAMA }))), { status: 404, body: { error: { code: 'model_not_found', message: `Its nearest successor is '${NEW_LLAMA}'.` } } })
  t.strictSame(askedOf(strict), [OLD_LLAMA])
})

t.test('a successor that cannot answer either is told by both names', async t => {
  const proxy = await startProxy(t, { MAX_RETRIES: '0', UNSUPPORTED_PARAMS: 'reject' }, RETIRING)
  const told = async (response: Response) => ({ status: response.status, body: await response.json() })
  const both = new RegExp(`^'${OLD_LLAMA}' has been retired, and its successor '${NEW_LLAMA}' cannot answer this: `)
  for (let count = 0; count < 2; count++) {
    t.match(await told(await ask(proxy, saying('fail with code 5035', { model: OLD_LLAMA }))), { status: 403, body: { error: { message: both } } })
    t.match(await told(await ask(proxy, saying('say hi', { model: OLD_LLAMA, logprobs: true }))), { status: 400, body: { error: { param: 'logprobs', message: both } } })
  }
})

t.test('a request that is wrong is told so, whoever was to answer it', async t => {
  const proxy = await startProxy(t, { UNSUPPORTED_PARAMS: 'reject', MODEL_FALLBACKS: JSON.stringify({ [OLD_LLAMA]: [NEW_LLAMA] }) }, RETIRING)
  t.equal((await ask(proxy, saying('say hi', { model: OLD_LLAMA }))).headers.get('x-proxy-model'), NEW_LLAMA)
  const response = await ask(proxy, saying('say hi', { model: OLD_LLAMA, logprobs: true }))
  t.match({ status: response.status, body: await response.json() }, { status: 400, body: { error: { param: 'logprobs' } } })
})

t.test('a dry run shows the model that was asked for', async t => {
  const proxy = await startProxy(t, {}, RETIRING)
  await ask(proxy, saying('say hi', { model: OLD_LLAMA }))
  const response = await ask(proxy, saying('say hi', { model: OLD_LLAMA }), { headers: { 'x-dry-run': 'true' } })
  t.match(await response.json(), { model: OLD_LLAMA, url: `/ai/run/${OLD_LLAMA}`, changes: [] })
})

t.test('each token has its own account', async t => {
  const proxy = await startProxy(t, { AUTH_MODE: 'passthrough' }, RETIRING)
  const bearing = (token: string) => ask(proxy, saying('say hi', { model: OLD_LLAMA }), { headers: { authorization: `Bearer ${token}` } })
  t.equal((await bearing(API_TOKEN)).status, 200)
  t.equal((await bearing('another-token')).status, 401)
  t.equal((await bearing(API_TOKEN)).status, 200)
  t.equal(askedOf(proxy).filter(model => model === OLD_LLAMA).length, 1, 'a wrong token does not get as far')
})

t.test('retirement may be rehearsed in words', async t => {
  const proxy = await startProxy(t)
  t.equal((await ask(proxy, saying('say hi', { model: OLD_LLAMA }))).headers.get('x-proxy-model'), OLD_LLAMA)
  const response = await ask(proxy, saying('fail 1 times with code 5028 then say hi', { model: OLD_LLAMA }))
  t.equal(response.headers.get('x-proxy-model'), NEW_LLAMA)
  t.equal((await ask(proxy, saying('fail with code 5028', { model: OLD_LLAMA }))).status, 404)
})
