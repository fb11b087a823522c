import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { checkHealth } from '../../src/cli/healthcheck.ts'

async function listen (t: Test, host: string, answer: RequestListener): Promise<number> {
  const server = createServer(answer)
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  return (server.address() as AddressInfo).port
}

t.test('a proxy that answers 200 is healthy, also when it listens on every address', async t => {
  const asked: Array<string | undefined> = []
  const port = await listen(t, '0.0.0.0', (request, response) => {
    asked.push(request.url)
    response.end()
  })
  await checkHealth({ host: '127.0.0.1', port })
  await checkHealth({ host: '0.0.0.0', port })
  t.same(asked, ['/health', '/health'])
})

t.test('a proxy that answers anything else is not', async t => {
  const port = await listen(t, '127.0.0.1', (_request, response) => response.writeHead(503).end())
  await t.rejects(checkHealth({ host: '127.0.0.1', port }), { message: `http://127.0.0.1:${port}/health answered 503` })
})

t.test('a proxy that does not answer in time is not', async t => {
  const port = await listen(t, '127.0.0.1', () => {})
  await t.rejects(checkHealth({ host: '127.0.0.1', port }, 50), { message: `http://127.0.0.1:${port}/health cannot be reached: no answer within 50 ms` })
})

t.test('nobody on the port is not', async t => {
  const port = await listen(t, '127.0.0.1', () => {})
  await t.rejects(checkHealth({ host: '127.0.0.2', port }), { message: /cannot be reached: .*ECONNREFUSED/ })
})

t.test('a port that was left to chance cannot be asked', async t => {
  await t.rejects(checkHealth({ host: '127.0.0.1', port: 0 }), { message: 'PORT is 0, so the port of the proxy is unknown' })
})
