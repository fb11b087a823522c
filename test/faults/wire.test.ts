import { once } from 'node:events'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { buildApp } from '../../src/app.ts'
import { readSettings } from '../../src/settings/reader.ts'
import { exchange, waited } from '../servers/http-client.ts'
import { ask, LLAMA, saying, startProxy } from '../servers/start-proxy.ts'
import { startBuiltServer } from '../servers/built-server.ts'
import { answering, startRawUpstream } from '../servers/raw-upstream.ts'
import { someAtOnce } from './some-at-once.ts'

const BODY = JSON.stringify(saying('say hi'))
const HEAD = 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'
const WHOLE = `${HEAD}content-length: ${BODY.length}\r\nconnection: close\r\n\r\n${BODY}`

/** Opens a connection, writes these bytes, and collects what comes. */
async function open (t: Test, port: number, bytes = ''): Promise<{ socket: Socket, received: () => string }> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  t.teardown(() => socket.destroy())
  let text = ''
  socket.on('data', piece => { text += piece.toString('latin1') })
  await once(socket, 'connect')
  if (bytes !== '') socket.write(bytes)
  return { socket, received: () => text }
}

t.test('requests that are odd are answered, refused in OpenAI\'s form or hung up on, never more', async t => {
  const server = await startBuiltServer(t)
  const refused = /^HTTP\/1\.1 4\d\d [^]*"error":\{"message":/
  const served = /^HTTP\/1\.1 200 [^]*chat\.completion/
  const either = /^HTTP\/1\.1 (?:200|4\d\d) |^$/
  const cases: Array<{ name: string, given: string, expected: RegExp }> = [
    { name: '100 KB of headers', given: WHOLE.replace('\r\n\r\n', `\r\nx-filler: ${'y'.repeat(100_000)}\r\n\r\n`), expected: /^HTTP\/1\.1 431 [^]*headers of the request are too large/ },
    { name: '100 KB of small headers', given: WHOLE.replace('\r\n\r\n', `\r\n${Array.from({ length: 5_000 }, (_, index) => `x-${index}: yyyyyyyyyy\r\n`).join('')}\r\n`), expected: /^HTTP\/1\.1 431 / },
    { name: 'a head without an end', given: `GET / HTTP/1.1\r\n${'x: y\r\n'.repeat(20_000)}`, expected: /^HTTP\/1\.1 431 / },
    { name: 'a URL of 15 KB', given: `GET /${'a'.repeat(15_000)} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`, expected: refused },
    { name: 'a URL of 15 KB of percent signs', given: `GET /v1/models/${'%2F'.repeat(5_000)} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`, expected: refused },
    { name: 'a query of 15 KB', given: `GET /health?${'a[b]=c&'.repeat(2_000)} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`, expected: /^HTTP\/1\.1 200 / },
    { name: 'no host', given: WHOLE.replace('host: localhost\r\n', ''), expected: /^HTTP\/1\.1 400 / },
    { name: 'two hosts', given: WHOLE.replace('host: localhost\r\n', 'host: localhost\r\nhost: evil.example\r\n'), expected: either },
    { name: 'HTTP/1.0', given: WHOLE.replace('HTTP/1.1', 'HTTP/1.0'), expected: served },
    { name: 'HTTP/0.9', given: 'GET /health\r\n\r\n', expected: refused },
    { name: 'HTTP/2 in plain text', given: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', expected: refused },
    { name: 'a TLS handshake', given: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', expected: refused },
    { name: 'an absolute URL', given: WHOLE.replace('/v1', 'http://evil.example/v1'), expected: either },
    { name: 'CONNECT', given: 'CONNECT evil.example:443 HTTP/1.1\r\nhost: evil.example:443\r\n\r\n', expected: /^$/ },
    { name: 'TRACE', given: 'TRACE /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', expected: refused },
    { name: 'OPTIONS *', given: 'OPTIONS * HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', expected: refused },
    { name: 'a method nobody knows', given: 'BREW /v1/models HTTP/1.1\r\nhost: localhost\r\n\r\n', expected: refused },
    { name: 'an upgrade nobody offered', given: WHOLE.replace('connection: close', 'connection: upgrade, close\r\nupgrade: websocket'), expected: served },
    { name: 'an expectation', given: WHOLE.replace('\r\n\r\n', '\r\nexpect: 100-continue\r\n\r\n'), expected: /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 / },
    { name: 'an expectation nobody can meet', given: WHOLE.replace('\r\n\r\n', '\r\nexpect: tea\r\n\r\n'), expected: either },
    { name: 'a length and chunks', given: `${HEAD}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, expected: refused },
    { name: 'two lengths', given: WHOLE.replace('content-length', 'content-length: 1\r\ncontent-length'), expected: refused },
    { name: 'a negative length', given: `${HEAD}content-length: -1\r\n\r\n`, expected: refused },
    { name: 'a length in words', given: `${HEAD}content-length: many\r\n\r\n`, expected: refused },
    { name: 'a chunk that is none', given: `${HEAD}transfer-encoding: chunked\r\n\r\nxyz\r\n`, expected: refused },
    { name: 'a coding nobody knows', given: `${HEAD}transfer-encoding: chunked, gzip\r\n\r\n`, expected: refused },
    { name: 'a space before a colon', given: WHOLE.replace('host:', 'host :'), expected: refused },
    { name: 'a folded header', given: WHOLE.replace('\r\n\r\n', '\r\nx: a\r\n b\r\n\r\n'), expected: either },
    { name: 'a NUL in a header', given: WHOLE.replace('\r\n\r\n', '\r\nx: a\x00b\r\n\r\n'), expected: refused },
    { name: 'lines without a carriage return', given: WHOLE.replaceAll('\r\n', '\n'), expected: either },
    { name: 'empty lines before', given: `\r\n\r\n${WHOLE}`, expected: served },
    { name: 'a trailer', given: `${HEAD}transfer-encoding: chunked\r\nconnection: close\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\nx-trailer: y\r\n\r\n`, expected: served }
  ]
  for (const { name, given, expected } of cases) {
    const { socket, received } = await open(t, server.port, given)
    await waited(() => socket.closed || expected.test(received()))
    t.match(received(), expected, name)
    t.notMatch(received(), /^HTTP\/1\.1 5\d\d/m, name)
    t.notMatch(received(), / {4}at |node_modules|fastify/i, name)
    socket.destroy()
  }
  t.equal((await ask(server, saying('say hi'))).status, 200, 'and others are served')
})

t.test('requests in one packet are answered in their order, those that fail in their place', async t => {
  const proxy = await startProxy(t)
  const of = (body: string) => `${HEAD}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  const row = ['say one', 'fail with code 4006', 'say two', 'slowly say three', 'say four'].map(text => of(JSON.stringify(saying(text))))
  const text = await exchange(proxy, [...row.slice(0, 3), of('{}'), ...row.slice(3), 'GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n'].join(''), '"status":"ok"')
  const answers = text.split('HTTP/1.1 ').slice(1)
  t.strictSame(answers.map(answer => answer.slice(0, 3)), ['200', '429', '200', '400', '200', '200', '200'])
  t.strictSame(answers.flatMap(answer => /"content":"(\w+)"/.exec(answer)?.[1] ?? []), ['one', 'two', 'three', 'four'])
})

t.test('hundreds of connections that never get on hold up nobody', async t => {
  const server = await startBuiltServer(t)
  await (await ask(server, saying('say hi'))).text()
  const before = await server.vitals()
  const slow = await Promise.all(Array.from({ length: 300 }, (_, index) => open(t, server.port, [
    '', 'G', 'GET /health HTTP/1.1\r\nhost: localhost\r\nx-a: b\r\n', `${HEAD}content-length: 100\r\n\r\n{"model":`, `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{"mod`
  ][index % 5])))
  const dripping = setInterval(() => {
    for (const { socket } of slow) if (socket.writable && Math.random() < 0.3) socket.write('x')
  }, 100)
  t.teardown(() => clearInterval(dripping))
  for (let count = 0; count < 20; count++) {
    const startedAt = performance.now()
    t.equal((await ask(server, saying('say hi', { stream: count % 2 === 1 }))).status, 200)
    t.ok(performance.now() - startedAt < 2_000)
  }
  const during = await server.vitals()
  clearInterval(dripping)
  for (const { socket } of slow) socket.resetAndDestroy()
  let after = await server.vitals()
  for (let tries = 0; tries < 50 && after.descriptors > before.descriptors + 12; tries++) {
    await sleep(100)
    after = await server.vitals()
  }
  t.comment(`descriptors: ${before.descriptors} before, ${during.descriptors} with 300 slow connections, ${after.descriptors} after`)
  t.ok(during.descriptors >= before.descriptors + 100)
  t.ok(after.descriptors <= before.descriptors + 12, 'and leave nothing behind')
})

t.test('five thousand connections that are dropped leave nothing behind', async t => {
  const evil = await startRawUpstream(t, () => answering('hi', false))
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  await (await ask(server, saying('say hi'))).text()
  const before = await server.vitals()
  const beginnings = ['', 'G', HEAD, `${HEAD}content-length: 100\r\n\r\n{"model":`, WHOLE]
  const drop = async (index: number) => {
    const socket = connect(server.port, '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    socket.write(beginnings[index % beginnings.length] ?? '')
    if (index % 3 === 0) socket.end()
    else if (index % 3 === 1) socket.destroy()
    else socket.resetAndDestroy()
    socket.resume()
    if (!socket.closed) await once(socket, 'close')
  }
  // What ends its own side only is waited for, and cut after a while; that is told of elsewhere.
  await someAtOnce(100, Array.from({ length: 5_000 }, (_, index) => index), async index => { await Promise.race([drop(index), sleep(2_000)]) })
  t.equal((await ask(server, saying('say hi'))).status, 200, 'others are served')
  // Those to Cloudflare are kept on purpose.
  evil.hangUp()
  let after = await server.vitals()
  for (let tries = 0; tries < 100 && after.descriptors > before.descriptors + 12; tries++) {
    await sleep(100)
    after = await server.vitals()
  }
  t.comment(`descriptors: ${before.descriptors} before, ${after.descriptors} after`)
  t.ok(after.descriptors <= before.descriptors + 12, `${after.descriptors} descriptors`)
  t.match(await (await fetch(`${server.url}/readyz?verbose`)).json(), { open_answers: 0 })
})

t.test('connections that drip are cut off, wherever they are, and say why', async t => {
  const app = await buildApp(readSettings({ env: { CLOUDFLARE_ACCOUNT_ID: '0123456789abcdef0123456789abcdef', CLOUDFLARE_API_TOKEN: 'token-of-tests', CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:9' }, readFile: () => '' }).settings, { logger: pino({ level: 'silent' }) })
  t.teardown(() => app.close())
  await app.listen({ host: '127.0.0.1', port: 0 })
  app.server.headersTimeout = app.server.requestTimeout = 500
  const { port } = app.server.address() as AddressInfo
  const cases: Record<string, string> = {
    'without a byte': '',
    'inside the first line': 'POST /v1/cha',
    'inside the headers': HEAD,
    'inside a body': `${HEAD}content-length: 100\r\n\r\n{"model":`,
    'inside a chunk': `${HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{"mod`
  }
  const connections = await Promise.all(Object.values(cases).map(bytes => open(t, port, bytes)))
  const dripping = setInterval(() => {
    for (const { socket } of connections.slice(1)) if (socket.writable) socket.write('x')
  }, 100)
  t.teardown(() => clearInterval(dripping))
  for (const [index, name] of Object.keys(cases).entries()) {
    const { socket, received } = connections[index] as Awaited<ReturnType<typeof open>>
    await waited(() => socket.closed, 10_000)
    t.match(received(), index === 0 ? /^$|408/ : /^HTTP\/1\.1 4(?:08|00) [^]*"error":/, name)
  }
})

t.test('a log nobody reads any more ends nothing', async t => {
  const server = await startBuiltServer(t)
  server.child.stdout?.destroy()
  for (let count = 0; count < 20; count++) t.equal((await ask(server, saying('say hi'))).status, 200)
})

t.test('more answers than there may be are refused, and the next is served when one has ended', async t => {
  const proxy = await startProxy(t, { MAX_STREAMS: '3' })
  const controllers = [new AbortController(), new AbortController(), new AbortController()]
  const open = controllers.map(({ signal }, index) => ask(proxy, saying('stall', { stream: index !== 0 }), { signal }))
  for (const one of open) one.catch(() => {})
  await waited(() => proxy.simulator.requests.length === 3)
  for (const stream of [false, true]) {
    const response = await ask(proxy, saying('say hi', { stream }))
    t.match({ status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.json() }, { status: 503, retryAfter: '1', body: { error: { type: 'server_error', code: 'overloaded', message: /overloaded/ } } })
  }
  t.equal((await fetch(`${proxy.url}/v1/models`)).status, 200, 'what is cheap is served')
  t.equal(proxy.simulator.requests.length, 3, 'Cloudflare is not asked')
  controllers[0]?.abort()
  await waited(() => proxy.simulator.requests[0]?.closedEarly === true)
  t.equal((await ask(proxy, saying('say hi', { model: LLAMA }))).status, 200)
  for (const controller of controllers) controller.abort()
})
