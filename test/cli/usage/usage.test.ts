import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { showUsage, toUsageHelp, type UsageOptions } from '../../../src/cli/usage/usage.ts'
import { toReport } from '../../../src/usage/report.ts'

const report = toReport({ date: '2026-03-01', rows: [], key: undefined, budgets: new Map(), accounts: [{ name: 'default', freeLimit: 10_000 }] })

async function listen (t: Test, answer: RequestListener): Promise<{ port: number, show: (options?: Partial<UsageOptions>) => Promise<string> }> {
  const server = createServer(answer)
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const show = async (options: Partial<UsageOptions> = {}) => {
    let written = ''
    await showUsage({
      address: { host: '127.0.0.1', port },
      key: undefined,
      date: undefined,
      json: false,
      now: new Date(),
      write: text => { written += text },
      ...options
    })
    return written
  }
  return { port, show }
}

t.test('it asks the server as its settings say, and prints the day', async t => {
  const asked: unknown[] = []
  const { show } = await listen(t, (request, response) => {
    asked.push([request.url, request.headers.authorization])
    response.end(JSON.stringify(report))
  })
  t.match(await show(), /^Usage of 2026-03-01 \(UTC\)\.\n\ndefault {2}\[#{30}\] 100 % {2}10,000 of 10,000 free neurons left\n/)
  t.strictSame(JSON.parse(await show({ json: true, key: 'secret', date: '2026-03-01' })), report)
  t.strictSame(asked, [['/usage', undefined], ['/usage?date=2026-03-01', 'Bearer secret']])
})

t.test('it says what to do when the server does not answer', async t => {
  const error = (message: string) => JSON.stringify({ error: { message } })
  const cases: Array<{ name: string, answer: RequestListener, options?: Partial<UsageOptions>, expected: RegExp }> = [
    { name: 'a key that is missing', answer: (_, response) => response.writeHead(401).end(error('No key.')), expected: /answered 401: No key\.\nSet ADMIN_KEYS or API_KEYS/ },
    { name: 'a wrong key', answer: (_, response) => response.writeHead(401).end(error('Wrong.')), options: { key: 'x' }, expected: /Wrong\.\nThe first of ADMIN_KEYS or API_KEYS here is no key/ },
    { name: 'a bad date', answer: (_, response) => response.writeHead(400).end(error("Invalid 'date'")), expected: /answered 400: Invalid 'date'$/ },
    { name: 'another server', answer: (_, response) => response.writeHead(404).end('<html>'), expected: /answered 404\nIt is another server/ },
    { name: 'another answer', answer: (_, response) => response.end('[]'), expected: /did not answer with usage/ },
    { name: 'no JSON', answer: (_, response) => response.end('hello'), expected: /did not answer with usage/ },
    { name: 'no answer', answer: () => {}, options: { timeoutMs: 50 }, expected: /No proxy answers at .* \(no answer within 50 ms\)\. Start it with workers-ai-proxy, or say where it is with --host and --port\.$/ },
    { name: 'a port that was left to chance', answer: () => {}, options: { address: { host: '127.0.0.1', port: 0 } }, expected: /PORT is 0/ }
  ]
  for (const { name, answer, options, expected } of cases) {
    const { show } = await listen(t, answer)
    await t.rejects(show(options), { message: expected }, name)
  }
  const { port, show } = await listen(t, () => {})
  await t.rejects(show({ address: { host: '127.0.0.2', port } }), { message: /No proxy answers at http:\/\/127\.0\.0\.2:\d+\/usage \(.*ECONNREFUSED/ })
})

t.same(toUsageHelp().split('\n').filter(line => line.length > 100), [], '--help fits 100 columns')
