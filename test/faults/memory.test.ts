import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { waited } from '../servers/http-client.ts'
import { ask } from '../servers/start-proxy.ts'
import { startBuiltServer, type BuiltServer } from '../servers/built-server.ts'
import { chunk, frames, http, json, LAST_CHUNK, startRawUpstream, STREAM_HEAD, type Step } from '../servers/raw-upstream.ts'

// With nothing beside it: it measures memory while both processors are busy.

const MEBIBYTE = 1_048_576

/** A request as bytes. */
function request (body: object): string {
  const text = JSON.stringify(body)
  return `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
}

function chat (model: string, rest: object = {}): object {
  return { model, messages: [{ role: 'user', content: 'x' }], ...rest }
}

/** Mebibytes by which a server has grown, after a first request has made it load all there is. */
async function growth (server: BuiltServer, work: () => Promise<void>): Promise<number> {
  const { rss } = await server.vitals()
  await work()
  return ((await server.vitals()).rss - rss) / MEBIBYTE
}

t.test('streams nobody reads hold Cloudflare back, cost little memory, and come whole in the end', async t => {
  const STREAMS = 8
  const piece = frames({ response: 'x'.repeat(8_192) })
  const times = Math.ceil(50_000_000 / piece.length)
  const evil = await startRawUpstream(t, ({ path }) => path.endsWith('/small')
    ? [STREAM_HEAD, frames({ response: 'hi' }, '[DONE]'), LAST_CHUNK]
    : [STREAM_HEAD, { again: piece, times }, frames('[DONE]'), LAST_CHUNK])
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  await (await ask(server, chat('@cf/evil/small', { stream: true }))).text()

  const sockets: Socket[] = []
  t.teardown(() => { for (const socket of sockets) socket.destroy() })
  const grown = await growth(server, async () => {
    for (let index = 0; index < STREAMS; index++) {
      const socket = connect(server.port, '127.0.0.1')
      // One that nobody listens to is not read, beyond what the kernel buffers.
      socket.pause()
      socket.write(request(chat(`@cf/evil/large-${index}`, { stream: true })))
      sockets.push(socket)
    }
    let before = -1
    const sent = () => evil.asked.reduce((sum, one) => sum + one.sent, 0)
    while (evil.asked.length <= STREAMS || sent() !== before) {
      before = sent()
      await sleep(400)
    }
  })
  const held = evil.asked.slice(1).map(({ sent }) => sent / MEBIBYTE)
  t.comment(`${STREAMS} unread streams of 50 MB: ${grown.toFixed(1)} MiB more RSS, ${Math.max(...held).toFixed(1)} MiB taken from Cloudflare at most`)
  t.ok(grown < 100, `${grown.toFixed(1)} MiB`)
  t.ok(held.every(size => size < 25), 'none was taken whole')
  t.equal((await ask(server, chat('@cf/evil/small'))).status, 200, 'others are served')

  const [late] = sockets
  let length = 0
  let tail = ''
  late?.resume().on('data', bytes => {
    length += bytes.length
    tail = (tail + bytes.toString('latin1')).slice(-30)
  })
  await waited(() => tail.includes('data: [DONE]'), 30_000)
  t.ok(length > 8_192 * times, 'a late reader gets every byte')
  for (const socket of sockets) socket.destroy()
  await waited(() => evil.asked.every(({ isClosed, path }) => isClosed || path.endsWith('/small') || path.endsWith('/large-0')))
})

t.test('large bodies at once stay within what the manifests allow', async t => {
  // As Node and the proxy set themselves in a container of 512 MiB, docker/kubernetes: half of it for V8's heap, a quarter for bodies.
  const CONTAINER = 512
  const SIZE = 30_000_000
  const COUNT = 12
  const question = JSON.stringify(chat('@cf/evil/model', { unknown: 'LIST', max_tokens: 1 }))
  const kinds: Array<{ name: string, body: string, statuses: number[] }> = [
    { name: 'of text', body: JSON.stringify(chat('@cf/evil/model', { messages: [{ role: 'user', content: 'word '.repeat(SIZE / 5) }] })), statuses: [200, 503, 408] },
    { name: 'of text that needs two bytes a letter', body: JSON.stringify(chat('@cf/evil/model', { messages: [{ role: 'user', content: `→${'word '.repeat(SIZE / 5)}` }] })), statuses: [200, 503, 408] },
    { name: 'of empty objects', body: question.replace('"LIST"', `[${'{},'.repeat(SIZE / 3)}0]`), statuses: [413, 503, 408] }
  ]
  const evil = await startRawUpstream(t, () => [200, json({ result: { response: 'hi' }, success: true })])
  for (const { name, body, statuses } of kinds) {
    const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url, NODE_OPTIONS: `--max-old-space-size=${CONTAINER / 2}`, MAX_BODY_MEMORY_BYTES: String(CONTAINER / 4 * MEBIBYTE) })
    await (await ask(server, chat('@cf/evil/model'))).text()
    const { rss } = await server.vitals()
    // On a slow machine a body takes longer than a request may. Who goes on sending for more than a second after a refusal is cut off, and need not have read it.
    const answers = await Promise.all(Array.from({ length: COUNT }, async () => {
      const response = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).catch(() => undefined)
      await response?.text().catch(() => {})
      return response
    }))
    for (const response of answers) {
      if (response === undefined) continue
      t.ok(statuses.includes(response.status), `${name}: ${response.status}`)
      if (response.status === 503) t.equal(response.headers.get('retry-after'), '1')
    }
    const { peakRss } = await server.vitals()
    t.comment(`${COUNT} bodies of 30 MB at once, ${name}: ${answers.filter(response => response?.status === 200).length} served, RSS ${(rss / MEBIBYTE).toFixed(0)} MiB before, ${(peakRss / MEBIBYTE).toFixed(0)} MiB at most`)
    t.ok(peakRss / MEBIBYTE < CONTAINER, `${name}: ${(peakRss / MEBIBYTE).toFixed(0)} MiB`)
    const alone = await fetch(`${server.url}/v1/chat/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    t.equal(alone.status, statuses[0], `${name}: one alone is served, or told that it never will be`)
    t.equal((await ask(server, chat('@cf/evil/model'))).status, 200, `${name}: it serves on`)
    server.child.kill('SIGKILL')
    await server.ended
  }
})

