import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { readChatStream } from '../streams/chat-stream.ts'
import { waited } from '../servers/http-client.ts'
import { ask, startProxy, type Proxy } from '../servers/start-proxy.ts'
import { chunk, failing, frames, http, json, answering, startRawUpstream, STREAM_HEAD, wantsStream, type Script, type Step } from '../servers/raw-upstream.ts'
import { someAtOnce } from './some-at-once.ts'

// With nothing beside it: it measures how long a call outlives its client.

const DEPARTURES: Record<string, (socket: Socket) => unknown> = {
  FIN: socket => socket.end(),
  RST: socket => socket.resetAndDestroy(),
  'FIN of both directions': socket => socket.destroy()
}

function request (body: object): string {
  const text = JSON.stringify(body)
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
}

function chat (stream: boolean, rest: object = {}): object {
  return { model: '@cf/evil/x', messages: [{ role: 'user', content: 'x' }], stream, ...rest }
}

async function open (t: Test, { port }: Proxy, bytes: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  socket.write(bytes)
  socket.resume()
  return socket
}

async function activeRequests ({ url }: Proxy): Promise<number> {
  return (await (await fetch(`${url}/readyz?verbose`)).json() as { open_answers: number }).open_answers
}

async function start (t: Test, script: Script, env: Record<string, string> = {}) {
  const evil = await startRawUpstream(t, script)
  return { evil, proxy: await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url, ...env }) }
}

t.test('whoever leaves takes the connection to Cloudflare with them, within a second', async t => {
  const stalled = http(200, { 'content-type': 'application/json', 'content-length': '1000' }, '{"result":')
  const dripping: Step[] = Array.from({ length: 100 }, () => [50, frames({ response: 'x' })]).flat()
  const moments: Array<{ name: string, given: Step[], asked: object }> = [
    { name: 'before a plain answer', given: [], asked: chat(false) },
    { name: 'before a streamed answer', given: [], asked: chat(true) },
    { name: 'before several answers', given: [], asked: chat(true, { n: 3 }) },
    { name: 'inside the head', given: ['HTTP/1.1 200 OK\r\ncontent-ty'], asked: chat(true) },
    { name: 'after the head, before the first frame', given: [STREAM_HEAD], asked: chat(true) },
    { name: 'inside the first frame', given: [STREAM_HEAD, chunk('data: {"resp')], asked: chat(true) },
    { name: 'inside a stream', given: [STREAM_HEAD, ...dripping], asked: chat(true) },
    { name: 'inside several streams', given: [STREAM_HEAD, ...dripping], asked: chat(true, { n: 3 }) },
    { name: 'inside a silent stream', given: [STREAM_HEAD, frames({ response: 'x' })], asked: chat(true) },
    { name: 'inside a plain answer', given: [stalled], asked: chat(false) },
    { name: 'inside a stream that is collected', given: [STREAM_HEAD, ...dripping], asked: chat(false) },
    { name: 'inside a refusal', given: [http(500, { 'content-length': '1000' }, '{')], asked: chat(false) }
  ]
  const { proxy, evil } = await start(t, ({ path }) => moments[Number(/\d+$/.exec(path))]?.given ?? [])
  const cases = moments.flatMap((moment, index) => Object.entries(DEPARTURES).map(([departure, leave]) => ({ ...moment, index, departure, leave })))
  await someAtOnce(4, cases, async ({ name, asked, index, departure, leave }) => {
    const model = `@cf/evil/${departure.replaceAll(' ', '-')}-${index}`
    const socket = await open(t, proxy, request({ ...asked, model }))
    const ours = () => evil.asked.filter(({ path }) => path.endsWith(model))
    await waited(() => ours().length === ('n' in asked ? 3 : 1))
    await sleep(150)
    const leftAt = performance.now()
    leave(socket)
    await waited(() => ours().every(one => one.leftAt !== undefined))
    const ms = Math.max(...ours().map(one => (one.leftAt ?? Infinity) - leftAt))
    t.ok(ms < 1_000, `${name}, ${departure}: ${Math.round(ms)} ms`)
  })
  await waited(() => evil.asked.every(({ isClosed }) => isClosed))
  t.equal(await activeRequests(proxy), 0, 'no answer counts as open')
  await waited(() => proxy.lines().filter(({ msg }) => msg === 'client gone').length === cases.length)
  t.strictSame(proxy.lines().filter(({ level }) => Number(level) >= 50), [])
})

t.test('whoever leaves while sending leads to no call', async t => {
  const { proxy, evil } = await start(t, () => [])
  for (const [departure, leave] of Object.entries(DEPARTURES)) {
    const socket = await open(t, proxy, request(chat(false)).slice(0, -5))
    await sleep(50)
    leave(socket)
    await sleep(50)
    t.equal(await activeRequests(proxy), 0, departure)
  }
  t.equal(evil.asked.length, 0)
})

