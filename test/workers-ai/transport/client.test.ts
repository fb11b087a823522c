import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { UpstreamError } from '../../../src/errors.ts'
import { WorkersAi, type WorkersAiOptions } from '../../../src/workers-ai/transport/client.ts'
import { toStreamError } from '../../../src/workers-ai/transport/connection-errors.ts'
import { toWholeJson } from '../../../src/workers-ai/transport/response.ts'
import type { RunAnswer } from '../../../src/workers-ai/transport/runner.ts'
import type { ResponseBody } from '../../../src/workers-ai/transport/dispatch.ts'
import type { ModelId } from '../../../src/workers-ai/models/model.ts'
import { all } from '../../sources.ts'

const MODEL = '@cf/meta/llama-3.3-70b-instruct-fp8-fast' as ModelId
const ACCOUNT = 'account-of-tests'
const TOKEN = 'token-of-tests-0123456789'
const BODY = '{"messages":[{"role":"user","content":"hé"}]}'
const ANSWER = '{"result":{"response":"hi"},"success":true,"errors":[],"messages":[]}'
const BUSY = '{"result":null,"success":false,"errors":[{"code":3040,"message":"Capacity temporarily exceeded"}]}'

// Most of these tests wait for a timeout.
t.jobs = 4

/** What a server does with the nth request (from 1) that it has read whole. */
type Script = (socket: Socket, count: number, request: string) => void

/** A server that reads whole requests and answers each with whatever bytes the script writes. */
async function listen (t: Test, script: Script) {
  const requests: string[] = []
  const sockets: Socket[] = []
  const server = createServer(socket => {
    let received = ''
    sockets.push(socket)
    socket.setEncoding('utf8')
    socket.on('error', () => {})
    socket.on('data', (text: string) => {
      received += text
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0)
      const end = received.indexOf('\r\n\r\n')
      if (end < 0 || Buffer.byteLength(received.slice(end + 4)) < length) return
      requests.push(received)
      const request = received
      received = ''
      script(socket, requests.length, request)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, requests, sockets, server }
}

const IMPATIENT = { headersTimeoutMs: 300, idleTimeoutMs: 300 }

function connect (t: Test, origin: string, options: Partial<WorkersAiOptions> = {}): WorkersAi {
  const workersAi = new WorkersAi({
    apiBaseUrl: `${origin}/client/v4/`,
    accountId: ACCOUNT,
    apiToken: TOKEN,
    maxRetries: 0,
    headersTimeoutMs: 60_000,
    idleTimeoutMs: 60_000,
    userAgent: 'tests/1.0',
    ...options
  })
  t.teardown(() => workersAi.close())
  return workersAi
}

function run (workersAi: WorkersAi, { signal = new AbortController().signal, stream = false } = {}) {
  return workersAi.run(MODEL, BODY, { signal, form: stream ? 'events' as const : 'json' as const })
}

/** A run that streams. */
async function stream (workersAi: WorkersAi, { signal }: { signal?: AbortSignal } = {}): Promise<Extract<RunAnswer, { form: 'events' }>> {
  const answer = await run(workersAi, { ...(signal && { signal }), stream: true })
  if (answer.form !== 'events') throw new Error('no stream')
  return answer
}

function http (status: number, headers: Record<string, string>, body: string | Buffer = ''): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n`), Buffer.from(body)])
}

function json (status: number, body: string, headers: Record<string, string> = {}): Buffer {
  return http(status, { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)), ...headers }, body)
}

const STREAM_HEAD = http(200, { 'content-type': 'text/event-stream; charset=utf-8', 'transfer-encoding': 'chunked' })

function chunk (text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
}

async function failureOf (promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(() => undefined, (error: unknown) => error)
}

function told (error: unknown) {
  if (!(error instanceof UpstreamError)) return error
  const { kind, status, code, retryAfter, message } = error
  return { kind, status, message, ...(code !== undefined && { code }), ...(retryAfter !== undefined && { retryAfter }) }
}

t.test('a JSON answer is read whole', async t => {
  const { origin, requests } = await listen(t, socket => {
    socket.write(json(200, ANSWER, { 'cf-ai-req-id': 'r1', 'cf-ai-neurons': '1.98', 'CF-Ray': 'ray', 'cf-aig-log-id': 'log', 'set-cookie': 'a=b', server: 'cloudflare' }))
  })
  const answer = await run(connect(t, origin))

  t.equal(answer.status, 200)
  t.equal(answer.attempts, 1)
  t.strictSame(answer.headers, { 'cf-ai-req-id': 'r1', 'cf-ai-neurons': '1.98', 'cf-ray': 'ray', 'cf-aig-log-id': 'log' }, 'with the headers that are worth passing on')
  t.match(answer, { form: 'json', json: JSON.parse(ANSWER) })

  const [head = '', body] = (requests[0] ?? '').split('\r\n\r\n')
  t.match(head, `POST /client/v4/accounts/${ACCOUNT}/ai/run/${MODEL} HTTP/1.1\r\n`)
  t.equal(body, BODY)
  t.strictSame(headersOf(head), {
    host: origin.slice('http://'.length),
    connection: 'keep-alive',
    authorization: `Bearer ${TOKEN}`,
    'user-agent': 'tests/1.0',
    'accept-encoding': 'identity',
    'content-type': 'application/json',
    accept: 'application/json',
    'content-length': String(Buffer.byteLength(BODY))
  }, 'and nothing else is sent')
})

t.test('a body in pieces is sent as one, at every attempt', async t => {
  const pieces = ['{"prompt":"', 'é'.repeat(1_500_000), '"}']
  const whole = pieces.join('')
  const { origin, requests } = await listen(t, (socket, count) => socket.write(count === 1 ? json(429, BUSY) : json(200, ANSWER)))
  const heard: string[] = []
  const observer = { sent: (body: string) => { heard.push(body) }, received: () => {} }
  const answer = await connect(t, origin, { maxRetries: 1 }).run(MODEL, pieces.map(piece => Buffer.from(piece)), { signal: new AbortController().signal, form: 'json', observer })
  t.match(answer, { attempts: 2, json: JSON.parse(ANSWER) })
  t.equal(requests.length, 2)
  for (const request of requests) {
    const [head = '', ...body] = request.split('\r\n\r\n')
    t.equal(headersOf(head)['content-length'], String(Buffer.byteLength(whole)))
    t.notMatch(head, /transfer-encoding/i)
    t.ok(body.join() === whole, 'to the letter')
  }
  t.ok(heard.length === 2 && heard.every(body => body === whole), 'and told as one')
})

t.test('an answer that comes before a body in pieces was read is heard, and an abort ends the sending', async t => {
  const pieces = [Buffer.from('{"prompt":"'), Buffer.alloc(8_000_000, 'x'), Buffer.from('"}')]
  const sockets: Socket[] = []
  const server = createServer(socket => {
    sockets.push(socket.on('error', () => {}))
    socket.once('data', bytes => {
      socket.pause()
      if (bytes.includes('early')) socket.write(json(413, '{"success":false,"errors":[{"code":5021,"message":"too long"}]}'))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const workersAi = connect(t, `http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const early = await failureOf(workersAi.run(MODEL, pieces, { signal: new AbortController().signal, form: 'json', sessionAffinity: 'early' }))
  t.match(told(early), { kind: 'refused', status: 413, code: 5021 })

  const controller = new AbortController()
  const aborted = failureOf(workersAi.run(MODEL, pieces, { signal: controller.signal, form: 'json' }))
  await sleep(50)
  controller.abort(new Error('the client left'))
  t.match(await aborted, { message: 'the client left' })
})