t.test('whatever has no end is left before it fills the memory', async t => {
  const many = (again: string | Buffer, head: Buffer): Step[] => {
    const piece = chunk(Buffer.from(again.toString().repeat(Math.ceil(65_536 / again.length))))
    return [head, { again: piece, times: Math.ceil(200_000_000 / piece.length) }]
  }
  const JSON_HEAD = http(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
  const REFUSAL = http(500, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
  const bomb = gzipSync(Buffer.alloc(20_000_000))
  const zipped = http(200, { 'content-type': 'application/json', 'content-encoding': 'gzip', 'transfer-encoding': 'chunked' })
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }]
  const piece = 'x'.repeat(2_000)
  const cases: Array<{ name: string, given: Step[], asked?: object, status: number }> = [
    { name: 'a JSON answer of 200 MB', given: many('xxxxxxxx', JSON_HEAD), status: 502 },
    { name: 'a JSON answer of 200 MB in small values', given: many('[1],', JSON_HEAD), status: 502 },
    { name: 'an error of 200 MB', given: many('xxxxxxxx', REFUSAL), status: 502 },
    { name: 'a gzip bomb', given: [zipped, { again: chunk(bomb), times: 10 }], status: 502 },
    { name: 'a line without an end', given: many('xxxxxxxx', STREAM_HEAD), asked: { stream: true }, status: 502 },
    { name: 'an event without an end', given: many('data: xxxxxxxx\n', STREAM_HEAD), asked: { stream: true }, status: 502 },
    { name: 'a head without an end', given: ['HTTP/1.1 200 OK\r\n', { again: `x-filler: ${'y'.repeat(1_000)}\r\n`, times: 200_000 }], status: 502 },
    { name: 'a stream without an end for who asked for none', given: many(`data: {"response":"${piece}"}\n\n`, STREAM_HEAD), status: 502 },
    { name: 'one of many small pieces', given: many('data: {"response":"x"}\n\n', STREAM_HEAD), status: 502 },
    { name: 'arguments without an end', given: many(`data: {"tool_calls":[{"index":0,"name":"f","arguments":"${piece}"}]}\n\n`, STREAM_HEAD), asked: { stream: true, tools }, status: 502 },
    { name: 'calls without an end', given: many('data: {"tool_calls":[{"name":"f","arguments":"{}"}]}\n\n', STREAM_HEAD), asked: { stream: true, tools }, status: 502 },
    { name: 'a leaked call without an end', given: many(`data: {"response":"<tool_call>${piece}"}\n\n`, STREAM_HEAD), asked: { stream: true, tools }, status: 502 },
    { name: 'structured output without an end', given: many(`data: {"response":"[\\"${piece}\\","}\n\n`, STREAM_HEAD), asked: { stream: true, response_format: { type: 'json_object' } }, status: 502 }
  ]
  const evil = await startRawUpstream(t, ({ path }) => cases[Number(/\d+$/.exec(path))]?.given ?? [STREAM_HEAD, frames({ response: 'hi' }, '[DONE]'), LAST_CHUNK])
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url, MAX_RETRIES: '0' })
  await (await ask(server, chat('@cf/evil/small', { stream: true }))).text()
  let most = 0
  for (const [index, { name, asked = {}, status }] of cases.entries()) {
    const { rss } = await server.vitals()
    const startedAt = performance.now()
    const response = await ask(server, chat(`@cf/evil/endless-${index}`, asked))
    const text = await response.text()
    const { peakRss, maxDelayMs } = await server.vitals()
    const grown = (peakRss - rss) / MEBIBYTE
    most = Math.max(most, grown)
    t.comment(`${name}: ${Math.round(performance.now() - startedAt)} ms, peak RSS +${grown.toFixed(0)} MiB, event loop held up ${Math.round(maxDelayMs)} ms, ${((evil.asked.at(-1)?.sent ?? 0) / MEBIBYTE).toFixed(0)} MiB sent`)
    t.ok(response.status === status || text.includes('data: {"error"'), `${name}: ${response.status} ${text.slice(-200)}`)
    t.notMatch(text, '[DONE]', name)
    await waited(() => evil.asked.at(-1)?.isClosed === true)
  }
  t.ok(most < 160, `${most.toFixed(0)} MiB at most`)
})
