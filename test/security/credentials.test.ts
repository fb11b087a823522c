import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { readSettings } from '../../src/settings/reader.ts'
import { exchange, waited } from '../servers/http-client.ts'
import { API_TOKEN, ask, saying, startProxy, type Proxy } from '../servers/start-proxy.ts'

const KEY = 'sk-first-0815-abcdef'
const NAMED = 'sk-second-4711-ghijkl'
const API_KEYS = `${KEY},ann:${NAMED}`

const bearer = (key: string): string[] => [`authorization: Bearer ${key}`]

/** Lines of a request's head that open nothing. */
const BAD_CREDENTIALS: Record<string, string[]> = {
  'nothing at all': [],
  'an empty header': ['authorization:'],
  'the bare scheme': ['authorization: Bearer'],
  'the scheme and blanks': ['authorization: Bearer    '],
  'the bare key': [`authorization: ${KEY}`],
  'a tab behind the scheme': [`authorization: Bearer\t${KEY}`],
  'a colon behind the scheme': [`authorization: Bearer:${KEY}`],
  'the scheme twice': bearer(`Bearer ${KEY}`),
  'the scheme of another API': [`authorization: Token ${KEY}`],
  'Basic with the key': [`authorization: Basic ${KEY}`],
  'Basic with the key in base64': [`authorization: Basic ${btoa(KEY)}`],
  'Basic with the key as a password': [`authorization: Basic ${btoa(`user:${KEY}`)}`],
  'a wrong key': bearer('sk-wrong'),
  'the beginning of a key': bearer(KEY.slice(0, -1)),
  'the end of a key': bearer(KEY.slice(1)),
  'a key and one character': bearer(`${KEY}x`),
  'a key in capitals': bearer(KEY.toUpperCase()),
  'a key in quotes': bearer(`"${KEY}"`),
  'a key and a percent-encoded NUL': bearer(`${KEY}%00`),
  'a percent-encoded key': bearer(KEY.replace('-', '%2d')),
  'a key in base64': bearer(btoa(KEY)),
  'the digest of a key': bearer(createHash('sha256').update(KEY).digest('hex')),
  'two keys with a comma': bearer(`${KEY},${NAMED}`),
  'two keys with a blank': bearer(`${KEY} ${NAMED}`),
  'a key behind its name': bearer(`ann:${NAMED}`),
  'the name of a key': bearer('ann'),
  'a name nobody has': bearer(':'),
  null: bearer('null'),
  undefined: bearer('undefined'),
  'a star': bearer('*'),
  'a name of the object prototype': bearer('__proto__'),
  'the token of Cloudflare': bearer(API_TOKEN),
  'eight thousand characters': bearer('a'.repeat(8_000)),
  'letters beyond ASCII': bearer('sk-f\u00efrst'),
  'a wrong bearer before the right one': [...bearer('wrong'), ...bearer(KEY)],
  'a wrong bearer beside the right key': [...bearer('wrong'), `x-api-key: ${KEY}`],
  'an empty x-api-key': ['x-api-key:'],
  'a wrong x-api-key': ['x-api-key: wrong'],
  'the right x-api-key twice': [`x-api-key: ${KEY}`, `x-api-key: ${KEY}`],
  'a wrong api-key': ['api-key: wrong'],
  'the key in a cookie': [`cookie: authorization=Bearer ${KEY}; api_key=${KEY}`],
  'the key for a proxy in between': [`proxy-authorization: Bearer ${KEY}`],
  'the key in a forwarded header': [`x-forwarded-authorization: Bearer ${KEY}`, `x-authorization: Bearer ${KEY}`],
  'a header that asks for another method': ['x-http-method-override: OPTIONS', 'x-original-url: /health', 'x-rewrite-url: /health'],
  'a host that names the open path': ['x-forwarded-host: localhost/health?', 'x-forwarded-prefix: /health']
}

