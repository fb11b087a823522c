import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { requireAllowedHost, requireHost } from '../../src/http/allowed-hosts.ts'
import { errorHandler } from '../../src/http/error-handler.ts'
import { askRaw, exchange } from '../http-client.ts'

/** A server with the rule; its port. */
async function listen (t: Test, hosts: string[], isLoopback: boolean): Promise<{ port: number }> {
  const app = fastify()
  t.teardown(() => app.close())
  app.decorateRequest('report')
  app.addHook('onRequest', async request => { request.report = {} })
  const rule = requireAllowedHost(hosts, isLoopback)
  if (rule) app.addHook('onRequest', rule)
  app.setErrorHandler(errorHandler(() => [], () => new Date()))
  app.get('/', () => ({ status: 'ok' }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app.server.address() as AddressInfo
}

t.test('on loopback only loopback names are answered', async t => {
  const server = await listen(t, [], true)
  for (const host of ['localhost', 'LOCALHOST:1234', '127.0.0.1', '127.0.0.1:80', '[::1]', '[::1]:8686']) {
    t.equal((await askRaw(server, '/', { headers: { host } })).status, 200, host)
  }
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', 'evil.example:127.0.0.1', '0.0.0.0']) {
    const { status, body } = await askRaw(server, '/', { headers: { host } })
    t.equal(status, 403, host)
    t.match(JSON.parse(body), { error: { type: 'invalid_request_error', code: 'host_not_allowed' } })
  }
  const { status } = await askRaw(server, '/', { headers: { host: 'evil.example', 'x-forwarded-host': 'localhost', forwarded: 'host=localhost' } })
  t.equal(status, 403, 'what a proxy in front might say does not count')
  t.match(await exchange(server, 'GET / HTTP/1.0\r\n\r\n', '}}'), /^HTTP\/1\.1 403 /, 'nor does no name at all')
})

t.test('HTTP/1.1 names a host', async t => {
  const app = fastify({ http: { requireHostHeader: false } })
  t.teardown(() => app.close())
  app.decorateRequest('report')
  app.addHook('onRequest', async request => { request.report = {} })
  app.addHook('onRequest', requireHost)
  app.setErrorHandler(errorHandler(() => [], () => new Date()))
  app.get('/', () => ({ status: 'ok' }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const server = app.server.address() as AddressInfo
  t.match(await exchange(server, 'GET / HTTP/1.1\r\nconnection: close\r\n\r\n', '}}'), /^HTTP\/1\.1 400 [^]+"The request names no host\."/)
  for (const request of ['GET / HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n']) t.match(await exchange(server, request, '}'), /^HTTP\/1\.1 200 /)
})

const cases = [
  { name: 'a list adds to the loopback names', hosts: ['AI.example', '[::2]'], isLoopback: true, open: ['ai.example:8080', '[::2]', 'localhost'], closed: ['other.example'] },
  { name: 'a list is all there is beyond loopback', hosts: ['ai.example'], isLoopback: false, open: ['ai.example'], closed: ['localhost', 'other.example'] },
  { name: 'without either every name is answered', hosts: [], isLoopback: false, open: ['any.example', 'localhost'], closed: [] }
]
for (const { name, hosts, isLoopback, open, closed } of cases) {
  t.test(name, async t => {
    const server = await listen(t, hosts, isLoopback)
    for (const host of open) t.equal((await askRaw(server, '/', { headers: { host } })).status, 200, host)
    for (const host of closed) t.equal((await askRaw(server, '/', { headers: { host } })).status, 403, host)
  })
}
