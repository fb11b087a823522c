import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { waited } from '../servers/http-client.ts'
import { ask, LLAMA } from '../servers/start-proxy.ts'
import { startBuiltServer, type BuiltServer } from '../servers/built-server.ts'
import { frames, json, LAST_CHUNK, answering, startRawUpstream, STREAM_HEAD, wantsStream } from '../servers/raw-upstream.ts'

const LIMIT_MS = 2_000
const PLACES = 2
const MODEL = '@cf/evil/model'
/** More than the kernel keeps for a client that does not read. */
const LARGE = 12_000_000

/** Asks, and does not read the answer. */
function ignore (server: BuiltServer, path: string, body?: object): Socket {
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {})
  socket.pause()
  const text = body === undefined ? '' : JSON.stringify(body)
  socket.write(`${body === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`)
  return socket
}

async function activeRequests ({ url }: BuiltServer): Promise<number> {
  return (await (await fetch(`${url}/readyz?verbose`)).json() as { open_answers: number }).open_answers
}

function cuts (server: BuiltServer): Array<Record<string, unknown>> {
  return server.lines().filter(({ msg }) => String(msg).includes('read nothing of its answer'))
}

const chat = { model: MODEL, messages: [{ role: 'user', content: 'secret words' }] }
const surfaces: Array<{ name: string, path: string, body: object, hasLeft?: boolean }> = [
  { name: 'a chat, streamed', path: '/v1/chat/completions', body: { ...chat, stream: true } },
  { name: 'a chat, plain', path: '/v1/chat/completions', body: chat },
  { name: 'several choices, streamed', path: '/v1/chat/completions', body: { ...chat, stream: true, n: 2 } },
  { name: 'a completion, streamed', path: '/v1/completions', body: { model: MODEL, prompt: 'secret words', stream: true } },
  { name: 'a completion, plain', path: '/v1/completions', body: { model: MODEL, prompt: 'secret words' } },
  { name: 'a response, streamed', path: '/v1/responses', body: { model: MODEL, input: 'secret words', stream: true, store: false } },
  { name: 'a response, plain', path: '/v1/responses', body: { model: MODEL, input: 'secret words', store: false } },
  { name: 'embeddings', path: '/v1/embeddings', body: { model: '@cf/baai/bge-m3', input: 'secret words' } },
  { name: 'a chat, streamed, of a client that will send no more', path: '/v1/chat/completions', body: { ...chat, stream: true }, hasLeft: true }
]

t.test('clients that take nothing give their places back, on every surface', async t => {
  let isSmall = false
  const evil = await startRawUpstream(t, asked => {
    if (isSmall) return answering('hi', wantsStream(asked))
    if (asked.path.endsWith('bge-m3')) return [json({ result: { shape: [1, 1_000_000], data: [Array.from({ length: 1_000_000 }, (_, index) => 1 / (index + 3))] }, success: true })]
    if (!wantsStream(asked)) return answering('x'.repeat(LARGE), false)
    const piece = frames({ response: 'x'.repeat(8_192) })
    return [STREAM_HEAD, { again: piece, times: Math.ceil(100_000_000 / piece.length) }, frames('[DONE]'), LAST_CHUNK]
  })
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url, CLIENT_IDLE_TIMEOUT_MS: String(LIMIT_MS), MAX_STREAMS: String(PLACES) })
  for (const { name, path, body, hasLeft } of surfaces) {
    isSmall = false
    const before = cuts(server).length
    const asked = evil.asked.length
    const sockets = Array.from({ length: PLACES }, () => ignore(server, path, body))
    if (hasLeft) {
      await waited(() => evil.asked.slice(asked).filter(({ sent }) => sent > 1_000_000).length === PLACES, 30_000)
      // Node writes nothing more to a client that has said goodbye.
      for (const socket of sockets) socket.end()
    } else {
      await waited(() => cuts(server).length - before === PLACES, 60_000)
    }
    const cutAt = performance.now()
    while (await activeRequests(server) > 0 && performance.now() - cutAt < (hasLeft ? 3 * LIMIT_MS : 2_000)) await sleep(10)
    t.equal(await activeRequests(server), 0, `${name}: the places are free`)
    if ('stream' in body) await waited(() => evil.asked.slice(asked).every(({ isClosed }) => isClosed))
    isSmall = true
    t.equal((await ask(server, chat)).status, 200, `${name}: others are served`)
    for (const socket of sockets) socket.destroy()
  }
  const told = cuts(server)
  t.ok(told.length >= PLACES * (surfaces.length - 1))
  for (const { level, limitMs } of told) t.strictSame([level, limitMs], [40, LIMIT_MS])
  t.notMatch(server.stdout(), /secret words|xxxx/, 'no content is told')
})