t.test('a stream is answered at its headers', async t => {
  const { origin, requests, sockets } = await listen(t, async socket => {
    socket.write(STREAM_HEAD)
    await sleep(50)
    socket.write(chunk('data: {"response":"h'))
    socket.write(chunk('i"}\n\ndata: [DONE]\n\n') + '0\r\n\r\n')
  })
  const workersAi = connect(t, origin)
  for (const n of [1, 2]) {
    const answer = await stream(workersAi)
    t.equal(await textOf(answer.body), 'data: {"response":"hi"}\n\ndata: [DONE]\n\n', `reading ${n}`)
    await sleep(10)
  }
  t.match(requests[0], /\r\naccept: text\/event-stream, application\/json\r\n/)
  t.equal(sockets.length, 1, 'the connection is used again')
})

t.test('a stream that is asked for its JSON says that it holds none', async t => {
  const { origin } = await listen(t, socket => {
    socket.write(Buffer.concat([STREAM_HEAD, Buffer.from(chunk('data: {}\n\n') + '0\r\n\r\n')]))
  })
  const answer = await stream(connect(t, origin))
  t.strictSame(told(await failureOf(toWholeJson(answer))), { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with something other than JSON' })
})

t.test('session affinity goes along when a header can carry it', async t => {
  const { origin, requests } = await listen(t, socket => { socket.write(json(200, ANSWER)) })
  const workersAi = connect(t, origin)
  const { signal } = new AbortController()
  for (const sessionAffinity of ['ses_1', 'a\r\nx-evil: 1', 'é', '', 'x'.repeat(257)]) {
    await workersAi.run(MODEL, BODY, { signal, form: 'json', sessionAffinity })
  }
  t.strictSame(requests.map(request => headersOf(request)['x-session-affinity']), ['ses_1', undefined, undefined, undefined, undefined])
  t.notMatch(requests.join(''), 'evil')
})

t.test('words for the simulator reach nobody else', async t => {
  const { origin, requests } = await listen(t, socket => { socket.write(json(200, ANSWER)) })
  const { signal } = new AbortController()
  for (const isSimulator of [undefined, false, true]) {
    const workersAi = connect(t, origin, isSimulator === undefined ? {} : { isSimulator })
    for (const simulatorWords of ['say hi', ['say hi', 'say ho'], undefined]) {
      await workersAi.run(MODEL, BODY, { signal, form: 'json', simulatorWords })
    }
  }
  const heard = requests.map(request => headersOf(request)['x-simulator'])
  t.strictSame(heard, [...Array.from({ length: 6 }, () => undefined), 'say hi', undefined, undefined])
})

t.test('an AI Gateway carries the runs, and the API the listing', async t => {
  const api = await listen(t, socket => { socket.write(json(200, '{"success":true,"result":[]}')) })
  const gateway = await listen(t, socket => { socket.write(json(200, ANSWER)) })
  const workersAi = connect(t, api.origin, { gateway: { id: 'my gw', token: 'gateway-token', baseUrl: `${gateway.origin}/v1` } })

  t.match(await run(workersAi), { json: JSON.parse(ANSWER) })
  t.match(gateway.requests[0], `POST /v1/${ACCOUNT}/my%20gw/workers-ai/${MODEL} HTTP/1.1\r\n`)
  t.match(headersOf(gateway.requests[0] ?? ''), { authorization: `Bearer ${TOKEN}`, 'cf-aig-authorization': 'Bearer gateway-token' })

  t.strictSame(await workersAi.getJson('/ai/models/search', { per_page: '100', search: 'a b' }), { success: true, result: [] })
  t.match(api.requests[0], `GET /client/v4/accounts/${ACCOUNT}/ai/models/search?per_page=100&search=a+b HTTP/1.1\r\n`)
  t.equal(headersOf(api.requests[0] ?? '')['cf-aig-authorization'], undefined)
})

t.test('getJson tells of refusals', async t => {
  const { origin, requests } = await listen(t, socket => {
    socket.write(json(403, '{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}'))
  })
  const error = await failureOf(connect(t, origin, { maxRetries: 2 }).getJson('/ai/models/search'))
  t.strictSame(told(error), { kind: 'refused', status: 403, code: 10000, message: 'Authentication error' })
  t.equal(requests.length, 1)
})

t.test('whatever comes instead of an answer becomes one clear error', async t => {
  const page = '<!DOCTYPE html><html><title>502 Bad Gateway</title></html>'
  const cases: Array<{ name: string, given: Script, options?: Partial<WorkersAiOptions>, expected: object }> = [
    {
      name: 'a reset before the answer',
      given: socket => socket.resetAndDestroy(),
      expected: { kind: 'unreachable', status: 0, message: 'No answer from Cloudflare: the connection failed (ECONNRESET)' }
    },
    {
      name: 'the end of the connection before the answer',
      given: socket => socket.end(),
      expected: { kind: 'unreachable', status: 0, message: 'No answer from Cloudflare: the connection failed (UND_ERR_SOCKET)' }
    },
    {
      name: 'the end of the connection inside the headers',
      given: socket => socket.end('HTTP/1.1 200 OK\r\ncontent-ty'),
      expected: { kind: 'unreachable', status: 0, message: 'No answer from Cloudflare: the connection failed (UND_ERR_SOCKET)' }
    },
    { name: 'silence', given: () => {}, options: IMPATIENT, expected: { kind: 'timeout', status: 0, message: 'Cloudflare did not begin to answer within 0.3 s' } },
    { name: 'another protocol', given: socket => socket.end('SSH-2.0-OpenSSH_9.6\r\n'), expected: { kind: 'malformed', status: 0, message: 'Cloudflare answered with broken HTTP' } },
    {
      name: 'headers without end',
      given: socket => socket.write(`HTTP/1.1 200 OK\r\n${`x-filler: ${'y'.repeat(1_000)}\r\n`.repeat(300)}\r\n`),
      expected: { kind: 'malformed', status: 0, message: 'Cloudflare answered with broken HTTP' }
    },
    { name: 'a 100 nobody waited for', given: socket => socket.write(http(100, {})), expected: { kind: 'malformed', status: 0, message: 'Cloudflare answered with broken HTTP' } },
    {
      name: 'another protocol offered',
      given: socket => socket.write(http(101, { connection: 'upgrade', upgrade: 'websocket' })),
      expected: { kind: 'malformed', status: 0, message: 'Cloudflare answered with broken HTTP' }
    },
    { name: 'no content', given: socket => socket.write(http(204, {})), expected: { kind: 'malformed', status: 204, message: 'Cloudflare answered 204 where a whole answer was expected' } },
    {
      name: 'part of an answer',
      given: socket => socket.write(json(206, ANSWER, { 'content-range': 'bytes 0-68/100' })),
      expected: { kind: 'malformed', status: 206, message: 'Cloudflare answered 206 where a whole answer was expected' }
    },
    { name: 'an empty answer', given: socket => socket.write(json(200, '')), expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with an empty body' } },
    {
      name: 'a web page with status 200',
      given: socket => socket.write(json(200, page, { 'content-type': 'text/html' })),
      expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with a web page instead of JSON' }
    },
    { name: 'JSON that is cut', given: socket => socket.write(json(200, ANSWER.slice(0, -5))), expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with JSON that does not parse' } },
    { name: 'JSON that is no object', given: socket => socket.write(json(200, '"hi"')), expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with something other than JSON' } },
    {
      name: 'a compressed answer',
      given: socket => { const bytes = gzipSync(ANSWER); socket.write(http(200, { 'content-type': 'application/json', 'content-encoding': 'gzip', 'content-length': String(bytes.length) }, bytes)) },
      expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with a compressed body that was not asked for' }
    },
    {
      name: 'a compressed stream',
      given: socket => socket.write(http(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip, br', 'content-length': '100' })),
      expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with a compressed body that was not asked for' }
    },
    {
      name: 'the end of the connection inside a body of known length',
      given: socket => socket.end(json(200, ANSWER.slice(0, -5), { 'content-length': '1000' })),
      expected: { kind: 'truncated', status: 0, message: 'Cloudflare ended the answer before its end' }
    },
    {
      name: 'the end of the connection inside a chunked body',
      given: socket => socket.end(http(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }, chunk(ANSWER))),
      expected: { kind: 'truncated', status: 0, message: 'Cloudflare ended the answer before its end' }
    },
    {
      name: 'the end of a connection that was announced inside a chunked body',
      given: socket => socket.end(http(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked', connection: 'close' }, chunk(ANSWER))),
      expected: { kind: 'truncated', status: 0, message: 'Cloudflare ended the answer before its end' }
    },
    {
      name: 'a reset inside the body',
      given: async socket => {
        socket.write(json(200, ANSWER.slice(0, -5), { 'content-length': '1000' }))
        await sleep(50)
        socket.resetAndDestroy()
      },
      expected: { kind: 'truncated', status: 0, message: 'Cloudflare ended the answer before its end' }
    },
    {
      name: 'silence inside the body',
      given: socket => socket.write(json(200, ANSWER.slice(0, -5), { 'content-length': '1000' })),
      options: IMPATIENT,
      expected: { kind: 'timeout', status: 0, message: 'Cloudflare went silent for 0.3 s inside the answer' }
    },
    {
      name: 'chunks that are none',
      given: socket => socket.write(http(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }, `${chunk('{"a":')}nonsense\r\n`)),
      expected: { kind: 'malformed', status: 0, message: 'Cloudflare answered with broken HTTP' }
    },
    { name: 'a failure with status 200', given: socket => socket.write(json(200, BUSY)), expected: { kind: 'refused', status: 200, code: 3040, message: 'Capacity temporarily exceeded' } },
    {
      name: 'a refusal',
      given: socket => socket.write(json(429, '{"success":false,"result":{},"errors":[{"code":4006,"message":"AiError: you have used up your daily free allocation"}]}', { 'retry-after': '7' })),
      expected: { kind: 'refused', status: 429, code: 4006, message: 'you have used up your daily free allocation', retryAfter: 7 }
    },
    {
      name: 'a web page of the edge',
      given: socket => socket.write(json(502, page, { 'content-type': 'text/html' })),
      expected: { kind: 'refused', status: 502, message: 'Cloudflare answered 502 with a web page instead of JSON' }
    },
    {
      name: 'a compressed refusal',
      given: socket => { const bytes = gzipSync(BUSY); socket.write(http(429, { 'content-encoding': 'gzip', 'content-length': String(bytes.length) }, bytes)) },
      expected: { kind: 'refused', status: 429, message: 'Cloudflare answered 429 with an empty body' }
    },
    {
      name: 'a refusal whose body never comes',
      given: socket => socket.write(json(500, '', { 'content-length': '1000' })),
      options: IMPATIENT,
      expected: { kind: 'refused', status: 500, message: 'Cloudflare answered 500 with an empty body' }
    },
    {
      name: 'a status beyond the known',
      given: socket => socket.write(json(999, '{"error":"odd"}')),
      expected: { kind: 'refused', status: 999, message: 'odd' }
    }
  ]
  await Promise.all(cases.map(async ({ name, given, options, expected }) => {
    const { origin, requests } = await listen(t, given)
    t.strictSame(told(await failureOf(run(connect(t, origin, options)))), expected, name)
    t.equal(requests.length, 1, `${name} is asked for once`)
  }))
})

t.test('nobody listening is told apart from a refusal', async t => {
  const { origin, server } = await listen(t, () => {})
  server.close()
  const error = await failureOf(run(connect(t, origin, { maxRetries: 1 })))
  t.strictSame(told(error), { kind: 'unreachable', status: 0, message: 'No answer from Cloudflare: the connection failed (ECONNREFUSED)' })
  t.match((error as Error).cause, { code: 'ECONNREFUSED' }, 'the cause is kept')
})

t.test('a redirect is not followed, and the token goes nowhere else', async t => {
  const other = await listen(t, socket => { socket.write(json(200, ANSWER)) })
  for (const status of [301, 302, 303, 307, 308]) {
    const { origin, requests } = await listen(t, socket => { socket.write(http(status, { location: `${other.origin}/steal`, 'content-length': '0' })) })
    const error = await failureOf(run(connect(t, origin, { maxRetries: 2 })))
    t.strictSame(told(error), { kind: 'malformed', status, message: `Cloudflare answered ${status}, and redirects are not followed` })
    t.equal(requests.length, 1)
  }
  t.strictSame(other.requests, [])
})

t.test('large bodies are not read to their end', async t => {
  const cases = [
    { name: 'an answer', given: 200, expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with more than 32 MiB' } },
    { name: 'a refusal', given: 500, expected: { kind: 'refused', status: 500, message: 'Cloudflare answered 500 with JSON that does not parse' } }
  ]
  for (const { name, given, expected } of cases) {
    const { origin, sockets } = await listen(t, socket => {
      socket.write(http(given, { 'content-type': 'application/json', 'content-length': '200000000' }, '{"errors":["'))
      Readable.from(Array.from({ length: 190 }, () => Buffer.alloc(1024 * 1024, 'x'))).pipe(socket)
    })
    t.strictSame(told(await failureOf(run(connect(t, origin)))), expected, name)
    await closed(sockets[0])
    t.ok((sockets[0]?.bytesWritten ?? Infinity) < 100_000_000, `${name} is left at the limit`)
  }
})

t.test('a refusal that drips is not waited for', async t => {
  const { origin, sockets } = await listen(t, async socket => {
    socket.write(json(503, '', { 'content-length': '100000' }))
    while (!socket.destroyed) {
      socket.write('x')
      await sleep(100)
    }
  })
  const error = await failureOf(run(connect(t, origin)))
  t.strictSame(told(error), { kind: 'refused', status: 503, message: 'Cloudflare answered 503 with something other than JSON' })
  await closed(sockets[0])
})

t.test('credentials that come back are not passed on', async t => {
  const base64 = Buffer.from(TOKEN).toString('base64')
  const echo = `request by ${ACCOUNT} with Bearer ${TOKEN} or ${TOKEN} (${base64})`
  const cases: Array<{ name: string, given: Script }> = [
    { name: 'in a refusal', given: socket => socket.write(json(400, JSON.stringify({ errors: [{ message: echo }] }))) },
    { name: 'in a failure with status 200', given: socket => socket.write(json(200, JSON.stringify({ success: false, errors: [{ message: echo }] }))) },
    { name: 'in place of headers', given: socket => socket.end(`HTTP/1.1 200 OK\r\n${echo}\r\n\r\n`) },
    { name: 'in place of chunks', given: socket => socket.end(http(200, { 'transfer-encoding': 'chunked' }, echo)) },
    { name: 'not at all, in a reset', given: socket => socket.resetAndDestroy() },
    { name: 'not at all, in silence', given: () => {} }
  ]
  for (const { name, given } of cases) {
    const { origin } = await listen(t, given)
    const error = await failureOf(run(connect(t, origin, IMPATIENT)))
    t.type(error, UpstreamError)
    const everything = inspect(error, { depth: Infinity, showHidden: true }).replaceAll(import.meta.filename, '')
    for (const secret of [TOKEN, TOKEN.slice(0, 8), base64, ACCOUNT]) t.notOk(everything.includes(secret), `${name}: ${secret}`)
  }
})

t.test('nor are they in a header, or a part of them, or in base64 beside something else', async t => {
  const echoes = [TOKEN, `Bearer ${TOKEN}`, TOKEN.slice(0, 8), `…${TOKEN.slice(-10)}`, btoa(`Bearer ${TOKEN}`)]
  for (const echo of echoes) {
    const { origin } = await listen(t, socket => socket.write(json(200, ANSWER, { 'cf-ray': echo, 'cf-ai-req-id': 'plain' })))
    const answer = await run(connect(t, origin))
    t.strictSame(answer.headers, { 'cf-ai-req-id': 'plain' }, echo)
    t.match(answer.redact(`it said ${echo}`), /^it said .*\[redacted\]/, `${echo} in an answer`)
  }
})

t.test('a caller\'s token goes in place of the client\'s own, and is as secret', async t => {
  const { origin, requests } = await listen(t, socket => socket.write(json(401, '{"errors":[{"code":10000,"message":"token caller-token-4711 is not valid"}]}')))
  const workersAi = connect(t, origin)
  const error = await failureOf(workersAi.run(MODEL, BODY, { signal: new AbortController().signal, form: 'json', apiToken: 'caller-token-4711' }))
  t.match(error, { message: 'token [redacted] is not valid', code: 10000 })
  t.equal(headersOf(requests[0] ?? '')['authorization'], 'Bearer caller-token-4711')
  t.notMatch(requests[0], TOKEN)
})

t.test('without a token of its own the client asks for nothing in nobody\'s name', async t => {
  const { origin, requests } = await listen(t, socket => socket.write(json(200, ANSWER)))
  const workersAi = connect(t, origin, { apiToken: '' })
  t.match(await failureOf(workersAi.getJson('/ai/models/search')), { kind: 'refused', status: 401 })
  t.strictSame(requests, [])
  await run(workersAi)
  t.equal(headersOf(requests[0] ?? '')['authorization'], undefined)
})

t.test('an observer hears every attempt and every body, without secrets', async t => {
  const failure = `{"success":false,"errors":[{"code":1000,"message":"${TOKEN}"}]}`
  const cases: Array<{ name: string, given: Script, stream: boolean, received: string[] }> = [
    { name: 'an answer', given: socket => socket.write(json(200, ANSWER)), stream: false, received: [ANSWER] },
    { name: 'a refusal', given: socket => socket.write(json(400, failure)), stream: false, received: [failure.replace(TOKEN, '[redacted]')] },
    { name: 'a stream', given: socket => socket.end(http(200, { 'content-type': 'text/event-stream' }, `data: ${TOKEN}\n\n`)), stream: true, received: ['data: [redacted]\n\n'] },
    { name: 'a stream that breaks', given: socket => socket.end(http(200, { 'content-type': 'text/event-stream', 'content-length': '99' }, 'data: 1\n\n')), stream: true, received: ['data: 1\n\n'] },
    { name: 'a second attempt', given: (socket, count) => socket.write(count === 1 ? json(429, BUSY) : json(200, ANSWER)), stream: false, received: [BUSY, ANSWER] }
  ]
  for (const { name, given, stream, received } of cases) {
    const { origin } = await listen(t, given)
    const heard: { sent: string[], received: string[] } = { sent: [], received: [] }
    const observer = { sent: (body: string) => { heard.sent.push(body) }, received: (body: string) => { heard.received.push(body) } }
    try {
      const answer = await connect(t, origin, { maxRetries: 1 }).run(MODEL, BODY, { signal: new AbortController().signal, form: stream ? 'events' : 'json', observer })
      if (answer.form === 'events') for (const bytes of await all<Buffer>(write => answer.body.read({ write }))) t.type(bytes, Buffer)
    } catch {
      // it fails as it does without an observer
    }
    t.strictSame(heard, { sent: received.map(() => BODY), received }, name)
  }
})

t.test('bytes are read as bytes where they are asked for, and JSON all the same', async t => {
  const image = Buffer.from([0x89, 0x50, 0xff, 0x00, 0x0a])
  const binary = (contentType: string) => http(200, { 'content-type': contentType, 'content-length': String(image.length) }, image)
  const cases: Array<{ name: string, given: Buffer, expected: object }> = [
    { name: 'an image', given: binary('image/png'), expected: { form: 'bytes', bytes: image, contentType: 'image/png' } },
    { name: 'speech', given: binary('audio/mpeg'), expected: { form: 'bytes', bytes: image, contentType: 'audio/mpeg' } },
    { name: 'bytes of no kind', given: binary('application/octet-stream'), expected: { form: 'bytes', bytes: image } },
    { name: 'JSON', given: json(200, ANSWER), expected: { form: 'json', json: JSON.parse(ANSWER) } },
    { name: 'a failure', given: json(200, BUSY), expected: { kind: 'refused', status: 200, code: 3040 } },
    { name: 'a web page', given: http(200, { 'content-type': 'text/html', 'content-length': '13' }, '<html></html>'), expected: { kind: 'malformed', status: 200 } }
  ]
  for (const { name, given, expected } of cases) {
    const { origin, requests } = await listen(t, socket => socket.write(given))
    const observed: string[] = []
    const observer = { sent: () => {}, received: (body: string) => { observed.push(body) } }
    const asked = connect(t, origin).run(MODEL, BODY, { signal: new AbortController().signal, form: 'bytes', observer })
    t.match(await asked.catch((error: unknown) => error), expected, name)
    t.equal(headersOf((requests[0] ?? '').split('\r\n\r\n')[0] ?? '')['accept'], '*/*')
    if ('bytes' in expected) t.strictSame(observed, [], 'which no observer is shown')
  }
  const { origin } = await listen(t, socket => socket.write(binary('image/png')))
  t.match(await failureOf(run(connect(t, origin))), { kind: 'malformed', message: 'Cloudflare answered 200 with something other than JSON' }, 'where JSON was asked for they are none')
})

t.test('what may pass is tried again', async t => {
  const cases: Array<{ name: string, given: Script }> = [
    { name: 'no capacity', given: socket => socket.write(json(429, BUSY)) },
    { name: 'no capacity with status 200', given: socket => socket.write(json(200, BUSY)) },
    { name: 'an internal error', given: socket => socket.write(json(500, '')) },
    { name: 'a reset', given: socket => socket.resetAndDestroy() },
    { name: 'the end of the connection', given: socket => socket.end() }
  ]
  await Promise.all(cases.map(async ({ name, given }) => {
    const { origin, requests } = await listen(t, (socket, count, request) => {
      if (count === 1) return given(socket, count, request)
      socket.write(json(200, ANSWER))
    })
    const answer = await run(connect(t, origin, { maxRetries: 2 }))
    t.equal(answer.attempts, 2, name)
    t.equal(requests[1], requests[0], `${name}: the same request again`)
  }))
})

t.test('what may not pass, or not soon, is not tried again', async t => {
  const cases: Array<{ name: string, given: Script }> = [
    { name: 'silence', given: () => {} },
    { name: 'the free allocation', given: socket => socket.write(json(429, '{"success":false,"errors":[{"code":4006,"message":"daily free allocation"}]}')) },
    { name: 'a long Retry-After', given: socket => socket.write(json(429, '{"error":"slow down"}', { 'retry-after': '60' })) },
    { name: 'a bad request', given: socket => socket.write(json(400, '{"error":"no"}')) },
    { name: 'a cut answer', given: socket => socket.end(json(200, ANSWER, { 'content-length': '1000' })) }
  ]
  for (const { name, given } of cases) {
    const { origin, requests } = await listen(t, given)
    t.type(await failureOf(run(connect(t, origin, { ...IMPATIENT, maxRetries: 5 }))), UpstreamError)
    t.equal(requests.length, 1, name)
  }
})

t.test('a client that leaves closes the upstream connection at once', async t => {
  const cases: Array<{ name: string, given: Script, stream?: true }> = [
    { name: 'before the headers', given: () => {} },
    { name: 'inside a JSON answer', given: socket => socket.write(json(200, '{', { 'content-length': '1000' })) },
    { name: 'inside a refusal', given: socket => socket.write(json(500, '{', { 'content-length': '1000' })) },
    { name: 'inside a stream', given: socket => socket.write(Buffer.concat([STREAM_HEAD, Buffer.from(chunk('data: {}\n\n'))])), stream: true }
  ]
  for (const { name, given, stream: isStream = false } of cases) {
    const { origin, requests, sockets } = await listen(t, given)
    const controller = new AbortController()
    const reason = new Error('client left')
    const workersAi = connect(t, origin, { maxRetries: 5 })
    const reading = failureOf(isStream ? stream(workersAi, controller).then(answer => textOf(answer.body)) : run(workersAi, controller))
    await sleep(100)
    const leftAt = performance.now()
    controller.abort(reason)
    t.equal(await reading, reason, `${name}: the reason is thrown as it is`)
    await closed(sockets[0])
    t.ok(performance.now() - leftAt < 1_000, `${name}: in time`)
    t.equal(requests.length, 1, `${name}: nothing is repeated`)
  }
})

t.test('a client that leaves while a retry waits ends the wait', async t => {
  const { origin, requests } = await listen(t, socket => { socket.write(json(429, BUSY, { 'retry-after': '4' })) })
  const controller = new AbortController()
  const reason = new Error('client left')
  const running = failureOf(run(connect(t, origin, { maxRetries: 5 }), { signal: controller.signal }))
  await sleep(100)
  const leftAt = performance.now()
  controller.abort(reason)
  t.equal(await running, reason)
  t.ok(performance.now() - leftAt < 500, 'at once')
  t.equal(requests.length, 1, 'nothing is repeated')
})

t.test('a client that leaves while the connection is made is not waited for', async t => {
  const { origin, sockets, server } = await listen(t, () => {})
  const connected = once(server, 'connection')
  const controller = new AbortController()
  const reason = new Error('client left')
  // The server never answers the TLS handshake.
  const running = failureOf(run(connect(t, origin.replace('http:', 'https:')), { signal: controller.signal }))
  await connected
  const leftAt = performance.now()
  controller.abort(reason)
  t.equal(await running, reason)
  t.ok(performance.now() - leftAt < 500, 'at once')
  t.equal(sockets.length, 1)
})

t.test('a client that has left already is not served', async t => {
  const { origin, sockets } = await listen(t, () => {})
  const reason = new Error('client left')
  t.equal(await failureOf(run(connect(t, origin), { signal: AbortSignal.abort(reason) })), reason)
  t.strictSame(sockets, [])
})

t.test('a stream that its reader destroys closes the upstream connection', async t => {
  for (const read of [false, true]) {
    const { origin, sockets } = await listen(t, socket => { socket.write(Buffer.concat([STREAM_HEAD, Buffer.from(chunk('data: {}\n\n'))])) })
    const answer = await stream(connect(t, origin))
    if (read) {
      await answer.body.read({
        write: bytes => {
          t.equal(bytes.toString(), 'data: {}\n\n')
          return 'cancel'
        }
      })
    }
    answer.body.destroy()
    await closed(sockets[0])
    t.pass(read ? 'while it is read' : 'unread')
  }
})

t.test('a stream that breaks is told by toStreamError', async t => {
  const started = Buffer.concat([STREAM_HEAD, Buffer.from(chunk('data: {}\n\n'))])
  const cases: Array<{ name: string, given: Script, options?: Partial<WorkersAiOptions>, expected: object }> = [
    {
      name: 'silence',
      given: socket => socket.write(started),
      options: IMPATIENT,
      expected: { kind: 'timeout', status: 0, message: 'Cloudflare went silent inside the answer' }
    },
    { name: 'the end of the connection', given: socket => socket.end(started), expected: { kind: 'truncated', status: 0, message: 'Cloudflare ended the answer before its end' } },
    {
      name: 'a reset',
      given: async socket => {
        socket.write(started)
        await sleep(50)
        socket.resetAndDestroy()
      },
      expected: { kind: 'truncated', status: 0, message: 'Cloudflare ended the answer before its end' }
    },
    { name: 'chunks that are none', given: socket => socket.write(`${started}nonsense\r\n`), expected: { kind: 'malformed', status: 0, message: 'Cloudflare answered with broken HTTP' } }
  ]
  for (const { name, given, options, expected } of cases) {
    const { origin, requests } = await listen(t, given)
    const answer = await stream(connect(t, origin, { maxRetries: 5, ...options }))
    t.strictSame(told(toStreamError(await failureOf(textOf(answer.body)))), expected, name)
    t.equal(requests.length, 1, `${name} is not repeated`)
  }
})

t.test('a slow reader gets every byte, and is not taken for silence', async t => {
  const text = 'x'.repeat(2_000_000)
  const { origin } = await listen(t, socket => { socket.write(Buffer.concat([STREAM_HEAD, Buffer.from(chunk(text) + '0\r\n\r\n')])) })
  const answer = await stream(connect(t, origin, { idleTimeoutMs: 200 }))
  await sleep(600)
  t.equal((await textOf(answer.body)).length, text.length)
})

t.test('closing ends what is under way', async t => {
  const { origin, sockets } = await listen(t, () => {})
  const workersAi = connect(t, origin)
  const running = failureOf(run(workersAi))
  await sleep(100)
  await workersAi.close()
  t.match(told(await running), { kind: 'unreachable' })
  await closed(sockets[0])
})

async function textOf (body: ResponseBody): Promise<string> {
  return Buffer.concat(await all<Buffer>(write => body.read({ write }))).toString()
}

function headersOf (head: string): Record<string, string> {
  const lines = head.split('\r\n\r\n')[0]?.split('\r\n').slice(1) ?? []
  return Object.fromEntries(lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]))
}

/** Resolves when the server's end of a connection is closed; a test that waits in vain runs into tap's timeout. */
async function closed (socket: Socket | undefined): Promise<void> {
  if (socket !== undefined && !socket.closed) await new Promise(resolve => socket.once('close', resolve))
}
