import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { readSettings } from '../../src/settings/reader.ts'
import { askRaw, exchange } from '../servers/http-client.ts'
import { ask, saying, startProxy } from '../servers/start-proxy.ts'

const PAGE = 'https://app.example'
const STAINLESS = 'authorization,content-type,x-stainless-lang,x-stainless-package-version,x-stainless-os,x-stainless-retry-count,x-stainless-timeout'

function preflight (origin: string) {
  return { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': STAINLESS } }
}

t.test('by default no page of another origin may call', async t => {
  const proxy = await startProxy(t)
  for (const { method, headers } of [preflight(PAGE), { method: 'GET', headers: { origin: PAGE } }, { method: 'GET', headers: { origin: 'null' } }]) {
    for (const path of ['/v1/models', '/v1/chat/completions', '/health', '/nope']) {
      const answer = await askRaw(proxy, path, { method, headers: headers as unknown as Record<string, string> })
      t.strictSame(Object.keys(answer.headers).filter(name => name.startsWith('access-control-')), [], `${method} ${path}`)
    }
  }
  t.match(await askRaw(proxy, '/v1/chat/completions', preflight(PAGE)), { status: 405, headers: { allow: 'POST' } })
})

t.test('a page that was allowed may send all that an SDK in a browser sends', async t => {
  const proxy = await startProxy(t, { CORS_ORIGINS: `${PAGE},app://obsidian.md`, API_KEYS: 'k' })
  for (const origin of [PAGE, 'app://obsidian.md']) {
    const { status, headers, body } = await askRaw(proxy, '/v1/chat/completions', preflight(origin))
    t.match({ status, body }, { status: 204, body: '' }, 'the preflight is answered without a key')
    t.match(headers, {
      'access-control-allow-origin': origin,
      'access-control-allow-headers': STAINLESS,
      'access-control-allow-methods': /POST/,
      'access-control-max-age': '86400',
      vary: /Origin/
    })
  }
  const foreign = await askRaw(proxy, '/v1/chat/completions', preflight('https://evil.example'))
  t.equal(foreign.headers['access-control-allow-origin'], undefined, 'another page may not')
})

t.test('an allowed page can read answers, failures and streams, and the headers that SDKs act on', async t => {
  const proxy = await startProxy(t, { CORS_ORIGINS: PAGE, API_KEYS: 'k' })
  const authorization = 'Bearer k'
  const cases = [
    { name: 'an answer', body: saying('say hi'), headers: { authorization } },
    { name: 'a stream', body: saying('say hi', { stream: true }), headers: { authorization } },
    { name: 'a failure', body: saying('fail with code 4006'), headers: { authorization } },
    { name: 'a missing key', body: saying('say hi'), headers: {} },
    { name: 'a wrong body', body: {}, headers: { authorization } }
  ]
  for (const { name, body, headers } of cases) {
    const response = await ask(proxy, body, { headers: { origin: PAGE, ...headers } as unknown as Record<string, string> })
    t.equal(response.headers.get('access-control-allow-origin'), PAGE, name)
    t.match(response.headers.get('access-control-expose-headers'), /x-request-id, retry-after.*x-should-retry, x-proxy-warnings/, name)
    t.equal(response.headers.get('access-control-allow-credentials'), null, name)
    await response.text()
  }
})

t.test('without keys a server answers no name a page could have, with keys any name', async t => {
  const headers = { host: 'evil.example' }
  t.equal((await askRaw(await startProxy(t), '/v1/models', { headers })).status, 403)
  t.equal((await askRaw(await startProxy(t, { ALLOWED_HOSTS: 'evil.example' }), '/v1/models', { headers })).status, 200)
  t.equal((await askRaw(await startProxy(t, { API_KEYS: 'k' }), '/v1/models', { headers: { ...headers, 'x-api-key': 'k' } })).status, 200)
})

t.test('* allows every page', async t => {
  const proxy = await startProxy(t, { CORS_ORIGINS: '*', ALLOW_UNAUTHENTICATED: 'true' })
  t.equal((await askRaw(proxy, '/v1/models', { headers: { origin: 'https://any.example' } })).headers['access-control-allow-origin'], '*')
})

t.test('what a page may post anywhere without a preflight reaches nobody', async t => {
  const proxy = await startProxy(t)
  for (const type of ['text/plain', 'text/plain;charset=UTF-8', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    t.equal((await ask(proxy, saying('say hi'), { headers: { 'content-type': type } })).status, 415, type)
  }
  t.strictSame(proxy.simulator.requests, [])
})

t.test('bodies in any spelling of JSON are read', async t => {
  const proxy = await startProxy(t)
  for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON']) {
    t.equal((await ask(proxy, saying('say hi'), { headers: { 'content-type': type } })).status, 200, type)
  }
})

t.test('requests on one connection are answered in their order', async t => {
  const proxy = await startProxy(t)
  const request = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`
  const answers = await exchange(proxy, request('/v1/models/gpt-4') + request('/health') + request('/nope'), 'GET /nope')
  t.match(answers, /^HTTP\/1\.1 404 [^]+HTTP\/1\.1 200 [^]+\{"status":"ok"\}HTTP\/1\.1 404 /)
})

t.test('a request that drips in is cut off', async t => {
  const app = await buildApp(readSettings({ env: { UPSTREAM: 'simulator' }, readFile: () => '' }).settings, { logger: pino({ level: 'silent' }) })
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.match(app.server, { requestTimeout: 40_000, headersTimeout: 20_000 })
  app.server.requestTimeout = app.server.headersTimeout = 100
  const { port } = app.server.address() as AddressInfo
  const head = 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n'
  const answers = await Promise.all([head, `${head}\r\n{"model":`].map(bytes => exchange({ port }, bytes, 'nothing that ever comes')))
  for (const answer of answers) t.match(answer, /^HTTP\/1\.1 408 [^]+"message":"The request took too long to arrive\."/)
})
