import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { requireAllowedHost, requireHost } from '../../../src/http/access/allowed-hosts.ts'
import { RequestRecord } from '../../../src/inference/request-record.ts'
import { errorHandler } from '../../../src/surfaces/openai/error-handler.ts'
import { askRaw, exchange } from '../../servers/http-client.ts'

/** A server with the rule; its port. */
async function listen (t: Test, hosts: string[], keylessHost: string | undefined): Promise<{ port: number }> {
  const app = fastify()
  t.teardown(() => app.close())
  app.decorateRequest('record')
  app.addHook('onRequest', async request => { request.record = new RequestRecord() })
  const rule = requireAllowedHost(hosts, keylessHost)
  if (rule) app.addHook('onRequest', rule)
  app.setErrorHandler(errorHandler({ suggestions: () => [] }))
  app.get('/', () => ({ status: 'ok' }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return app.server.address() as AddressInfo
}

t.test('without keys only addresses and names that no site can have are answered', async t => {
  const server = await listen(t, [], '0.0.0.0')
  const local = [
    'localhost', 'LOCALHOST:1234', 'app.localhost', 'a.b.localhost:80', '127.0.0.1', '127.0.0.1:80', '127.0.0.2', '0.0.0.0', '10.0.0.1:8686', '[::1]', '[::1]:8686', '[fd00::1]', '[::ffff:127.0.0.1]',
    'proxy', 'workers-ai-proxy:8686', 'my_service', '3f2a1b', 'printer.local', 'proxy.apps.svc.cluster.local', 'host.docker.internal', 'ip-10-0-0-1.eu-west-1.compute.internal'
  ]
  for (const host of local) t.equal((await askRaw(server, '/', { headers: { host } })).status, 200, host)
  const foreign = [
    'evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', 'evil.example:127.0.0.1', 'evil.local.example', 'evillocal.com', 'localhost.', 'evil.local.', 'evil.example.', '.local', '..local', 'a..local', '127.1', '127.0.0.1.', '0x7f.1', '1.2.3.4.5', '::1', '[evil.example]', '[::1].evil.example', '[::1', 'evil.example/x.local',
    'evil.example#.local', 'evil.example?.local', 'me@localhost', 'localhost@evil.example', 'evil.example .local', 'evil.example,localhost', 'localhost localhost', 'a:80:90', 'proxy.apps.svc'
  ]
  for (const host of foreign) {
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
  app.decorateRequest('record')
  app.addHook('onRequest', async request => { request.record = new RequestRecord() })
  app.addHook('onRequest', requireHost)
  app.setErrorHandler(errorHandler({ suggestions: () => [] }))
  app.get('/', () => ({ status: 'ok' }))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const server = app.server.address() as AddressInfo
  t.match(await exchange(server, 'GET / HTTP/1.1\r\nconnection: close\r\n\r\n', '}}'), /^HTTP\/1\.1 400 [^]+"The request names no host\."/)
  for (const request of ['GET / HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n']) t.match(await exchange(server, request, '}'), /^HTTP\/1\.1 200 /)
})

const cases: Array<{ name: string, hosts: string[], keylessHost?: string, open: string[], closed: string[] }> = [
  { name: 'without keys a list adds to them', hosts: ['AI.example'], keylessHost: '127.0.0.1', open: ['ai.example:8080', '[::2]', 'localhost'], closed: ['other.example'] },
  { name: 'without keys so does the name it listens on', hosts: [], keylessHost: 'My-Machine.example', open: ['my-machine.example:8686', 'localhost'], closed: ['other.example'] },
  { name: 'with keys a list is all there is', hosts: ['ai.example', '[::2]'], open: ['ai.example', '[::2]:80'], closed: ['localhost', '127.0.0.1', 'other.example'] },
  { name: 'an address may be listed in any spelling', hosts: ['::2', '[FD00:0:0::1]', '10.0.0.1'], open: ['[::2]', '[fd00::1]:8686', '10.0.0.1'], closed: ['[::1]', '10.0.0.2'] },
  { name: 'with keys and without a list every name is answered', hosts: [], open: ['any.example', 'localhost'], closed: [] }
]
for (const { name, hosts, keylessHost, open, closed } of cases) {
  t.test(name, async t => {
    const server = await listen(t, hosts, keylessHost)
    for (const host of open) t.equal((await askRaw(server, '/', { headers: { host } })).status, 200, host)
    for (const host of closed) t.equal((await askRaw(server, '/', { headers: { host } })).status, 403, host)
  })
}