/** Every route, in every spelling that might slip past a check of paths. */
const DOORS = [
  ...['/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/responses', '/v1/responses/compact'].flatMap(path => [
    `POST ${path}`, `POST ${path}/`, `POST /${path}`, `POST ${path.replace('/v1/', '/v1//')}`, `POST ${path}?api_key=${KEY}`
  ]),
  'POST /v1/chat%2fcompletions', 'POST /v1/%63hat/completions', 'POST /V1/Chat/Completions', 'POST /v1/./chat/completions',
  'POST /health/../v1/chat/completions', 'POST /v1/chat/completions;/health', 'POST /v1/chat/completions%00/health', 'POST /%zz/v1/chat/completions',
  'POST http://localhost/v1/chat/completions', 'POST http://localhost/health?/v1/chat/completions',
  'GET /v1/models', 'HEAD /v1/models', 'GET /v1/models/', 'GET /v1/models/@cf/meta/llama-3.1-8b-instruct', 'GET /v1/models/%40cf%2fmeta%2fx', 'GET /v1/models/../../health',
  'POST /v1/responses%2fcompact', 'POST /v1/responses/./compact', 'GET /v1/responses/compact', 'GET /v1/responses/resp_1', 'DELETE /v1/responses/resp_1', 'GET /v1/responses/resp_1/input_items', `GET /v1/responses/${'x'.repeat(2_000)}`, 'POST http:///v1/chat/completions', 'GET *',
  ...['chat/completions', 'completions', 'embeddings', 'responses', 'responses/compact'].flatMap(path => [
    `POST /openai/v1/${path}`, `POST /openai/${path}?api-version=1`, `POST /openai/deployments/x/${path}`, `POST /openai/deployments/@cf/meta/x/${path}`, `POST //openai/deployments/%40cf%2Fmeta%2Fx//${path}/`
  ]),
  'GET /openai/models', 'GET /openai/v1/models/@cf/meta/x', 'GET /openai/responses/resp_1', 'DELETE /openai/v1/responses/resp_1', `GET /openai/v1/models?api-key=${KEY}`, 'GET /openai/deployments', 'POST /openai/deployments/health/../../../health',
  'GET /openai/deployments/health', 'POST /openai/deployments/%2e%2e%2f%2e%2e%2fhealth/chat/completions', 'GET /api/tags', 'POST /api/chat', 'GET /api', 'GET /api/../health',
  'OPTIONS /v1/models', 'PUT /v1/chat/completions', 'DELETE /v1/models/x', 'TRACE /v1/models', 'PROPFIND /v1/models',
  'GET //', 'GET http:///', 'POST /', 'GET /health/x', 'GET /healthz', 'POST /health', 'GET /%68ealth/../v1/models', 'GET /metrics', 'GET /metrics/', 'GET /usage', 'GET /events', 'HEAD /events', 'GET /v1/organization/usage/completions?start_time=1', 'GET /v1/organization/costs?start_time=1', 'POST /v1/messages', 'POST /v1/messages/count_tokens', 'POST /v1/messages/x', 'GET /status', 'GET /documentation/json', `GET /v1/models?key=${KEY}`
]

/** What is answered to a head whose body never comes: status, and the error object. */
async function knock (proxy: Proxy, door: string, credentials: string[]): Promise<{ status: number, error: { message?: string, type?: string, code?: string | null } | string }> {
  const lines = [`${door} HTTP/1.1`, 'host: localhost', 'connection: close', ...credentials]
  const body = /^(POST|PUT)/.test(door) ? ['content-type: application/json', 'content-length: 1000000'] : []
  const answer = await exchange(proxy, Buffer.from([...lines, ...body, '', ''].join('\r\n'), 'latin1'), '}}')
  const [head = '', text = ''] = answer.split('\r\n\r\n')
  return { status: Number(head.split(' ')[1]), error: text.startsWith('{') ? JSON.parse(text).error : {} }
}

