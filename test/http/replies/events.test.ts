import { connect } from 'node:net'
import fastify from 'fastify'
import t from 'tap'
import { eventsRoute } from '../../../src/http/replies/events.ts'
import { RequestRecord } from '../../../src/inference/request-record.ts'
import type { EndedRequest } from '../../../src/telemetry/ended-requests.ts'
import { EventFeed } from '../../../src/telemetry/events/event-feed.ts'
import { listen } from '../../servers/event-client.ts'
import { askRaw, waited } from '../../servers/http-client.ts'
import { ask, LLAMA, post, saying, startProxy } from '../../servers/start-proxy.ts'

/** For what takes a moment on an idle machine. */
const PATIENCE_MS = 30_000

function ended (id: string, model: string): EndedRequest {
  const request = { id, routeConfig: {} } as unknown as EndedRequest['request']
  return { record: Object.assign(new RequestRecord([]), { model }), request, route: '/v1/models', method: 'GET', status: 200, elapsedMs: 1, isAborted: false, isCounted: true }
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

t.test('each request is told of as it ends, however it ends, and what came before at once', async t => {
  const proxy = await startProxy(t)
  await (await ask(proxy, saying('say the word sesame', { user: 'someone' }))).text()
  const client = await listen(t, proxy)
  t.equal(client.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  t.match(client.headers.get('cache-control'), /no-cache/)
  await waited(() => client.requests.length === 1, PATIENCE_MS)
  t.match(client.requests[0], {
    id: /^req_/,
    key: 'none',
    method: 'POST',
    route: '/v1/chat/completions',
    model: LLAMA,
    served: LLAMA,
    operation: 'chat',
    status: 200,
    stream: false,
    input_tokens: Number,
    output_tokens: Number,
    neurons: Number,
    duration_ms: Number,
    attempts: 1,
    retries: 0,
    changes: ['user dropped'],
    error: null,
    account: 'default'
  })
  const cases: Array<{ name: string, run: () => Promise<unknown>, expected: object }> = [
    { name: 'streamed', run: async () => (await ask(proxy, saying('say the word sesame', { stream: true }))).text(), expected: { status: 200, stream: true, first_token_ms: Number } },
    { name: 'refused', run: async () => (await ask(proxy, saying('sesame', { n: 0 }))).text(), expected: { status: 400, error: 'integer_below_min_value', neurons: null, served: null } },
    { name: 'failed', run: async () => (await ask(proxy, saying('fail with code 4006'))).text(), expected: { status: 429, error: 'code_4006' } },
    { name: 'retried', run: async () => (await ask(proxy, saying('say hi'), { headers: { 'x-simulator': 'fail once with code 3043' } })).text(), expected: { status: 200 } },
    { name: 'embeddings', run: async () => (await post(proxy, '/v1/embeddings', { model: '@cf/baai/bge-m3', input: 'sesame' })).text(), expected: { operation: 'embeddings', route: '/v1/embeddings' } },
    { name: 'messages', run: async () => (await post(proxy, '/v1/messages', { model: LLAMA, max_tokens: 9, messages: [{ role: 'user', content: 'sesame' }] })).text(), expected: { operation: 'chat', route: '/v1/messages' } },
    { name: 'a dry run', run: async () => (await ask(proxy, saying('sesame'), { headers: { 'x-dry-run': 'true' } })).text(), expected: { dry_run: true, operation: null } },
    { name: 'of no route', run: () => askRaw(proxy, '/nope'), expected: { route: 'unknown', status: 404 } },
    {
      name: 'abandoned',
      run: async () => {
        const left = new AbortController()
        const response = await ask(proxy, saying('stall after 3 frames, say 10 words', { stream: true }), { signal: left.signal })
        await response.body?.getReader().read()
        left.abort()
      },
      expected: { status: 499 }
    }
  ]
  let count = 1
  for (const { name, run, expected } of cases) {
    await run()
    count++
    await waited(() => client.requests.length === count, PATIENCE_MS)
    t.match(client.requests.at(-1), expected, name)
  }
  for (const path of ['/health', '/readyz', '/metrics', '/usage', '/', '/ui/', '/favicon.ico']) await askRaw(proxy, path)
  const other = await listen(t, proxy)
  await waited(() => other.requests.length === count, PATIENCE_MS)
  other.leave()
  await (await ask(proxy, saying('say hi'))).text()
  await waited(() => client.requests.length === count + 1, PATIENCE_MS)
  t.notMatch(client.text(), 'sesame', 'no content is told')
  t.strictSame(client.requests.map(request => Object.values(request).filter(value => typeof value === 'string' && value.length > 200)), client.requests.map(() => []))
})

t.test('who may see everybody\'s figures is told of all, a key of its own, and nobody else of anything', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'ann:k1,bob:k2', ADMIN_KEYS: 'root:adm' })
  const [admin, ann] = await Promise.all([listen(t, proxy, bearer('adm')), listen(t, proxy, { 'x-api-key': 'k1' })])
  for (const key of ['k1', 'k2', 'wrong']) await (await ask(proxy, saying('say hi'), { headers: bearer(key) })).text()
  await (await ask(proxy, saying('say hi'), { headers: bearer('k1') })).text()
  await waited(() => admin.requests.length === 4 && ann.requests.length === 2, PATIENCE_MS)
  t.strictSame(admin.requests.map(({ key, status, account }) => [key, status, account]), [['ann', 200, 'default'], ['bob', 200, 'default'], ['none', 401, null], ['ann', 200, 'default']])
  t.strictSame(ann.requests.map(({ key }) => key), ['ann', 'ann'])
  t.notOk(ann.requests.some(request => 'account' in request))
  for (const headers of [{}, bearer('wrong'), bearer('ann')]) t.equal((await askRaw(proxy, '/events', { headers })).status, 401)
  const closed = await startProxy(t, { AUTH_MODE: 'passthrough' })
  t.equal((await askRaw(closed, '/events', { headers: bearer('token') })).status, 403)
  const ambiguous = await startProxy(t, { API_KEYS: 'k1,k2' })
  t.equal((await askRaw(ambiguous, '/events', { headers: bearer('k1') })).status, 403)
  const keyless = await startProxy(t)
  t.equal((await askRaw(keyless, '/events', { headers: { host: 'evil.example' } })).status, 403, 'the rules for hosts hold')
  t.equal((await askRaw(keyless, '/events', { method: 'HEAD' })).status, 405, 'there is nothing to know without listening')
})

