import t from 'tap'
import { exchange } from '../servers/http-client.ts'
import { startProxy, type Proxy } from '../servers/start-proxy.ts'
import { complaintsAbout, startRecordedUpstream } from '../servers/recorded-upstream.ts'

const LLAMA = '@cf/meta/llama-3.1-8b-instruct'

/** Names that want to be more than a name. */
const ODD_NAMES = [
  // other paths
  '../../../secrets', '..', '.', './', '/', '//', '///', '@cf/../..', '@cf/../../../tokens/verify', '@cf/meta/..', '@cf/meta/../../x', '@cf/./meta/x', '@cf//meta/x', '@cf/meta//x',
  '@cf/meta/x/', '/@cf/meta/x', '@cf/meta/x/../../../../user/tokens', '@cf/meta/x/y/z', '@cf/.meta/x', '@cf/meta/.x', '@cf/-meta/x', '..\\..\\x', '@cf\\meta\\x', '@cf/meta\\..\\x', '@cf/meta/x\\..\\..\\y',
  `${LLAMA}/../../../accounts`, `${LLAMA}/..;/..`, 'models/search', '/ai/models/search', 'run/@cf/meta/x', '../models/search', 'accounts/other/ai/run/x',
  // queries, fragments and parameters
  `${LLAMA}?x=1`, `${LLAMA}#x`, `${LLAMA};x=1`, `${LLAMA}&account=other`, '?', '#', '@cf/meta/?', '@cf/meta/#', '@cf/me?ta/x', '@cf/meta/x?@cf/meta/y',
  // percent
  '%2e%2e/%2e%2e', '@cf/%2e%2e/%2e%2e', '@cf/meta/%2e%2e%2f', '@cf%2fmeta%2fx', '@cf/meta/x%2f..%2f..', '@cf/meta/x%00', '@cf/meta/x%0d%0ahost:evil', '@cf/meta/%252e%252e', '@cf/meta/%', '@cf/meta/%zz', '@cf/meta/x%3fy', '@cf/meta/x%23y',
  // line breaks and other control characters
  `${LLAMA}\r\nhost: evil.example`, `${LLAMA}\n`, `\n${LLAMA}`, `${LLAMA}\r`, `${LLAMA}\r\n\r\nGET /secrets HTTP/1.1\r\nhost: x\r\n\r\n`, `${LLAMA}\t`, `${LLAMA}\u0000`, '\u0000', `${LLAMA}\u000b`, `${LLAMA}\u007f`, `${LLAMA}\u0085`, `${LLAMA}\u2028`,
  // other servers
  'http://evil.example/x', 'https://evil.example/@cf/meta/x', '//evil.example/x', '@evil.example/x/y', '@cf/meta/x@evil.example', 'http://127.0.0.1:1/x', 'file:///etc/passwd', 'javascript:alert(1)', '@cf:80/meta/x', 'user:pass@cf/meta/x',
  // look-alikes
  '@cf\u2215meta\u2215x', '@cf/meta/\u2024\u2024/x', '@cf/\uff0e\uff0e/x', '\uff20cf/meta/x', '@cf\uff0fmeta\uff0fx', '@\u0441f/meta/x', '@cf/m\u0435ta/x', '@cf/meta/x\u200b', '\ufeff@cf/meta/x', '@cf/meta/\u202ex', '@CF/meta/x', '@cf/meta/\ud83d\ude00', '@cf/meta/\ud800',
  // blanks, sizes and names of the object prototype
  ' ', `  ${LLAMA}`, `${LLAMA} `, '@cf/meta/ x', `@cf/meta/${'x'.repeat(5_000)}`, '@cf/'.repeat(2_000), '__proto__', 'constructor', 'toString', '@cf/__proto__/', '*', '@cf/*/*', '[object Object]', '{{7*7}}', '#{7*7}', '$(id)', '`id`', "' OR 1=1 --", '<script>'
]

/** By their paths, which may be made of the name as well. */
const ENDPOINTS: Record<string, (model: string) => object> = {
  '/v1/chat/completions': model => ({ model, messages: [{ role: 'user', content: 'hi' }] }),
  '/v1/completions': model => ({ model, prompt: 'hi' }),
  '/v1/embeddings': model => ({ model, input: 'hi' }),
  '/v1/responses': model => ({ model, input: 'hi' }),
  '/v1/responses/compact': model => ({ model, input: 'hi' }),
  '/openai/v1/chat/completions': model => ({ model, messages: [{ role: 'user', content: 'hi' }] }),
  '/openai/embeddings': model => ({ model, input: 'hi' })
}

