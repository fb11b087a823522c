import { once } from 'node:events'
import { connect } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { exchange, waited } from '../../servers/http-client.ts'
import { KIMI, LLAMA, startProxy, type Proxy } from '../../servers/start-proxy.ts'

const QUESTIONS: Record<string, object> = {
  '/v1/chat/completions': { model: LLAMA, messages: [{ role: 'user', content: 'say hi' }] },
  '/v1/completions': { model: KIMI, prompt: 'say hi' },
  '/v1/responses': { model: LLAMA, input: 'say hi' },
  '/v1/embeddings': { model: '@cf/baai/bge-m3', input: 'hi' }
}
const question = JSON.stringify(QUESTIONS['/v1/chat/completions'])

function send ({ url }: Proxy, bytes: Uint8Array, coding: string, path = '/v1/chat/completions'): Promise<Response> {
  return fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json', 'content-encoding': coding }, body: bytes as unknown as string })
}

t.test('compressed bodies are served on every surface', async t => {
  const proxy = await startProxy(t)
  for (const [path, asked] of Object.entries(QUESTIONS)) {
    const text = JSON.stringify(asked)
    for (const [coding, bytes] of [['gzip', gzipSync(text)], ['deflate', deflateSync(text)], ['br', brotliCompressSync(text)], ['identity', Buffer.from(text)]] as const) {
      const response = await send(proxy, bytes, coding, path)
      t.equal(response.status, 200, `${coding}, ${path}: ${await response.text()}`)
    }
  }
})

t.test('one in a coding nobody knows is told so, with those that are taken', async t => {
  const proxy = await startProxy(t)
  for (const coding of ['compress', 'gzip, gzip']) {
    const response = await send(proxy, gzipSync(gzipSync(question)), coding)
    t.equal(response.status, 415)
    t.match(response.headers.get('accept-encoding'), /^gzip, deflate, br/)
    t.match(await response.json(), { error: { type: 'invalid_request_error', message: new RegExp(`^Unsupported content-encoding '${coding}'`) } })
  }
})

t.test('one that is not what it says is told so', async t => {
  const proxy = await startProxy(t)
  const cases: Array<{ name: string, coding: string, given: Buffer }> = [
    { name: 'JSON', coding: 'gzip', given: Buffer.from(question) },
    { name: 'half of it', coding: 'gzip', given: gzipSync(question).subarray(0, -10) },
    { name: 'half of it', coding: 'br', given: brotliCompressSync(question).subarray(0, -10) },
    { name: 'another sum', coding: 'gzip', given: Buffer.concat([gzipSync(question).subarray(0, -8), Buffer.alloc(8)]) },
    { name: 'gzip', coding: 'br', given: gzipSync(question) },
    { name: 'gzip', coding: 'deflate', given: gzipSync(question) }
  ]
  for (const { name, coding, given } of cases) {
    const response = await send(proxy, given, coding)
    t.equal(response.status, 400, `${name} as ${coding}`)
    t.match(await response.json(), { error: { message: new RegExp(`content-encoding '${coding}'`) } }, `${name} as ${coding}`)
  }
  const nothing = await send(proxy, Buffer.alloc(0), 'gzip')
  t.equal(nothing.status, 400)
  t.equal((await send(proxy, gzipSync('{"model":'), 'gzip')).status, 400, 'what is inside must be JSON all the same')
  t.strictSame(proxy.simulator.requests, [])
})

t.test('the limit is for what is decoded, and for what comes', async t => {
  const LIMIT = 100_000
  const proxy = await startProxy(t, { BODY_LIMIT_BYTES: String(LIMIT) })
  t.equal((await send(proxy, gzipSync(question.padEnd(LIMIT)), 'gzip')).status, 200)
  const bomb = await send(proxy, gzipSync(question.padEnd(LIMIT + 1)), 'gzip')
  t.equal(bomb.status, 413)
  t.match(await bomb.json(), { error: { message: /BODY_LIMIT_BYTES/ } })
  const empty = gzipSync('')
  const many = Buffer.concat(Array.from({ length: Math.ceil(LIMIT / empty.length) + 1 }, () => empty))
  const answer = await exchange(proxy, Buffer.concat([
    Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n${many.length.toString(16)}\r\n`),
    many, Buffer.from('\r\n')
  ]), '}}')
  t.match(answer, /^HTTP\/1\.1 413 /, 'empty pieces without an end')
})

t.test('a client that leaves before its body is whole leaves nothing but a line', async t => {
  const proxy = await startProxy(t)
  for (const coding of ['identity', 'gzip']) {
    const before = proxy.lines().length
    const socket = connect(proxy.port, '127.0.0.1').on('error', () => {})
    await once(socket, 'connect')
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-encoding: ${coding}\r\ncontent-length: 1000\r\n\r\n`)
    socket.write(gzipSync(question).subarray(0, 40))
    await new Promise(resolve => setTimeout(resolve, 50))
    socket.destroy()
    const told = () => proxy.lines().slice(before).filter(({ level }) => Number(level) > 20)
    await waited(() => told().length > 0)
    const lines = told()
    t.match(lines, [{ msg: 'client gone', level: 30, status: 499 }], coding)
    t.equal(lines.length, 1)
  }
})