t.test('a silent stream is kept alive', async t => {
  const proxy = await startProxy(t, {}, {}, { keepAliveMs: 40 })
  const { comments } = await listen(t, proxy)
  await waited(() => comments.filter(comment => comment === 'keep-alive').length > 2, PATIENCE_MS)
})

t.test('it ends when the server stops, and holds nothing up', async t => {
  const proxy = await startProxy(t)
  const clients = await Promise.all([listen(t, proxy), listen(t, proxy)])
  t.notMatch(proxy.log(), /client gone/)
  await proxy.app.close()
  await waited(() => clients.every(client => client.isEnded()), PATIENCE_MS)
  t.ok(clients.every(client => client.text().endsWith('\n\n')), 'as a stream that is complete')
  t.notMatch(proxy.log(), /"route":"\/events"|client gone/)
})

t.test('who leaves makes room, and is in no line and no figure', async t => {
  const proxy = await startProxy(t)
  const listeners = await Promise.all(Array.from({ length: 20 }, () => listen(t, proxy)))
  const refused = await askRaw(proxy, '/events')
  t.match(refused, { status: 503, headers: { 'retry-after': '5' } })
  t.match(JSON.parse(refused.body), { error: { code: 'too_many_listeners' } })
  listeners[0]?.leave()
  for (let status = 503; status !== 200;) ({ status } = await listen(t, proxy))
  t.notMatch((await askRaw(proxy, '/metrics')).body, /route="\/events"/)
  const lines = proxy.lines().filter(({ route }) => route === '/events')
  t.strictSame([...new Set(lines.map(({ status }) => status))], [503], 'only refusals are logged')
})

t.test('one that reads nothing misses the oldest, and is told so', async t => {
  const feed = new EventFeed({ toBill: () => ({ microNeurons: 0, source: 'billed' }), now: Date.now, keep: 0 })
  const app = fastify()
  app.decorateRequest('viewer')
  app.addHook('onRequest', (request, _reply, done) => {
    request.viewer = { onlyKey: undefined }
    done()
  })
  eventsRoute(app, feed, 15_000)
  t.teardown(() => app.close())
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1' }).setEncoding('utf8')
  t.teardown(() => socket.destroy())
  let text = ''
  socket.on('data', piece => { text += piece })
  socket.write('GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await waited(() => text.includes('listening'), PATIENCE_MS)
  socket.pause()
  const total = 20_000
  // More than the buffers of both sockets hold.
  const model = '\u0001'.repeat(200)
  for (let index = 0; index < total; index++) feed.reader.read(ended(`r${index}`, model))
  await waited(() => socket.readableLength > 0 || socket.bytesRead > 10_000, PATIENCE_MS)
  socket.resume()
  await waited(() => text.includes(`"id":"r${total - 1}"`), PATIENCE_MS)
  const told = text.match(/^event: request$/gm)?.length ?? 0
  const dropped = [...text.matchAll(/^event: dropped\r?\ndata: \{"count":(\d+)\}$/gm)].reduce((sum, [, count]) => sum + Number(count), 0)
  t.ok(dropped > 0)
  t.equal(told + dropped, total, 'nothing is missing without a word')
})