/** The path as it is written, which Node's own clients would tidy up first. */
async function get (proxy: Proxy, path: string): Promise<number> {
  const answer = await exchange(proxy, Buffer.from(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`), 'nothing that ever comes')
  return Number(answer.split(' ')[1])
}

async function postTo (proxy: Proxy, path: string, body: object): Promise<number> {
  const text = JSON.stringify(body)
  const answer = await exchange(proxy, Buffer.from(`POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`), 'nothing that ever comes')
  return Number(answer.split(' ')[1])
}

t.test('an odd model name is refused by every endpoint, and calls nothing at Cloudflare', async t => {
  t.ok(ODD_NAMES.length >= 88, `${ODD_NAMES.length} names`)
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
  for (const [path, toBody] of Object.entries(ENDPOINTS)) {
    const answers = await Promise.all(ODD_NAMES.map(async name => {
      const response = await fetch(proxy.url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(toBody(name)) })
      return { name: JSON.stringify(name).slice(0, 60), status: response.status, body: await response.json() as { error?: object } }
    }))
    t.strictSame(answers.filter(({ status, body }) => status < 400 || status > 499 || body.error === undefined).map(({ name, status }) => `${name}: ${status}`), [], path)
  }
  t.strictSame(upstream.runs, [])
  t.strictSame(upstream.requests.flatMap(request => complaintsAbout(request)), [], 'its lists were asked for in their own way')
})

t.test('an odd id of a response is none', async t => {
  const proxy = await startProxy(t)
  for (const path of ['', '/input_items']) {
    const statuses = await Promise.all(ODD_NAMES.map(async name => {
      const id = encodeURIComponent(name.replaceAll(/\ud800$/g, '?'))
      return { id: id.slice(0, 60), status: await get(proxy, `/v1/responses/${id}${path}`) }
    }))
    t.strictSame(statuses.filter(({ status }) => ![404, 405, 431].includes(status)), [])
  }
})

t.test('nor does one in the path of a model', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
  for (const encode of [encodeURIComponent, encodeURI, encodePathOnly, encodeTwice]) {
    const statuses = await Promise.all(ODD_NAMES.map(async name => {
      const path = `/v1/models/${encode(name.replaceAll(/\ud800$/g, '?'))}`
      return { path: path.slice(0, 60), status: await get(proxy, path) }
    }))
    // What is written plainly may end at a question mark, and then asks for another model, quite alright.
    const expected = encode === encodeURIComponent || encode === encodeTwice ? [404, 431] : [200, 404]
    t.strictSame(statuses.filter(({ status }) => !expected.includes(status)), [], encode.name)
  }
  t.strictSame(upstream.runs, [])
  t.strictSame(upstream.requests.flatMap(request => complaintsAbout(request)), [])
})

t.test('nor does one as a deployment, nor one in the body beside it', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
  for (const encode of [encodeURIComponent, encodePathOnly, encodeTwice]) {
    const statuses = await Promise.all(ODD_NAMES.map(async name => {
      const path = `/openai/deployments/${encode(name.replaceAll(/\ud800$/g, '?'))}/chat/completions`
      return { path: path.slice(0, 80), status: await postTo(proxy, path, { messages: [{ role: 'user', content: 'hi' }] }) }
    }))
    // What is written plainly may be the path of another model, quite alright.
    const expected = [...(encode === encodePathOnly ? [200] : []), 400, 404, 405, 431]
    t.strictSame(statuses.filter(({ status }) => !expected.includes(status)), [], encode.name)
  }
  t.strictSame([...new Set(upstream.runs.map(({ target }) => target))].filter(target => !/^\/client\/v4\/accounts\/account-4711-0815\/ai\/run\/@cf\/[\w-]+\/[\w.-]+$/.test(target)), [])
  const before = upstream.runs.length
  const statuses = await Promise.all(ODD_NAMES.map(async model => postTo(proxy, `/openai/deployments/${LLAMA}/chat/completions`, { messages: [{ role: 'user', content: 'hi' }], model: model.replaceAll(/[^\x21-\x7e]/gu, '?') })))
  t.strictSame([...new Set(statuses)], [200], 'what the body names is not looked at')
  t.strictSame([...new Set(upstream.runs.slice(before).map(({ target }) => target))], [`/client/v4/accounts/account-4711-0815/ai/run/${LLAMA}`])
  t.strictSame(upstream.requests.flatMap(request => complaintsAbout(request)), [])
})

t.test('aliases, the default and fallbacks go through the same needle\'s eye', async t => {
  const busy = { status: 429, headers: { 'retry-after': '60' }, body: { errors: [{ code: 3040, message: 'Capacity temporarily exceeded' }] } }
  const upstream = await startRecordedUpstream(t, () => busy)
  const evil = '@cf/../../user/tokens'
  const settings: Array<{ name: string, env: Record<string, string>, model: string, status: number }> = [
    { name: 'an alias', env: { MODEL_ALIASES: JSON.stringify({ fast: evil }) }, model: 'fast', status: 404 },
    { name: 'the default', env: { DEFAULT_MODEL: evil }, model: 'whatever', status: 404 },
    { name: 'a fallback', env: { MODEL_FALLBACKS: JSON.stringify({ [LLAMA]: [evil] }) }, model: LLAMA, status: 429 }
  ]
  for (const { name, env, model, status } of settings) {
    const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, ...env })
    const response = await fetch(`${proxy.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }] }) })
    t.equal(response.status, status, name)
  }
  t.strictSame(upstream.runs.map(({ target }) => target), [`/client/v4/accounts/account-4711-0815/ai/run/${LLAMA}`])
  t.strictSame(upstream.requests.flatMap(request => complaintsAbout(request)), [])
})

t.test('an ordinary name leads to its own path, also through an AI Gateway', async t => {
  const upstream = await startRecordedUpstream(t)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
  const gateway = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, CLOUDFLARE_AI_GATEWAY_ID: 'my-gateway', CLOUDFLARE_AI_GATEWAY_BASE_URL: `${new URL(upstream.url).origin}/v1` })
  for (const { url } of [proxy, gateway]) {
    const response = await fetch(`${url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: LLAMA, messages: [{ role: 'user', content: 'hi' }] }) })
    t.equal(response.status, 200)
  }
  t.strictSame(upstream.runs.map(({ target }) => target), [
    `/client/v4/accounts/account-4711-0815/ai/run/${LLAMA}`,
    `/v1/account-4711-0815/my-gateway/workers-ai/${LLAMA}`
  ])
})

/** What could not stand in a request line at all, and nothing else. */
function encodePathOnly (text: string): string {
  return text.replaceAll(/[^\x21-\x7e]/gu, one => encodeURIComponent(one))
}

function encodeTwice (text: string): string {
  return encodeURIComponent(encodeURIComponent(text))
}
