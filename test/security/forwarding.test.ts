import t from 'tap'
import { askRaw } from '../servers/http-client.ts'
import { API_TOKEN, ask, LLAMA, saying, startProxy } from '../servers/start-proxy.ts'
import { complaintsAbout, headersOf, HELLO, startRecordedUpstream, toEvents, type Answer } from '../servers/recorded-upstream.ts'

const KEY = 'sk-client-0815'
const EVIL = 'http://evil.example:8080/steal'

/** Headers by which other proxies can be told where to go, as whom, and how. */
const STEERING_HEADERS: Record<string, string> = {
  'x-forwarded-host': 'evil.example',
  'x-forwarded-for': '10.0.0.1',
  'x-forwarded-proto': 'http',
  'x-forwarded-port': '1',
  'x-forwarded-server': 'evil.example',
  'x-real-ip': '10.0.0.1',
  'x-original-url': '/accounts/other/ai/run/x',
  'x-original-host': 'evil.example',
  'x-rewrite-url': '/accounts/other/ai/run/x',
  'x-http-method-override': 'DELETE',
  'x-method-override': 'DELETE',
  forwarded: 'host=evil.example;proto=http',
  via: '1.1 evil.example',
  'x-base-url': EVIL,
  'x-api-base': EVIL,
  'x-target-url': EVIL,
  'x-upstream': EVIL,
  'x-portkey-custom-host': EVIL,
  'x-portkey-provider': 'openai',
  'x-portkey-config': '{"provider":"openai"}',
  'helicone-target-url': EVIL,
  'x-litellm-api-base': EVIL,
  'x-account-id': 'other-account',
  'cf-account-id': 'other-account',
  'cf-access-client-id': 'id',
  'cf-access-client-secret': 'secret',
  'cf-connecting-ip': '10.0.0.1',
  'cf-worker': 'evil.example',
  'cf-aig-authorization': 'Bearer stolen',
  'cf-aig-custom-cost': '0',
  'cf-aig-skip-cache': 'true',
  'cf-aig-cache-ttl': '1',
  'x-auth-email': 'someone@evil.example',
  'x-auth-key': 'global-key',
  'x-auth-token': 'token',
  'proxy-authorization': 'Basic eDp5',
  'openai-organization': 'org-x',
  'openai-project': 'proj-x',
  cookie: 'session=secret',
  referer: EVIL,
  origin: 'null',
  'accept-encoding': 'gzip, br',
  'user-agent': 'evil/1.0',
  te: 'trailers',
  'x-no-compression': '1',
  authorization: `Bearer ${KEY}`
}

/** Fields by which other proxies can be told the same. */
const STEERING_FIELDS: Record<string, unknown> = {
  api_base: EVIL,
  base_url: EVIL,
  baseURL: EVIL,
  endpoint: EVIL,
  url: EVIL,
  host: 'evil.example',
  api_key: 'stolen',
  apiKey: 'stolen',
  api_token: 'stolen',
  token: 'stolen',
  authorization: 'Bearer stolen',
  account_id: 'other-account',
  accountId: 'other-account',
  account: 'other-account',
  gateway: { id: 'other-gateway' },
  headers: { authorization: 'Bearer stolen', host: 'evil.example' },
  extra_headers: { authorization: 'Bearer stolen' },
  extra_body: { api_base: EVIL },
  extra_query: { account: 'other' },
  custom_llm_provider: 'openai',
  method: 'DELETE',
  path: '/accounts/other',
  proxy: EVIL,
  redirect: 'follow',
  litellm_params: { api_base: EVIL },
  metadata: { api_base: EVIL, user_api_key: 'stolen' },
  user: EVIL,
  prompt_cache_key: 'x\r\nauthorization: Bearer stolen\r\n'
}

const ENDPOINTS: Record<string, object> = {
  '/v1/chat/completions': { messages: [{ role: 'user', content: 'hi' }] },
  '/v1/completions': { prompt: 'hi' },
  '/v1/embeddings': { input: 'hi' },
  '/v1/responses': { input: 'hi' },
  '/v1/responses/compact': { input: 'hi' },
  '/openai/v1/chat/completions': { messages: [{ role: 'user', content: 'hi' }] },
  [`/openai/deployments/${LLAMA}/chat/completions`]: { messages: [{ role: 'user', content: 'hi' }] }
}

