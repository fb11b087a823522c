import t from 'tap'
import { requireAllowedHost } from '../../src/http/allowed-hosts.ts'
import { askRaw, exchange, startProxy } from '../start-proxy.ts'

t.test('a server that others can reach, without a list, answers any name', t => {
  t.equal(requireAllowedHost([], false), undefined)
  t.end()
})

t.test('on loopback without keys only loopback names are answered', async t => {
  const proxy = await startProxy(t)
  for (const host of ['localhost', 'LOCALHOST:1234', '127.0.0.1', '127.0.0.1:80', '[::1]', '[::1]:8686']) {
    t.equal((await askRaw(proxy, '/v1/models', { headers: { host } })).status, 200, host)
  }
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', 'evil.example:127.0.0.1', '0.0.0.0']) {
    const { status, body } = await askRaw(proxy, '/v1/models', { headers: { host } })
    t.equal(status, 403, host)
    t.match(JSON.parse(body), { error: { type: 'invalid_request_error', code: 'host_not_allowed' } })
  }
  const { status } = await askRaw(proxy, '/v1/models', { headers: { host: 'evil.example', 'x-forwarded-host': 'localhost', forwarded: 'host=localhost' } })
  t.equal(status, 403, 'what a proxy in front might say does not count')
  t.match(await exchange(proxy, 'GET /v1/models HTTP/1.0\r\n\r\n', '}}'), /^HTTP\/1\.1 403 /, 'nor does no name at all')
})

t.test('a list adds its names', async t => {
  const proxy = await startProxy(t, { ALLOWED_HOSTS: 'AI.example,::1' })
  for (const [host, status] of [['ai.example:8080', 200], ['localhost', 200], ['other.example', 403]] as const) {
    t.equal((await askRaw(proxy, '/health', { headers: { host } })).status, status, host)
  }
})

t.test('a list counts with keys, too, and then is all there is', async t => {
  const proxy = await startProxy(t, { ALLOWED_HOSTS: 'ai.example', API_KEYS: 'k' })
  for (const [host, status] of [['ai.example', 200], ['localhost', 403]] as const) {
    t.equal((await askRaw(proxy, '/health', { headers: { host } })).status, status, host)
  }
})

t.test('keys alone let every name in', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'k' })
  t.equal((await askRaw(proxy, '/health', { headers: { host: 'any.example' } })).status, 200)
})
