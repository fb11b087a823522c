import { once } from 'node:events'
import dns from 'node:dns'
import { connect, createServer, type AddressInfo } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { freePort, waited } from '../servers/http-client.ts'
import { faultsOf } from '../openai-schemas.ts'
import { ACCOUNT_ID, API_TOKEN, ask, startProxy, type Proxy } from '../servers/start-proxy.ts'
import { chunk, failing, frames, http, json, LAST_CHUNK, startRawUpstream, STREAM_HEAD, wantsStream, type Step } from '../servers/raw-upstream.ts'
import { someAtOnce } from './some-at-once.ts'

const IMPATIENT = { MAX_RETRIES: '0', UPSTREAM_HEADERS_TIMEOUT_MS: '700', UPSTREAM_IDLE_TIMEOUT_MS: '700' }
const PAGE = '<!DOCTYPE html><html><head><title>Just a moment…</title></head><body>https://api.cloudflare.com/secret</body></html>'
const ANSWER = '{"result":{"response":"hi"},"success":true,"errors":[],"messages":[]}'
const DEEP = '['.repeat(100_000) + ']'.repeat(100_000)

const MALFORMED = { status: 502, type: 'server_error', code: 'upstream_malformed' }
const TRUNCATED = { status: 502, type: 'server_error', code: 'upstream_truncated' }
const UNREACHABLE = { status: 502, type: 'server_error', code: 'upstream_unreachable' }
const SILENT = { status: 504, type: 'server_error', code: 'upstream_timeout' }
const BROKEN = { status: 502, type: 'server_error', code: 'upstream_error' }
const BUSY = { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' }
const BAD_REQUEST = { status: 400, type: 'invalid_request_error', code: null }

interface Fault {
  name: string
  given: Step[] | ((isStream: boolean) => Step[])
  expected: { status: number, type: string, code: string | null }
  /** The answer is whole as HTTP goes, so its connection may be used again. */
  isWhole?: true
  /** It holds nothing at all, so it is asked for once more. */
  isEmpty?: boolean
}

const SSE = { 'content-type': 'text/event-stream' }
const compressed = (encoding: string, bytes: Buffer, type = 'application/json') =>
  http(200, { 'content-type': type, 'content-encoding': encoding, 'content-length': String(bytes.length) }, bytes)

/** Faults that come before the first token, and what callers of both kinds are told of them. */
const FAULTS: Fault[] = [
  // the connection
  { name: 'a reset before the headers', given: ['RESET'], expected: UNREACHABLE },
  { name: 'a reset inside the headers', given: ['HTTP/1.1 200 OK\r\ncontent-ty', 30, 'RESET'], expected: UNREACHABLE },
  { name: 'the end before the headers', given: ['FIN'], expected: UNREACHABLE },
  { name: 'the end inside the headers', given: ['HTTP/1.1 200 OK\r\ncontent-ty', 'FIN'], expected: UNREACHABLE },
  { name: 'a reset right after the headers', given: isStream => [isStream ? STREAM_HEAD : http(200, { 'content-length': '10' }), 30, 'RESET'], expected: TRUNCATED },
  { name: 'silence before the headers', given: [], expected: SILENT },
  { name: 'headers that drip', given: ['HTTP/1.1 200 OK\r\n', ...Array.from({ length: 20 }, (_, index) => [200, `x-drip-${index}: y\r\n`]).flat()], expected: SILENT },
  { name: 'silence after the headers', given: isStream => [isStream ? STREAM_HEAD : http(200, { 'content-length': '10' })], expected: SILENT },
  { name: 'silence inside the first frame', given: isStream => isStream ? [STREAM_HEAD, chunk('data: {"resp')] : [json(ANSWER, 200, { 'content-length': '1000' })], expected: SILENT },

  // HTTP
  { name: 'another protocol', given: ['SSH-2.0-OpenSSH_9.6\r\n', 'FIN'], expected: MALFORMED },
  { name: 'another version of HTTP', given: ['HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n'], expected: MALFORMED },
  { name: 'a body without a head', given: [ANSWER, 'FIN'], expected: MALFORMED },
  { name: 'nothing but zero bytes', given: [Buffer.alloc(1_000)], expected: MALFORMED },
  { name: 'a status that is no number', given: ['HTTP/1.1 OK 200\r\n\r\n'], expected: MALFORMED },
  { name: 'a header line without a colon', given: ['HTTP/1.1 200 OK\r\nnonsense\r\n\r\n'], expected: MALFORMED },
  { name: 'a head of 300 KB', given: [`HTTP/1.1 200 OK\r\n${`x-filler: ${'y'.repeat(1_000)}\r\n`.repeat(300)}\r\n`], expected: MALFORMED },
  { name: 'two lengths', given: ['HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\n{}   '], expected: MALFORMED },
  { name: 'a length and chunks', given: [http(200, { 'content-length': '3', 'transfer-encoding': 'chunked' }, chunk(ANSWER))], expected: MALFORMED },
  { name: 'a chunk that is none', given: isStream => [isStream ? STREAM_HEAD : http(200, { 'transfer-encoding': 'chunked' }), 'nonsense\r\n'], expected: MALFORMED },
  { name: 'a 100 nobody waited for', given: [http(100, {})], expected: MALFORMED },
  { name: 'another protocol offered', given: [http(101, { connection: 'upgrade', upgrade: 'websocket' })], expected: MALFORMED },
  { name: '204', given: [http(204, {})], expected: MALFORMED, isWhole: true },
  { name: '205', given: [http(205, { 'content-length': '0' })], expected: MALFORMED, isWhole: true },
  { name: '206', given: [json(ANSWER, 206)], expected: MALFORMED, isWhole: true },
  { name: '304', given: [http(304, {})], expected: MALFORMED, isWhole: true },

  // bodies
  { name: 'an empty body', given: [json('')], expected: MALFORMED, isWhole: true },
  { name: 'an empty body of no length', given: [http(200, {}), 'FIN'], expected: MALFORMED },
  { name: 'a page with status 200', given: [json(PAGE, 200, { 'content-type': 'text/html' })], expected: MALFORMED, isWhole: true },
  { name: 'a page that is called JSON', given: [json(PAGE)], expected: MALFORMED, isWhole: true },
  { name: 'binary rubbish', given: [json(Buffer.from('fffe00017f80', 'hex').toString('latin1'))], expected: MALFORMED, isWhole: true },
  { name: 'a stream that is called JSON', given: [json('data: {"response":"hi"}\n\ndata: [DONE]\n\n')], expected: MALFORMED, isWhole: true },
  { name: 'JSON that is called a stream', given: [json(ANSWER, 200, SSE)], expected: TRUNCATED, isWhole: true },
  { name: 'JSON that is cut', given: [json(ANSWER.slice(0, -5))], expected: MALFORMED, isWhole: true },
  { name: 'a length that is too short', given: [json(ANSWER, 200, { 'content-length': '20' })], expected: MALFORMED },
  { name: 'a length that is too long', given: [json(ANSWER, 200, { 'content-length': '1000' }), 'FIN'], expected: TRUNCATED },
  { name: 'chunks without an end', given: [http(200, { 'transfer-encoding': 'chunked' }), chunk(ANSWER), 'FIN'], expected: TRUNCATED },
  { name: 'a reset inside the body', given: [json(ANSWER, 200, { 'content-length': '1000' }), 30, 'RESET'], expected: TRUNCATED },
  ...['null', '"hi"', '42', '[]', '{}', '{"success":true}', '{"result":null,"success":true}', '{"result":{},"success":true}', '{"result":"hi","success":true}', '{"result":{"choices":[]}}'].map((body): Fault =>
    ({ name: `JSON that is no generation: ${body}`, given: [json(body)], expected: MALFORMED, isWhole: true, isEmpty: ['{}', '{"result":{},"success":true}'].includes(body) })),
  { name: 'JSON of 100,000 levels', given: [json(DEEP)], expected: MALFORMED, isWhole: true },
  { name: 'text of 100,000 levels', given: [json(`{"result":{"response":${DEEP}}}`)], expected: MALFORMED, isWhole: true },
  { name: 'arguments of 100,000 levels', given: [json(`{"result":{"tool_calls":[{"name":"f","arguments":${DEEP}}]}}`)], expected: MALFORMED, isWhole: true },

  // encodings nobody asked for
  { name: 'gzip', given: [compressed('gzip', gzipSync(ANSWER))], expected: MALFORMED, isWhole: true },
  { name: 'brotli', given: [compressed('br', brotliCompressSync(ANSWER))], expected: MALFORMED, isWhole: true },
  { name: 'a chain of encodings', given: [compressed('gzip, gzip, gzip', gzipSync(gzipSync(gzipSync(ANSWER))))], expected: MALFORMED, isWhole: true },
  { name: 'an encoding nobody knows', given: [compressed('snappy', Buffer.from(ANSWER))], expected: MALFORMED, isWhole: true },
  { name: 'gzip that is none', given: [compressed('gzip', Buffer.from(ANSWER))], expected: MALFORMED, isWhole: true },
  { name: 'a stream in gzip', given: [compressed('gzip', gzipSync('data: {"response":"hi"}\n\ndata: [DONE]\n\n'), 'text/event-stream')], expected: MALFORMED, isWhole: true },
  { name: 'gzip without an end', given: [http(200, { 'content-encoding': 'gzip' }), gzipSync(ANSWER)], expected: MALFORMED },
  { name: 'a refusal in gzip', given: [http(500, { 'content-encoding': 'gzip', 'content-length': '3' }, 'abc')], expected: BROKEN, isWhole: true },

  // refusals
  ...[500, 501, 502, 505, 520, 521, 522, 523, 525, 526, 527, 530, 599].map((status): Fault =>
    ({ name: `a page with status ${status}`, given: [json(PAGE, status, { 'content-type': 'text/html' })], expected: BROKEN, isWhole: true })),
  { name: 'a status beyond the known', given: [json('{"error":"odd"}', 999)], expected: BROKEN, isWhole: true },
  { name: 'a page with status 503', given: [json(PAGE, 503)], expected: { status: 503, type: 'server_error', code: 'upstream_overloaded' }, isWhole: true },
  { name: 'a page with status 504', given: [json(PAGE, 504)], expected: SILENT, isWhole: true },
  { name: 'a page with status 403', given: [json(PAGE, 403)], expected: { status: 403, type: 'permission_error', code: null }, isWhole: true },
  { name: 'a page with status 429', given: [json(PAGE, 429)], expected: BUSY, isWhole: true },
  { name: 'a teapot', given: [json('', 418)], expected: BAD_REQUEST, isWhole: true },
  { name: 'no capacity', given: failing(429, 3040), expected: BUSY, isWhole: true },
  { name: 'no capacity with status 200', given: failing(200, 3040), expected: BUSY, isWhole: true },
  { name: 'the daily quota', given: failing(429, 4006), expected: { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' }, isWhole: true },
  { name: 'a wrong token', given: failing(401, 10000), expected: { status: 401, type: 'authentication_error', code: 'upstream_authentication' }, isWhole: true },
  { name: 'a retired model', given: failing(410, 5028), expected: { status: 404, type: 'invalid_request_error', code: 'model_not_found' }, isWhole: true },
  { name: 'a refusal whose body never comes', given: [http(500, { 'content-length': '1000' })], expected: BROKEN },
  { name: 'a refusal that is cut', given: [http(502, { 'content-length': '1000' }, '{"err'), 'FIN'], expected: BROKEN },
  { name: 'a failure without a reason', given: [json('{"success":false}')], expected: BROKEN, isWhole: true },

  // the first frame of a stream; nobody has read a byte yet
  ...[
    { shape: { success: false, errors: [{ code: 3040, message: 'busy' }] }, expected: BUSY },
    { shape: { errors: [{ code: 3040, message: 'busy' }] }, expected: BUSY },
    { shape: { error: { code: 3040, message: 'busy' } }, expected: BUSY },
    { shape: { error: [{ code: '3040', message: 'busy' }] }, expected: BUSY },
    { shape: { name: 'AiError', message: 'AiError: busy', internalCode: 3040 }, expected: BUSY },
    { shape: { object: 'error', message: 'no', code: 3040 }, expected: BUSY },
    { shape: { error: 'no' }, expected: BROKEN },
    { shape: { choices: [{ index: 0, delta: {}, finish_reason: 'error' }] }, expected: BROKEN }
  ].map(({ shape, expected }): Fault => ({ name: `a frame that tells an error: ${JSON.stringify(shape)}`, given: [STREAM_HEAD, frames(shape)], expected })),
  { name: 'a frame that does not parse', given: [STREAM_HEAD, frames('{"response":')], expected: MALFORMED },
  { name: 'a frame of 100,000 levels', given: [STREAM_HEAD, frames(`{"response":${DEEP}}`)], expected: MALFORMED },
  { name: 'a stream without a frame', given: [STREAM_HEAD, LAST_CHUNK], expected: TRUNCATED, isWhole: true },
  { name: 'a stream of noise', given: [STREAM_HEAD, chunk(': x\n\nevent: y\ndata: z\n\n'), LAST_CHUNK], expected: TRUNCATED, isWhole: true },
  { name: 'a first frame that is cut', given: [STREAM_HEAD, chunk('data: {"resp'), LAST_CHUNK], expected: TRUNCATED, isWhole: true }
]

/** Asks for a model that exists for one case only, so that no circuit of another is open. */
async function answerTo (proxy: Proxy, model: string, stream: boolean): Promise<{ response: Response, body: any }> {
  const response = await ask(proxy, { model, messages: [{ role: 'user', content: 'x' }], stream })
  return { response, body: await response.json() }
}

function told ({ response, body }: Awaited<ReturnType<typeof answerTo>>): object {
  return { status: response.status, type: body.error?.type, code: body.error?.code }
}

t.test('whatever goes wrong before the first token is one error with its status, plain and streamed', async t => {
  const cases = FAULTS.flatMap(fault => [false, true].map(stream => ({ ...fault, stream, name: `${fault.name}, ${stream ? 'streamed' : 'plain'}` })))
  const evil = await startRawUpstream(t, asked => {
    const { given = [] } = cases[Number(/\d+$/.exec(asked.path))] ?? {}
    return typeof given === 'function' ? given(wantsStream(asked)) : given
  })
  const proxy = await startProxy(t, { ...IMPATIENT, CLOUDFLARE_API_BASE_URL: evil.url })
  await someAtOnce(8, cases, async ({ name, stream, expected, isWhole, isEmpty }, index) => {
    const answer = await answerTo(proxy, `@cf/evil/fault-${index}`, stream)
    t.strictSame(told(answer), expected, name)
    t.strictSame(faultsOf('ErrorResponse', answer.body), [], `${name}: in OpenAI's form`)
    t.notMatch(JSON.stringify(answer.body), new RegExp(`${API_TOKEN}|${ACCOUNT_ID}|https?:|doctype|secret`, 'i'), `${name}: nothing leaks`)
    const asked = evil.asked.filter(({ path }) => path.endsWith(`/fault-${index}`))
    t.equal(answer.response.headers.get('x-proxy-attempts'), String(asked.length), `${name}: every call is counted`)
    // A stream that comes back as JSON without an answer in it is asked for once more, plainly.
    t.ok(isEmpty ? asked.length === 2 : asked.length === 1 || (stream && wantsStream(asked[0]!) && asked.length === 2 && !wantsStream(asked[1]!)), `${name}: asked once, really`)
    if (!isWhole) t.ok(await waited(() => asked[0]?.isClosed === true).catch(() => Infinity) < 1_000, `${name}: its connection is closed`)
  })
  t.strictSame(proxy.lines().filter(({ level }) => Number(level) >= 50), [], 'none is taken for a bug of ours')
})

t.test('a redirect is followed by nobody', async t => {
  const thief = await startRawUpstream(t, () => [json(ANSWER)])
  const statuses = [300, 301, 302, 303, 307, 308]
  const evil = await startRawUpstream(t, ({ path }) => [http(Number(/\d+/.exec(path.split('evil/').at(-1) ?? '')), { location: `${thief.url}/steal`, 'content-length': '0' })])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  for (const status of statuses) {
    for (const stream of [false, true]) {
      t.strictSame(told(await answerTo(proxy, `@cf/evil/r${status}`, stream)), MALFORMED, `${status}, ${stream}`)
    }
  }
  t.equal(evil.asked.length, 2 * statuses.length)
  t.equal(thief.connections(), 0, 'neither token nor prompt goes elsewhere')
})

t.test('nobody there', async t => {
  const port = await freePort()
  const cases = [
    { name: 'refused', url: `http://127.0.0.1:${port}` },
    { name: 'no such host', url: 'http://no-such-host.invalid' },
    { name: 'no TLS', url: `https://127.0.0.1:${await portOf(t, socket => socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')))}` },
    { name: 'a reset instead of TLS', url: `https://127.0.0.1:${await portOf(t, socket => socket.once('data', () => socket.resetAndDestroy()))}` },
    { name: 'a reset at once', url: `http://127.0.0.1:${await portOf(t, socket => socket.resetAndDestroy())}` }
  ]
  noNames(t)
  for (const { name, url } of cases) {
    const proxy = await startProxy(t, { ...IMPATIENT, CLOUDFLARE_API_BASE_URL: url })
    for (const stream of [false, true]) {
      const startedAt = performance.now()
      const answer = await answerTo(proxy, '@cf/evil/x', stream)
      t.strictSame(told(answer), UNREACHABLE, `${name}, ${stream ? 'streamed' : 'plain'}`)
      t.strictSame(faultsOf('ErrorResponse', answer.body), [], name)
      t.ok(performance.now() - startedAt < 10_000, `${name}: in time`)
    }
  }
})

t.test('one answer is never taken for another', async t => {
  const evil = await startRawUpstream(t, (_, count) => count === 1
    ? [json(ANSWER), json(ANSWER.replace('hi', 'an answer nobody asked for'))]
    : [json(ANSWER.replace('hi', 'the second'))])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  const contents = []
  for (let count = 0; count < 3; count++) contents.push((await answerTo(proxy, '@cf/evil/x', false)).body.choices?.[0].message.content)
  t.strictSame(contents, ['hi', 'the second', 'the second'])
})

t.test('what is odd but well is no fault', async t => {
  const cases: Array<{ name: string, given: Step[] }> = [
    { name: 'a hint before the answer', given: [http(103, { link: '</x>' }), json(ANSWER)] },
    { name: 'JSON under another type', given: [json(ANSWER, 200, { 'content-type': 'text/plain' })] },
    { name: 'JSON under no type', given: [http(200, { 'content-length': String(ANSWER.length) }, ANSWER)] },
    { name: 'status 201', given: [json(ANSWER, 201)] },
    { name: 'a body that ends with its connection', given: [http(200, {}), ANSWER, 'FIN'] },
    { name: 'one byte at a time', given: [...json(ANSWER).toString()].flatMap(byte => [byte, 1]) },
    { name: 'a stream that ends with its connection', given: [http(200, SSE), 'data: {"response":"hi"}\n\ndata: [DONE]', 'FIN'] },
    { name: 'a stream without [DONE] but with a finish reason', given: [http(200, SSE), 'data: {"response":"hi","finish_reason":"stop"}\n\n', 'FIN'] },
    { name: 'a stream with noise', given: [STREAM_HEAD, chunk('\uFEFF: x\r\n\r\nevent: y\rdata: z\r\rretry: 1\n\n'), frames({ response: 'hi' }, 'ping', '', '[DONE]'), LAST_CHUNK] },
    { name: 'a stream whose answer is followed by rubbish', given: [STREAM_HEAD, frames({ response: 'hi' }, '[DONE]', '{"broken'), LAST_CHUNK] }
  ]
  const evil = await startRawUpstream(t, ({ path }) => cases[Number(/\d+$/.exec(path))]?.given ?? [])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url })
  for (const [index, { name }] of cases.entries()) {
    t.equal((await answerTo(proxy, `@cf/evil/odd-${index}`, false)).body.choices?.[0].message.content, 'hi', name)
  }
})

/** Makes names that end with `.invalid` resolve to nothing, without asking anybody. */
function noNames (t: Test): void {
  const { lookup } = dns
  t.teardown(() => { dns.lookup = lookup })
  dns.lookup = ((name: string, ...rest: Parameters<typeof lookup> extends [string, ...infer Rest] ? Rest : never) => {
    if (!name.endsWith('.invalid')) return lookup(name, ...rest)
    const done = rest.at(-1) as (error: Error) => void
    process.nextTick(done, Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' }))
  }) as typeof lookup
}

async function portOf (t: Test, serve: (socket: ReturnType<typeof connect>) => void): Promise<number> {
  const server = createServer(socket => {
    socket.on('error', () => {})
    serve(socket)
  })
  t.teardown(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
