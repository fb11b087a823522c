import t from 'tap'
import { askRaw, exchange } from '../../servers/http-client.ts'
import { saying, startProxy } from '../../servers/start-proxy.ts'

t.test('unknown paths and methods are told apart, and what may be asked instead', async t => {
  const proxy = await startProxy(t, { CORS_ORIGINS: 'https://app.example' })
  const cases = [
    { method: 'GET', path: '/nope?x=1', status: 404, message: 'Invalid URL (GET /nope)' },
    { method: 'GET', path: '/v1/%zz', status: 404, message: 'Invalid URL (GET /v1/%zz)' },
    { method: 'POST', path: '/', status: 405, allow: 'GET, HEAD' },
    { method: 'POST', path: '/v1/v1/chat/completions?x', status: 404, message: 'Invalid URL (POST /v1/v1/chat/completions). (HINT: The path has /v1 twice. This client adds /v1 itself, so remove /v1 from its base URL.)' },
    { method: 'GET', path: '/openai/v1/v1', status: 404, message: /has \/v1 twice/ },
    { method: 'GET', path: '/v1/v10', status: 404, message: 'Invalid URL (GET /v1/v10)' },
    { method: 'GET', path: '/v1', status: 404, message: 'Invalid URL (GET /v1)' },
    { method: 'POST', path: '/v1/<b>/"', status: 404, message: 'Invalid URL (POST /v1/?b?/?)' },
    { method: 'GET', path: `/${'x'.repeat(3_000)}`, status: 404, message: `Invalid URL (GET /${'x'.repeat(199)})` },
    { method: 'GET', path: '/v1/chat/completions', status: 405, allow: 'POST' },
    { method: 'PUT', path: '/v1/chat/completions/', status: 405, allow: 'POST' },
    { method: 'GET', path: '/v1//chat/completions?x', status: 405, allow: 'POST' },
    { method: 'POST', path: '/v1/models', status: 405, allow: 'GET, HEAD' },
    { method: 'DELETE', path: '/v1/models/@cf/a/b', status: 405, allow: 'GET, HEAD' },
    { method: 'DELETE', path: '/v1/models/a%2Fb', status: 405, allow: 'GET, HEAD' },
    { method: 'POST', path: '/v1/responses/resp_1', status: 405, allow: 'GET, HEAD, DELETE' },
    { method: 'PATCH', path: '/v1//responses/resp_1/', status: 405, allow: 'GET, HEAD, DELETE' },
    { method: 'DELETE', path: '/v1/responses/resp_1/input_items', status: 405, allow: 'GET, HEAD' },
    { method: 'GET', path: '/v1/responses', status: 405, allow: 'POST' },
    { method: 'GET', path: '/v1/responses/resp_1/nope', status: 404, message: 'Invalid URL (GET /v1/responses/resp_1/nope)' },
    { method: 'POST', path: '/v1/responses/input_tokens', status: 404, message: 'Invalid URL (POST /v1/responses/input_tokens)' },
    { method: 'POST', path: '/v1//responses/nope/', status: 404, message: 'Invalid URL (POST /v1//responses/nope/)' },
    { method: 'GET', path: '/v1/responses/nope', status: 404, message: 'Invalid URL (GET /v1/responses/nope)' },
    { method: 'DELETE', path: '/v1/responses/respx/input_items', status: 404, message: 'Invalid URL (DELETE /v1/responses/respx/input_items)' },
    { method: 'POST', path: '/v1/responsesx', status: 404, message: 'Invalid URL (POST /v1/responsesx)' },
    { method: 'POST', path: '/health', status: 405, allow: 'GET, HEAD' }
  ]
  for (const { method, path, status, message, allow } of cases) {
    const name = `${method} ${path.slice(0, 40)}`
    const answer = await askRaw(proxy, path, { method })
    const { error } = JSON.parse(answer.body)
    t.equal(answer.status, status, name)
    t.equal(answer.headers.allow, allow, name)
    t.match(error, { message: message ?? `Not allowed to ${method} on ${path.split('?')[0]}. (HINT: Perhaps you meant to use a different HTTP method?)`, type: 'invalid_request_error', param: null, code: null }, name)
  }
})

t.test('who tries a WebSocket where Responses are is told to use HTTP, and nobody else hears of it', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'k' })
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' }
  const keyed = { ...upgrade, authorization: 'Bearer k' }
  for (const path of ['/v1/responses', '/v1//responses/', '/v1/responses?model=x']) {
    const { status, headers, body } = await askRaw(proxy, path, { headers: keyed })
    t.match({ status, headers }, { status: 426, headers: { upgrade: 'HTTP/1.1', connection: 'upgrade', allow: 'POST' } }, path)
    t.match(JSON.parse(body), { error: { message: /^There are no WebSockets on \/v1\/+responses\/?\. POST to it by HTTP\/1\.1 instead\.$/, type: 'invalid_request_error' } })
  }
  t.equal((await askRaw(proxy, '/v1/responses', { headers: upgrade })).status, 401, 'a key is asked for first')
  for (const headers of [{}, { upgrade: 'h2c', connection: 'Upgrade' }]) t.equal((await askRaw(proxy, '/v1/responses', { headers: { authorization: 'Bearer k', ...headers } })).status, 405)
  for (const [path, status] of [['/v1/models', 200], ['/health', 200], ['/v1/chat/completions', 405], ['/v1/realtime', 404]] as const) t.equal((await askRaw(proxy, path, { headers: keyed })).status, status, path)
  const body = JSON.stringify(saying('say hi'))
  for (const value of ['websocket', 'h2c', 'TLS/1.0, HTTP/2.0']) {
    const asked = `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer k\r\nconnection: Upgrade\r\nupgrade: ${value}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
    t.match(await exchange(proxy, asked, '"usage"'), /^HTTP\/1\.1 200 /, value)
  }
})

t.test('whatever is sent to an unknown path, its path is what is wrong with it', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'k' })
  const authorization = 'Bearer k'
  const bodies: Array<{ name: string, headers: Record<string, string>, body?: string }> = [
    { name: 'broken JSON', headers: { 'content-type': 'application/json' }, body: '{"model":' },
    { name: 'no JSON', headers: { 'content-type': 'text/plain' }, body: 'hello' },
    { name: 'a content type that is none', headers: { 'content-type': 'x' }, body: '{}' },
    { name: 'nothing', headers: { 'content-type': 'application/json' }, body: '' },
    { name: 'no body', headers: {} }
  ]
  for (const { name, headers, ...body } of bodies) {
    for (const [path, status] of [['/v1/nope', 404], ['/v1/models', 405], ['/v1/responses/resp_1', 405]] as const) {
      const asked = (more: object) => fetch(proxy.url + path, { method: 'POST', headers: { ...headers, ...more }, ...body })
      t.equal((await asked({ authorization })).status, status, `${name} to ${path}`)
      t.equal((await asked({})).status, 401, `${name} to ${path} without a key`)
    }
  }
  const endless = `POST /v1/nope HTTP/1.1\r\nhost: localhost\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n`
  t.match(await exchange(proxy, endless, '}}'), /^HTTP\/1\.1 404 /, 'a body is not waited for')
})