t.test('what is no key opens no door, and is told so before its body comes', async t => {
  const proxy = await startProxy(t, { API_KEYS })
  t.ok(Object.keys(BAD_CREDENTIALS).length >= 35)
  for (const [name, credentials] of Object.entries(BAD_CREDENTIALS)) {
    const answers = await Promise.all(DOORS.map(async door => ({ door, ...await knock(proxy, door, credentials) })))
    t.strictSame(answers.filter(({ status }) => status !== 401).map(({ door, status }) => `${door}: ${status}`), [], name)
    t.strictSame(answers.filter(({ error }) => JSON.stringify(error).includes('sk-')), [], `${name}: no key is repeated`)
  }
  t.strictSame(proxy.simulator.requests, [])
  t.notMatch(proxy.log(), /sk-(first|second)/, 'nor is one logged')
})

t.test('the same doors open with a key, so it was the key they asked for', async t => {
  const proxy = await startProxy(t, { API_KEYS })
  for (const credentials of [bearer(KEY), bearer(NAMED), [`x-api-key: ${KEY}`], [`api-key: ${NAMED}`]]) {
    const answers = await Promise.all(DOORS.filter(door => door.startsWith('GET') && door !== 'GET /events').map(async door => ({ door, ...await knock(proxy, door, credentials) })))
    const wanted = (door: string) => door.startsWith('GET /metrics') ? [403] : [200, 404, 405]
    t.strictSame(answers.filter(({ door, status }) => !wanted(door).includes(status)), [])
  }
  t.equal((await ask(proxy, saying('say hi'), { headers: { authorization: `Bearer ${KEY}` } })).status, 200)
})

t.test('health checks are open to all, whatever they show', async t => {
  const proxy = await startProxy(t, { API_KEYS })
  for (const credentials of Object.values(BAD_CREDENTIALS)) {
    for (const path of ['/health', '/livez', '/readyz', '/health/']) {
      t.equal((await knock(proxy, `GET ${path}`, credentials)).status, 200)
    }
  }
})

t.test('keys are compared as digests in constant time', t => {
  const source = readFileSync(new URL('../../src/http/access/auth.ts', import.meta.url), 'utf8')
  t.match(source, /timingSafeEqual\(/)
  t.match(source, /hash\('sha256', /)
  t.end()
})

t.test('keys may come from a file, one a line', async t => {
  const read = (text: string) => readSettings({ env: { UPSTREAM: 'simulator', HOST: '0.0.0.0', API_KEYS_FILE: '/run/secrets/keys' }, readFile: () => text }).settings.apiKeys
  t.strictSame(read(`${KEY}\nann:${NAMED}\n`), [{ key: KEY }, { key: NAMED, name: 'ann' }])
  for (const text of ['', '\n', ' , ', '\u0000']) t.throws(() => read(text), { message: /API_KEYS/ }, `${JSON.stringify(text)} is no key, and nobody is let in without one`)
  const both = { UPSTREAM: 'simulator', API_KEYS: KEY, API_KEYS_FILE: '/run/secrets/keys' }
  t.throws(() => readSettings({ env: both, readFile: () => NAMED }), { message: /expected only one of them/ })
})

t.test('the log tells a key by its name, in every line of its requests', async t => {
  const proxy = await startProxy(t, { API_KEYS })
  const headers = { authorization: `Bearer ${NAMED}` }
  for (const body of [saying('say hi'), saying('say hi', { stream: true }), saying('fail with code 3040'), saying('say hi', { n: 0 })]) await (await ask(proxy, body, { headers })).text()
  await waited(() => proxy.lines().filter(({ msg }) => msg === 'request').length === 4)
  t.strictSame(proxy.lines().filter(({ msg }) => msg === 'request').map(({ key }) => key), ['ann', 'ann', 'ann', 'ann'])
  t.notMatch(proxy.log(), /sk-(first|second)/)
})