t.test('nothing a client sends changes where a call goes, as whom, and with what', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, API_KEYS: KEY })
  const query = new URLSearchParams({ api_base: EVIL, base_url: EVIL, account_id: 'other', model: '@cf/evil/x', key: 'stolen', 'x-base-url': EVIL })
  let calls = 0
  for (const [path, body] of Object.entries(ENDPOINTS)) {
    const before = upstream.runs.length
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${KEY}` }
    const post = (target: string, headers: Record<string, string>, body: object) => fetch(proxy.url + target, { method: 'POST', headers, body: JSON.stringify(body) })
    const model = path === '/v1/embeddings' ? '@cf/baai/bge-m3' : LLAMA
    await post(path, { ...STEERING_HEADERS, ...headers }, { model, ...body })
    await post(`${path}?${query}`, headers, { model, ...body })
    for (const [field, value] of Object.entries(STEERING_FIELDS)) await post(path, headers, { model, ...body, [field]: value })
    const runs = upstream.runs.slice(before)
    calls += runs.length
    t.strictSame(runs.flatMap(run => complaintsAbout(run)), [], path)
    t.strictSame(runs.filter(({ target }) => !target.endsWith(`/ai/run/${model}`)), [], `${path}: the model is the one the body names`)
    t.strictSame(runs.filter(({ text }) => /evil\.example|stolen|other-|api_base|DELETE/.test(text)).map(({ text }) => text), [], `${path}: nothing of it is passed on`)
  }
  t.ok(calls > 20, `${calls} calls were made`)
})

t.test('headers that the proxy takes no notice of are taken no notice of by Node either', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, API_KEYS: KEY })
  for (const [name, value] of Object.entries(STEERING_HEADERS)) {
    const { status } = await askRaw(proxy, '/v1/models/gpt-4', { headers: { authorization: `Bearer ${KEY}`, [name]: value } })
    t.equal(status, 404, name)
  }
})

t.test('what the caller says of its session cannot leave its header', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
  const values = ['plain', 'x\r\nauthorization: Bearer stolen', 'x\ny', 'x\u0000', 'h\u00e9', '\u2028', 'x'.repeat(300), 'a b']
  for (const value of values) await (await ask(proxy, saying('hi', { prompt_cache_key: value }))).text()
  t.strictSame(upstream.runs.flatMap(run => complaintsAbout(run)), [])
  const told = upstream.runs.map(({ headers }) => headers['x-session-affinity'])
  t.strictSame(told.filter(value => typeof value !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(value)), [])
  t.equal(told.length, values.length)
})

t.test('the caller\'s key does not reach Cloudflare in any form that can be read', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, API_KEYS: `ann:${KEY}` })
  for (const headers of [{ authorization: `Bearer ${KEY}` }, { 'x-api-key': KEY }, { 'api-key': KEY }]) {
    const response = await ask(proxy, saying('hi', { user: 'someone' }), { headers: headers as unknown as Record<string, string> })
    t.equal(response.status, 200)
  }
  for (const { rawHeaders, text } of upstream.runs) {
    t.notMatch(rawHeaders.join('\n') + text, new RegExp(`${KEY}|${btoa(KEY)}|ann|someone`))
  }
})

t.test('of Cloudflare\'s headers only those that concern the caller are passed on', async t => {
  const shown = { 'cf-ai-req-id': 'req-1', 'cf-ai-neurons': '0.5', 'cf-ray': 'ray-1' }
  const hidden = {
    'set-cookie': ['__cf_bm=secret; path=/', 'second=secret'],
    server: 'cloudflare',
    location: EVIL,
    refresh: `0; url=${EVIL}`,
    link: `<${EVIL}>; rel=preload`,
    via: '1.1 upstream',
    'x-powered-by': 'upstream',
    'strict-transport-security': 'max-age=1',
    'access-control-allow-origin': '*',
    'access-control-allow-credentials': 'true',
    'content-security-policy': 'default-src *',
    'www-authenticate': 'Basic realm="upstream"',
    'alt-svc': 'h3="evil.example:443"',
    'content-disposition': 'attachment; filename=x',
    'x-request-id': 'not-ours',
    'x-proxy-model': 'not-ours',
    'x-should-retry': 'true',
    'api-version': '2024',
    authorization: `Bearer ${API_TOKEN}`,
    'x-account': 'account-sesame'
  }
  const endings: Record<string, Answer> = {
    'a plain answer': HELLO,
    'a stream': toEvents({ response: 'hi' }, { response: '', finish_reason: 'stop' }, '[DONE]'),
    'a refusal': { status: 400, body: { success: false, errors: [{ code: 5006, message: 'No.' }] } },
    'a refusal of the token': { status: 401, body: { success: false, errors: [{ code: 10000, message: 'Authentication error' }] } },
    'a redirect': { status: 302, body: {} },
    'a web page': { status: 502, headers: { 'content-type': 'text/html' }, body: '<html>cloudflare</html>' }
  }
  for (const [name, ending] of Object.entries(endings)) {
    const upstream = await startRecordedUpstream(t, () => ({ ...ending, headers: { ...shown, ...hidden, ...ending.headers } }))
    const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, MAX_RETRIES: '0' })
    const response = await ask(proxy, saying('hi', { stream: name === 'a stream' }))
    await response.text()
    const told = headersOf(response)
    t.strictSame(Object.keys(told).filter(header => !ANSWER_HEADERS.includes(header)), [], name)
    t.notMatch(JSON.stringify(told), /secret|upstream|evil|not-ours|sesame/, name)
    if (response.ok) t.match(told, shown, name)
    t.strictSame(upstream.runs.flatMap(run => complaintsAbout(run)), [], name)
  }
})

const ANSWER_HEADERS = [
  'cache-control', 'connection', 'content-length', 'content-type', 'date', 'keep-alive', 'transfer-encoding', 'x-accel-buffering',
  'x-request-id', 'x-proxy-model', 'x-proxy-attempts', 'x-proxy-warnings', 'x-should-retry', 'retry-after', 'cf-ai-req-id', 'cf-ai-neurons', 'cf-ray'
]

t.test('a header of Cloudflare\'s that no header of ours can carry is left out', async t => {
  for (const value of ['h\u00e9llo', '\u00e2\u0098\u0083', '\u00ff'.repeat(10), 'x'.repeat(5_000), 'a\tb']) {
    const upstream = await startRecordedUpstream(t, () => ({ ...HELLO, headers: { 'cf-ray': value, 'cf-ai-req-id': 'req-1' } }))
    const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
    const response = await ask(proxy, saying('hi'))
    t.equal(response.status, 200, JSON.stringify(value).slice(0, 20))
    t.equal(response.headers.get('cf-ray'), null)
    t.equal(response.headers.get('cf-ai-req-id'), 'req-1')
  }
})
