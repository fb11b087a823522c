import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { readChatStream } from '../streams/chat-stream.ts'
import { exchange, waited } from '../servers/http-client.ts'
import { ask, saying } from '../servers/start-proxy.ts'
import { startBuiltServer, type BuiltServer } from '../servers/built-server.ts'
import { failing, frames, LAST_CHUNK, answering, startRawUpstream, STREAM_HEAD, wantsStream, type RawUpstream, type Script } from '../servers/raw-upstream.ts'

// With nothing beside it: it measures how long a process takes to end.

t.jobs = 3

const HEAD = 'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n'

async function start (t: Test, script: Script, env: Record<string, string> = {}): Promise<{ server: BuiltServer, evil: RawUpstream }> {
  const evil = await startRawUpstream(t, script)
  return { evil, server: await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url, ...env }) }
}

/** Asks by Node's own client, over a connection that is kept where an agent says so; resolves when the answer begins. */
async function begin ({ port }: BuiltServer, body: object, agent: Agent | false = false): Promise<IncomingMessage> {
  const asked = request({ host: '127.0.0.1', port, path: '/v1/chat/completions', method: 'POST', agent, headers: { 'content-type': 'application/json' } })
  asked.end(JSON.stringify(body))
  const [response] = await once(asked, 'response') as [IncomingMessage]
  return response
}

async function isRefused (port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return false
  } catch {
    return true
  } finally {
    socket.destroy()
  }
}

async function open (t: Test, { port }: BuiltServer, bytes: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.write(bytes)
  return socket
}

t.test('SIGTERM: load balancers hear it at once, the port stays for a while, streams run to their end', async t => {
  const { server } = await start(t, asked => wantsStream(asked)
    ? [STREAM_HEAD, frames({ response: 'Hel' }), 4_000, frames({ response: 'lo' }, '[DONE]'), LAST_CHUNK]
    : answering('hi', false), { DRAIN_DELAY_MS: '2000' })
  t.match(await (await fetch(`${server.url}/readyz?verbose`)).json(), { status: 'ready', open_answers: 0 })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const kept = await begin(server, saying('x'), agent)
  await text(kept)
  t.equal(kept.headers.connection, 'keep-alive')
  const stream = await begin(server, saying('x', { stream: true }))
  const whole = text(stream)

  server.child.kill('SIGTERM')
  await waited(() => server.stdout().includes('"msg":"stopping"'))
  const ready = await fetch(`${server.url}/readyz?verbose`)
  t.match({ status: ready.status, body: await ready.json() }, { status: 503, body: { status: 'stopping', open_answers: 1 } })
  for (const path of ['/health', '/livez']) t.equal((await fetch(server.url + path)).status, 200, path)
  t.equal((await ask(server, saying('x'))).status, 200, 'new requests are served')
  t.equal(await isRefused(server.port), false)

  for (let tries = 0; tries < 60 && !await isRefused(server.port); tries++) await sleep(100)
  t.ok(await isRefused(server.port), 'then the port is closed')
  t.match(readChatStream(await whole), { complaints: [], isDone: true }, 'the stream that was running came to its end')
  t.equal(await server.ended, 0)
})

t.test('SIGTERM: by default the port is closed within a second, and what runs goes on', async t => {
  const { server } = await start(t, () => [STREAM_HEAD, frames({ response: 'Hel' }), 2_500, frames({ response: 'lo' }, '[DONE]'), LAST_CHUNK])
  const whole = text(await begin(server, saying('x', { stream: true })))
  const startedAt = performance.now()
  server.child.kill('SIGTERM')
  while (!await isRefused(server.port)) await sleep(20)
  t.ok(performance.now() - startedAt < 1_000, `${Math.round(performance.now() - startedAt)} ms`)
  t.match(readChatStream(await whole), { complaints: [], isDone: true })
  t.equal(await server.ended, 0)
})

t.test('SIGTERM: what runs too long is told that it is cut', async t => {
  const { server, evil } = await start(t, asked => wantsStream(asked) ? [STREAM_HEAD, frames({ response: 'Hel' })] : [], { DRAIN_TIMEOUT_MS: '500' })
  const stream = text(await begin(server, saying('x', { stream: true })))
  const plain = begin(server, saying('x'))
  const unread = await open(t, server, `${HEAD}content-length: ${JSON.stringify(saying('x', { stream: true })).length}\r\n\r\n${JSON.stringify(saying('x', { stream: true }))}`)
  unread.pause()
  await waited(() => evil.asked.length === 3)
  await sleep(200)
  const startedAt = performance.now()
  server.child.kill('SIGTERM')

  const { chunks, error, isDone, complaints } = readChatStream(await stream)
  t.match({ error, isDone, complaints }, { error: { type: 'server_error', code: 'server_stopping' }, isDone: false, complaints: [] })
  t.equal(chunks.some(one => one.choices.some(choice => choice.finish_reason !== null)), false)
  const answer = await plain
  t.match({ status: answer.statusCode, body: JSON.parse(await text(answer)) }, { status: 503, body: { error: { code: 'server_stopping' } } })
  t.equal(await server.ended, 0)
  t.ok(performance.now() - startedAt < 6_000, 'not much later than the limit')
  await waited(() => evil.asked.every(({ isClosed }) => isClosed))
})