t.test('a stored response that nobody reads keeps no connection', async t => {
  const evil = await startRawUpstream(t, () => answering('x'.repeat(LARGE), false))
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url, CLIENT_IDLE_TIMEOUT_MS: String(LIMIT_MS) })
  const { id } = await (await fetch(`${server.url}/v1/responses`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: MODEL, input: 'x' }) })).json() as { id: string }
  const socket = ignore(server, `/v1/responses/${id}`)
  t.teardown(() => { socket.destroy() })
  await waited(() => cuts(server).length === 1, 30_000)
  t.match(cuts(server)[0]?.['route'], /^\/v1\/responses\/resp_/)
})

t.test('a model that is silent cuts nobody, and who reads late within the limit gets everything', async t => {
  const piece = frames({ response: 'x'.repeat(8_192) })
  const times = Math.ceil(30_000_000 / piece.length)
  const evil = await startRawUpstream(t, ({ path }) => path.endsWith('silent')
    ? [STREAM_HEAD, frames({ response: 'hi' }), 3 * LIMIT_MS, frames('[DONE]'), LAST_CHUNK]
    : [STREAM_HEAD, { again: piece, times }, frames('[DONE]'), LAST_CHUNK])
  const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url, CLIENT_IDLE_TIMEOUT_MS: String(LIMIT_MS) })
  const deaf = ignore(server, '/v1/chat/completions', { ...chat, model: '@cf/evil/silent', stream: true })
  const late = ignore(server, '/v1/chat/completions', { ...chat, stream: true })
  t.teardown(() => { deaf.destroy(); late.destroy() })
  const silent = ask(server, { ...chat, model: '@cf/evil/silent', stream: true }).then(response => response.text())
  let length = 0
  let tail = ''
  await sleep(LIMIT_MS / 2)
  late.resume().on('data', bytes => {
    length += bytes.length
    tail = (tail + bytes.toString('latin1')).slice(-30)
  })
  await waited(() => tail.includes('data: [DONE]'), 30_000)
  t.ok(length > 8_192 * times)
  t.match(await silent, /data: \[DONE\]/)
  t.strictSame(cuts(server), [])
})

for (const [name, env] of Object.entries({ key: { API_KEYS: 'one:first-key-1,two:other-key-2' }, 'token of Cloudflare': { AUTH_MODE: 'passthrough' } })) {
  t.test(`of two callers, each with a ${name}, one cannot keep the other out`, async t => {
    const evil = await startRawUpstream(t, () => [STREAM_HEAD, frames({ response: 'hi' })])
    const server = await startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: evil.url, MAX_STREAMS: '10', ...env })
    const open: AbortController[] = []
    t.teardown(() => { for (const controller of open) controller.abort() })
    const stream = async (key: string): Promise<number> => {
      const controller = new AbortController()
      const { status } = await ask(server, { ...chat, model: LLAMA, stream: true }, { headers: { authorization: `Bearer ${key}` }, signal: controller.signal })
      if (status === 200) open.push(controller)
      return status
    }
    for (let count = 0; count < 10; count++) t.equal(await stream('first-key-1'), 200, 'one alone may have all')
    t.equal(await stream('other-key-2'), 503)
    open.shift()?.abort()
    while (await activeRequests(server) === 10) await sleep(10)
    t.equal(await stream('first-key-1'), 503, 'the place that is free is for who was refused')
    t.equal(await stream('other-key-2'), 200)
  })
}