t.test('whoever leaves while a retry waits is forgotten', async t => {
  const { proxy, evil } = await start(t, () => failing(429, 3040, { 'retry-after': '1' }))
  for (const leave of Object.values(DEPARTURES)) {
    const before = evil.asked.length
    const socket = await open(t, proxy, request(chat(true)))
    await waited(() => evil.asked.length === before + 1)
    await sleep(100)
    leave(socket)
    await sleep(100)
    t.equal(await activeRequests(proxy), 0)
    await sleep(1_300)
    t.equal(evil.asked.length, before + 1, 'nothing is asked for again')
  }
})

t.test('whoever leaves a row of requests ends all their answers, those that wait for their turn too', async t => {
  const { proxy, evil } = await start(t, asked => wantsStream(asked) ? [STREAM_HEAD, frames({ response: 'x' })] : [])
  for (const leave of Object.values(DEPARTURES)) {
    const before = evil.asked.length
    const socket = await open(t, proxy, [true, true, false, true].map(stream => request(chat(stream))).join(''))
    await waited(() => evil.asked.length === before + 4)
    await sleep(150)
    t.equal(await activeRequests(proxy), 4)
    leave(socket)
    await waited(() => evil.asked.every(({ isClosed }) => isClosed))
    t.equal(await activeRequests(proxy), 0)
  }
  await waited(() => proxy.lines().filter(({ status }) => status === 499).length === 12)
})

t.test('a row of requests is answered in its order, whatever order Cloudflare answers in', async t => {
  const { proxy } = await start(t, asked => {
    const [, number = '0'] = /word(\d)/.exec(asked.body) ?? []
    return [(5 - Number(number)) * 60, ...answering(`answer ${number}`, wantsStream(asked))]
  })
  const socket = await open(t, proxy, [0, 1, 2, 3, 4].map(number => request(chat(number % 2 === 1, { messages: [{ role: 'user', content: `word${number}` }] }))).join(''))
  let text = ''
  socket.on('data', bytes => { text += bytes.toString() })
  await waited(() => (text.match(/answer \d/g) ?? []).length === 5)
  t.strictSame(text.match(/answer \d/g), ['answer 0', 'answer 1', 'answer 2', 'answer 3', 'answer 4'])
})

t.test('rubbish behind a request does not get into the answer', async t => {
  const { proxy } = await start(t, () => [STREAM_HEAD, frames({ response: 'x' }), 400, frames('[DONE]'), '0\r\n\r\n'])
  const socket = await open(t, proxy, request(chat(true)))
  let text = ''
  socket.on('data', bytes => { text += bytes.toString() })
  await waited(() => text.includes('"content":"x"'))
  socket.write('\x00rubbish\r\n\r\n')
  await once(socket, 'close')
  t.equal(text.match(/HTTP\/1\.1/g)?.length, 1, 'no second head inside the first body')
  t.notMatch(text, 'DONE')
})

t.test('a hundred who leave at once do not hold up the others', async t => {
  const { proxy, evil } = await start(t, asked => asked.path.endsWith('/good') ? [json({ result: { response: 'hi' } })] : [STREAM_HEAD, frames({ response: 'x' })])
  const sockets = await Promise.all(Array.from({ length: 100 }, () => open(t, proxy, request(chat(true)))))
  await waited(() => evil.asked.length === 100, 20_000)
  for (const socket of sockets) socket.resetAndDestroy()
  const startedAt = performance.now()
  t.equal((await fetch(`${proxy.url}/health`)).status, 200)
  t.equal((await ask(proxy, chat(false, { model: '@cf/evil/good' }))).status, 200)
  t.ok(performance.now() - startedAt < 3_000)
  await waited(() => evil.asked.slice(0, 100).every(({ isClosed }) => isClosed))
  t.equal(await activeRequests(proxy), 0)
})

t.test('comments keep a connection alive while Cloudflare thinks, before the first token and between two', async t => {
  const evil = await startRawUpstream(t, () => [STREAM_HEAD, 700, frames({ response: 'a' }), 700, frames({ response: 'b' }, '[DONE]'), '0\r\n\r\n'])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url }, {}, { keepAliveMs: 100 })
  const startedAt = performance.now()
  const response = await ask(proxy, chat(true))
  t.ok(performance.now() - startedAt < 600, 'the answer begins before its first token')
  const text = await response.text()
  const { comments, complaints, isDone } = readChatStream(text)
  t.match({ complaints, isDone }, { complaints: [], isDone: true })
  t.ok(comments.filter(comment => comment === 'keep-alive').length >= 4, `${comments.length} comments`)
  const [before = '', between = '', after = ''] = text.split(/"content":"[ab]"/)
  t.match(before, ': keep-alive')
  t.match(between, ': keep-alive')
  t.notMatch(after, 'keep-alive')
})

t.test('a failure that comes after the first comment is told in the stream', async t => {
  const evil = await startRawUpstream(t, () => [STREAM_HEAD, 500, frames({ errors: [{ code: 3040, message: 'busy' }] })])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url }, {}, { keepAliveMs: 100 })
  const response = await ask(proxy, chat(true))
  t.equal(response.status, 200)
  t.match(readChatStream(await response.text()), { error: { code: 'rate_limit_exceeded' }, isDone: false, complaints: [], chunks: [] })
})