t.test('SIGTERM: connections on which nothing happens hold it up for nobody', async t => {
  const { server } = await start(t, asked => answering('hi', wantsStream(asked)))
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  await text(await begin(server, saying('x'), agent))
  await open(t, server, '')
  await open(t, server, 'POST /v1/chat')
  await open(t, server, HEAD)
  await sleep(100)
  const startedAt = performance.now()
  server.child.kill('SIGTERM')
  t.equal(await server.ended, 0)
  t.ok(performance.now() - startedAt < 4_000, `${Math.round(performance.now() - startedAt)} ms`)
})

t.test('SIGTERM: a request that is still being sent, and one that waits for a retry, are waited for until the limit', async t => {
  const { server, evil } = await start(t, () => failing(429, 3040, { 'retry-after': '5' }), { DRAIN_TIMEOUT_MS: '700' })
  await open(t, server, `${HEAD}content-length: 100\r\n\r\n{"model":`)
  const waiting = begin(server, saying('x'))
  await waited(() => evil.asked.length === 1)
  const startedAt = performance.now()
  server.child.kill('SIGTERM')
  t.equal((await waiting).statusCode, 503)
  t.equal(await server.ended, 0)
  t.ok(performance.now() - startedAt < 6_000)
  t.equal(evil.asked.length, 1)
})

t.test('a second signal ends it at once', async t => {
  for (const [first, second, code] of [['SIGTERM', 'SIGTERM', 143], ['SIGTERM', 'SIGINT', 130]] as const) {
    const { server } = await start(t, () => [STREAM_HEAD, frames({ response: 'Hel' })], { DRAIN_DELAY_MS: '60000' })
    const stream = text(await begin(server, saying('x', { stream: true })))
    const cut = t.rejects(stream)
    server.child.kill(first)
    await waited(() => server.stdout().includes('"msg":"stopping"'))
    const startedAt = performance.now()
    server.child.kill(second)
    t.equal(await server.ended, code)
    t.ok(performance.now() - startedAt < 2_000)
    await cut
  }
})

for (const deed of ['throw', 'reject'] as const) {
  t.test(`a bug that nobody caught (${deed}) is logged, every answer is told that it is cut, and the process ends with 1 within two seconds`, async t => {
    const { server, evil } = await start(t, asked => wantsStream(asked) ? [STREAM_HEAD, frames({ response: 'Hel' })] : [])
    const stream = text(await begin(server, saying('x', { stream: true })))
    const deaf = await open(t, server, `${HEAD}content-length: 1000\r\n\r\n{`)
    const plain = ask(server, saying('x'))
    await waited(() => evil.asked.length === 2)
    const harmedAt = performance.now()
    await server.harm(deed)
    while (!await isRefused(server.port));
    const refusedMs = performance.now() - harmedAt
    t.ok(refusedMs < 500, `who comes after ${refusedMs.toFixed(0)} ms is told at once`)
    t.match(readChatStream(await stream), { complaints: [], isDone: false, error: { code: 'server_stopping' } })
    t.match([(await plain).status, await (await plain).json()], [503, { error: { code: 'server_stopping' } }])
    t.equal(await server.ended, 1)
    const ms = performance.now() - harmedAt
    t.ok(ms < 2_000, `it took ${ms.toFixed(0)} ms`)
    t.equal(deaf.destroyed || deaf.readableEnded || await once(deaf, 'close').then(() => true), true)
    const fatal = server.lines().filter(({ level }) => level === 60)
    t.match(fatal, [{ msg: 'uncaught exception', err: { type: 'Error', stack: /at / } }])
    t.notMatch(server.stdout(), /that a test made/, 'a message may quote a caller')
    if (deed === 'throw') t.equal(server.stderr(), '')
  })
}

t.test('a bug that nobody caught cuts short what was to end after SIGTERM', async t => {
  const { server } = await start(t, () => [STREAM_HEAD, frames({ response: 'Hel' })])
  const stream = text(await begin(server, saying('x', { stream: true })))
  server.child.kill('SIGTERM')
  await waited(() => server.stdout().includes('"msg":"stopping"'))
  await server.harm('throw')
  t.match(readChatStream(await stream), { complaints: [], isDone: false, error: { code: 'server_stopping' } })
  t.equal(await server.ended, 1)
})

t.test('it starts without Cloudflare, and serves as soon as that is there', async t => {
  const gone = await startRawUpstream(t, () => [])
  let isThere = false
  const evil = await startRawUpstream(t, asked => isThere ? answering('hi', wantsStream(asked)) : ['RESET'])
  t.not(gone.port, evil.port)
  const startedAt = performance.now()
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url, MAX_RETRIES: '0' })
  const ms = Math.round(performance.now() - startedAt)
  t.comment(`started in ${ms} ms`)
  t.ok(ms < 15_000, 'without waiting for what does not come')
  t.equal((await fetch(`${server.url}/readyz`)).status, 200)
  t.equal((await fetch(`${server.url}/v1/models`)).status, 200, 'the models it was built with are listed')
  t.equal((await ask(server, saying('x'))).status, 502)
  isThere = true
  t.equal((await ask(server, saying('x'))).status, 200)
})

t.test('its port can be used again at once', async t => {
  const { server, evil } = await start(t, asked => answering('hi', wantsStream(asked)))
  const stream = text(await begin(server, saying('x', { stream: true })))
  await stream
  server.child.kill('SIGTERM')
  await server.ended
  const next = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url, PORT: String(server.port) })
  t.equal(next.port, server.port)
  t.match(await exchange(next, 'GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n', 'ok'), /^HTTP\/1\.1 200/)
})
