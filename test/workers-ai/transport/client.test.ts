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
import type { UpstreamCall } from '../../../src/workers-ai/transport/upstream-call.ts'
import type { ModelId } from '../../../src/workers-ai/models/model.ts'
import { freePort, waited } from '../../servers/http-client.ts'
import { chunk, http, json, LAST_CHUNK, startRawUpstream, type Asked, type Script } from '../../servers/raw-upstream.ts'
import { all } from '../../sources.ts'

const MODEL = '@cf/meta/llama-3.3-70b-instruct-fp8-fast' as ModelId
const ACCOUNT = 'account-of-tests'
const TOKEN = 'token-of-tests-0123456789'
const BODY = '{"messages":[{"role":"user","content":"hé"}]}'
const ANSWER = '{"result":{"response":"hi"},"success":true,"errors":[],"messages":[]}'
const BUSY = '{"result":null,"success":false,"errors":[{"code":3040,"message":"Capacity temporarily exceeded"}]}'

// Most of these tests wait for a timeout.
t.jobs = 4

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

const STREAM_HEAD = http(200, { 'content-type': 'text/event-stream; charset=utf-8', 'transfer-encoding': 'chunked' })

function zipped (status: number, body: string, headers: Record<string, string> = {}): Buffer {
  const bytes = gzipSync(body)
  return http(status, { ...headers, 'content-encoding': 'gzip', 'content-length': String(bytes.length) }, bytes)
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
  const { url, asked } = await startRawUpstream(t, () => [json(ANSWER, 200, { 'cf-ai-req-id': 'r1', 'cf-ai-neurons': '1.98', 'CF-Ray': 'ray', 'cf-aig-log-id': 'log', 'set-cookie': 'a=b', server: 'cloudflare' })])
  const answer = await run(connect(t, url))

  t.equal(answer.status, 200)
  t.equal(answer.attempts, 1)
  t.strictSame(answer.headers, { 'cf-ai-req-id': 'r1', 'cf-ai-neurons': '1.98', 'cf-ray': 'ray', 'cf-aig-log-id': 'log' }, 'with the headers that are worth passing on')
  t.match(answer, { form: 'json', json: JSON.parse(ANSWER) })

  const { head = '', body } = asked[0] ?? {}
  t.match(head, `POST /client/v4/accounts/${ACCOUNT}/ai/run/${MODEL} HTTP/1.1\r\n`)
  t.equal(body, BODY)
  t.strictSame(headersOf(head), {
    host: url.slice('http://'.length),
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
  const { url, asked } = await startRawUpstream(t, (_asked, count) => [count === 1 ? json(BUSY, 429) : json(ANSWER)])
  const heard: string[] = []
  const observer = { sent: (body: string) => { heard.push(body) }, received: () => {} }
  const answer = await connect(t, url, { maxRetries: 1 }).run(MODEL, pieces.map(piece => Buffer.from(piece)), { signal: new AbortController().signal, form: 'json', observer })
  t.match(answer, { attempts: 2, json: JSON.parse(ANSWER) })
  t.equal(asked.length, 2)
  for (const { head, body } of asked) {
    t.equal(headersOf(head)['content-length'], String(Buffer.byteLength(whole)))
    t.notMatch(head, /transfer-encoding/i)
    t.ok(body === whole, 'to the letter')
  }
  t.ok(heard.length === 2 && heard.every(body => body === whole), 'and told as one')
})

t.test('an answer that comes before a body in pieces was read is heard, and an abort ends the sending', async t => {
  const pieces = [Buffer.from('{"prompt":"'), Buffer.alloc(8_000_000, 'x'), Buffer.from('"}')]
  const hasty = await startRawUpstream(t, () => [], { early: () => [json('{"success":false,"errors":[{"code":5021,"message":"too long"}]}', 413)] })
  const early = await failureOf(connect(t, hasty.url).run(MODEL, pieces, { signal: new AbortController().signal, form: 'json' }))
  t.match(told(early), { kind: 'refused', status: 413, code: 5021 })

  const silent = await startRawUpstream(t, () => [], { early: () => [] })
  const workersAi = connect(t, silent.url)
  const controller = new AbortController()
  const aborted = failureOf(workersAi.run(MODEL, pieces, { signal: controller.signal, form: 'json' }))
  await sleep(50)
  controller.abort(new Error('the client left'))
  t.match(await aborted, { message: 'the client left' })
})

t.test('a stream is answered at its headers', async t => {
  const { url, asked, connections } = await startRawUpstream(t, () => [STREAM_HEAD, 50, chunk('data: {"response":"h'), chunk('i"}\n\ndata: [DONE]\n\n') + LAST_CHUNK])
  const workersAi = connect(t, url)
  for (const n of [1, 2]) {
    const answer = await stream(workersAi)
    t.equal(await textOf(answer.body), 'data: {"response":"hi"}\n\ndata: [DONE]\n\n', `reading ${n}`)
    await sleep(10)
  }
  t.match(asked[0]?.head, /\r\naccept: text\/event-stream, application\/json\r\n/)
  t.equal(connections(), 1, 'the connection is used again')
})

t.test('a stream that is asked for its JSON says that it holds none', async t => {
  const { url } = await startRawUpstream(t, () => [Buffer.concat([STREAM_HEAD, Buffer.from(chunk('data: {}\n\n') + LAST_CHUNK)])])
  const answer = await stream(connect(t, url))
  t.strictSame(told(await failureOf(toWholeJson(answer))), { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with something other than JSON' })
})

t.test('session affinity goes along when a header can carry it', async t => {
  const { url, asked } = await startRawUpstream(t, () => [json(ANSWER)])
  const workersAi = connect(t, url)
  const { signal } = new AbortController()
  for (const sessionAffinity of ['ses_1', 'a\r\nx-evil: 1', 'é', '', 'x'.repeat(257)]) {
    await workersAi.run(MODEL, BODY, { signal, form: 'json', sessionAffinity })
  }
  t.strictSame(asked.map(({ head }) => headersOf(head)['x-session-affinity']), ['ses_1', undefined, undefined, undefined, undefined])
  t.notMatch(asked.map(({ head, body }) => head + body).join(''), 'evil')
})

t.test('words for the simulator reach nobody else', async t => {
  const { url, asked } = await startRawUpstream(t, () => [json(ANSWER)])
  const { signal } = new AbortController()
  for (const isSimulator of [undefined, false, true]) {
    const workersAi = connect(t, url, isSimulator === undefined ? {} : { isSimulator })
    for (const simulatorWords of ['say hi', ['say hi', 'say ho'], undefined]) {
      await workersAi.run(MODEL, BODY, { signal, form: 'json', simulatorWords })
    }
  }
  const heard = asked.map(({ head }) => headersOf(head)['x-simulator'])
  t.strictSame(heard, [...Array.from({ length: 6 }, () => undefined), 'say hi', undefined, undefined])
})

t.test('an AI Gateway is told what to keep, and for whom a run is', async t => {
  const gateway = await startRawUpstream(t, () => [json(ANSWER, 200, { 'cf-ai-neurons': '1.98', 'cf-aig-cache-status': 'HIT' })])
  const options = { cacheTtlSeconds: 3600, logPayload: false, metadata: { key: '{key}', team: 'é' }, zdr: true }
  const workersAi = connect(t, gateway.url, { gateway: { id: 'g', baseUrl: `${gateway.url}/v1`, options } })
  const calls: UpstreamCall[] = []
  const origin = { keyLabel: 'ann', route: '/v1/chat/completions' }
  const answer = await workersAi.run(MODEL, BODY, { signal: new AbortController().signal, form: 'json', origin, calls })
  t.match(headersOf(gateway.asked[0]?.head ?? ''), {
    'cf-aig-cache-ttl': '3600',
    'cf-aig-collect-log-payload': 'false',
    'cf-aig-metadata': '{"key":"ann","team":"\\u00e9"}',
    'cf-aig-zdr': 'true'
  })
  t.equal(answer.headers['cf-ai-neurons'], '0', 'what it repeats costs nothing')
  t.match(calls, [{ neurons: 0, isCacheHit: true }])
})

t.test('an AI Gateway carries the runs, and the API the listing', async t => {
  const api = await startRawUpstream(t, () => [], { listing: () => [json('{"success":true,"result":[]}')] })
  const gateway = await startRawUpstream(t, () => [json(ANSWER)])
  const workersAi = connect(t, api.url, { gateway: { id: 'my gw', token: 'gateway-token', baseUrl: `${gateway.url}/v1` } })

  t.match(await run(workersAi), { json: JSON.parse(ANSWER) })
  t.match(gateway.asked[0]?.head, `POST /v1/${ACCOUNT}/my%20gw/workers-ai/${MODEL} HTTP/1.1\r\n`)
  t.match(headersOf(gateway.asked[0]?.head ?? ''), { authorization: `Bearer ${TOKEN}`, 'cf-aig-authorization': 'Bearer gateway-token', 'cf-aig-max-attempts': '1' })

  t.strictSame(await workersAi.getJson('/ai/models/search', { per_page: '100', search: 'a b' }), { success: true, result: [] })
  t.match(api.asked[0]?.head, `GET /client/v4/accounts/${ACCOUNT}/ai/models/search?per_page=100&search=a+b HTTP/1.1\r\n`)
  t.equal(headersOf(api.asked[0]?.head ?? '')['cf-aig-authorization'], undefined)
})

t.test('getJson tells of refusals', async t => {
  const { url, asked } = await startRawUpstream(t, () => [], { listing: () => [json('{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}', 403)] })
  const error = await failureOf(connect(t, url, { maxRetries: 2 }).getJson('/ai/models/search'))
  t.strictSame(told(error), { kind: 'refused', status: 403, code: 10000, message: 'Authentication error' })
  t.equal(asked.length, 1)
})

t.test('whatever comes instead of an answer becomes one clear error', async t => {
  const page = '<!DOCTYPE html><html><title>502 Bad Gateway</title></html>'
  const cases: Array<{ name: string, given: Script, options?: Partial<WorkersAiOptions>, expected: object }> = [
    {
      name: 'a reset before the answer',
      given: () => ['RESET'],
      expected: { kind: 'unreachable', status: 0, message: 'No answer from Cloudflare: the connection failed (ECONNRESET)' }
    },
    {
      name: 'the end of the connection before the answer',
      given: () => ['FIN'],
      expected: { kind: 'unreachable', status: 0, message: 'No answer from Cloudflare: the connection failed (UND_ERR_SOCKET)' }
    },
    {
      name: 'the end of the connection inside the headers',
      given: () => ['HTTP/1.1 200 OK\r\ncontent-ty', 'FIN'],
      expected: { kind: 'unreachable', status: 0, message: 'No answer from Cloudflare: the connection failed (UND_ERR_SOCKET)' }
    },
    { name: 'silence', given: () => [], options: IMPATIENT, expected: { kind: 'timeout', status: 0, message: 'Cloudflare did not begin to answer within 0.3 s' } },
    { name: 'another protocol', given: () => ['SSH-2.0-OpenSSH_9.6\r\n', 'FIN'], expected: { kind: 'malformed', status: 0, message: 'Cloudflare answered with broken HTTP' } },
    {
      name: 'headers without end',
      given: () => [`HTTP/1.1 200 OK\r\n${`x-filler: ${'y'.repeat(1_000)}\r\n`.repeat(300)}\r\n`],
      expected: { kind: 'malformed', status: 0, message: 'Cloudflare answered with broken HTTP' }
    },
    { name: 'a 100 nobody waited for', given: () => [http(100, {})], expected: { kind: 'malformed', status: 0, message: 'Cloudflare answered with broken HTTP' } },
    {
      name: 'another protocol offered',
      given: () => [http(101, { connection: 'upgrade', upgrade: 'websocket' })],
      expected: { kind: 'malformed', status: 0, message: 'Cloudflare answered with broken HTTP' }
    },
    { name: 'no content', given: () => [http(204, {})], expected: { kind: 'malformed', status: 204, message: 'Cloudflare answered 204 where a whole answer was expected' } },
    {
      name: 'part of an answer',
      given: () => [json(ANSWER, 206, { 'content-range': 'bytes 0-68/100' })],
      expected: { kind: 'malformed', status: 206, message: 'Cloudflare answered 206 where a whole answer was expected' }
    },
    { name: 'an empty answer', given: () => [json('')], expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with an empty body' } },
    {
      name: 'a web page with status 200',
      given: () => [json(page, 200, { 'content-type': 'text/html' })],
      expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with a web page instead of JSON' }
    },
    { name: 'JSON that is cut', given: () => [json(ANSWER.slice(0, -5))], expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with JSON that does not parse' } },
    { name: 'JSON that is no object', given: () => [json('"hi"')], expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with something other than JSON' } },
    {
      name: 'a compressed answer',
      given: () => [zipped(200, ANSWER, { 'content-type': 'application/json' })],
      expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with a compressed body that was not asked for' }
    },
    {
      name: 'a compressed stream',
      given: () => [http(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip, br', 'content-length': '100' })],
      expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with a compressed body that was not asked for' }
    },
    {
      name: 'the end of the connection inside a body of known length',
      given: () => [json(ANSWER.slice(0, -5), 200, { 'content-length': '1000' }), 'FIN'],
      expected: { kind: 'truncated', status: 0, message: 'Cloudflare ended the answer before its end' }
    },
    {
      name: 'the end of the connection inside a chunked body',
      given: () => [http(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }, chunk(ANSWER)), 'FIN'],
      expected: { kind: 'truncated', status: 0, message: 'Cloudflare ended the answer before its end' }
    },
    {
      name: 'the end of a connection that was announced inside a chunked body',
      given: () => [http(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked', connection: 'close' }, chunk(ANSWER)), 'FIN'],
      expected: { kind: 'truncated', status: 0, message: 'Cloudflare ended the answer before its end' }
    },
    {
      name: 'a reset inside the body',
      given: () => [json(ANSWER.slice(0, -5), 200, { 'content-length': '1000' }), 50, 'RESET'],
      expected: { kind: 'truncated', status: 0, message: 'Cloudflare ended the answer before its end' }
    },
    {
      name: 'silence inside the body',
      given: () => [json(ANSWER.slice(0, -5), 200, { 'content-length': '1000' })],
      options: IMPATIENT,
      expected: { kind: 'timeout', status: 0, message: 'Cloudflare went silent for 0.3 s inside the answer' }
    },
    {
      name: 'chunks that are none',
      given: () => [http(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }, `${chunk('{"a":')}nonsense\r\n`)],
      expected: { kind: 'malformed', status: 0, message: 'Cloudflare answered with broken HTTP' }
    },
    { name: 'a failure with status 200', given: () => [json(BUSY)], expected: { kind: 'refused', status: 200, code: 3040, message: 'Capacity temporarily exceeded' } },
    {
      name: 'a refusal',
      given: () => [json('{"success":false,"result":{},"errors":[{"code":4006,"message":"AiError: you have used up your daily free allocation"}]}', 429, { 'retry-after': '7' })],
      expected: { kind: 'refused', status: 429, code: 4006, message: 'you have used up your daily free allocation', retryAfter: 7 }
    },
    {
      name: 'a web page of the edge',
      given: () => [json(page, 502, { 'content-type': 'text/html' })],
      expected: { kind: 'refused', status: 502, message: 'Cloudflare answered 502 with a web page instead of JSON' }
    },
    {
      name: 'a compressed refusal',
      given: () => [zipped(429, BUSY)],
      expected: { kind: 'refused', status: 429, message: 'Cloudflare answered 429 with an empty body' }
    },
    {
      name: 'a refusal whose body never comes',
      given: () => [json('', 500, { 'content-length': '1000' })],
      options: IMPATIENT,
      expected: { kind: 'refused', status: 500, message: 'Cloudflare answered 500 with an empty body' }
    },
    {
      name: 'a status beyond the known',
      given: () => [json('{"error":"odd"}', 999)],
      expected: { kind: 'refused', status: 999, message: 'odd' }
    }
  ]
  await Promise.all(cases.map(async ({ name, given, options, expected }) => {
    const { url, asked } = await startRawUpstream(t, given)
    t.strictSame(told(await failureOf(run(connect(t, url, options)))), expected, name)
    t.equal(asked.length, 1, `${name} is asked for once`)
  }))
})

t.test('nobody listening is told apart from a refusal', async t => {
  const error = await failureOf(run(connect(t, `http://127.0.0.1:${await freePort()}`, { maxRetries: 1 })))
  t.strictSame(told(error), { kind: 'unreachable', status: 0, message: 'No answer from Cloudflare: the connection failed (ECONNREFUSED)' })
  t.match((error as Error).cause, { code: 'ECONNREFUSED' }, 'the cause is kept')
})

t.test('a redirect is not followed, and the token goes nowhere else', async t => {
  const other = await startRawUpstream(t, () => [json(ANSWER)])
  for (const status of [301, 302, 303, 307, 308]) {
    const { url, asked } = await startRawUpstream(t, () => [http(status, { location: `${other.url}/steal`, 'content-length': '0' })])
    const error = await failureOf(run(connect(t, url, { maxRetries: 2 })))
    t.strictSame(told(error), { kind: 'malformed', status, message: `Cloudflare answered ${status}, and redirects are not followed` })
    t.equal(asked.length, 1)
  }
  t.strictSame(other.asked, [])
})

t.test('large bodies are not read to their end', async t => {
  const cases = [
    { name: 'an answer', given: 200, expected: { kind: 'malformed', status: 200, message: 'Cloudflare answered 200 with more than 32 MiB' } },
    { name: 'a refusal', given: 500, expected: { kind: 'refused', status: 500, message: 'Cloudflare answered 500 with JSON that does not parse' } }
  ]
  for (const { name, given, expected } of cases) {
    const { url, asked } = await startRawUpstream(t, () => [
      http(given, { 'content-type': 'application/json', 'content-length': '200000000' }, '{"errors":["'),
      { again: Buffer.alloc(1024 * 1024, 'x'), times: 190 }
    ])
    t.strictSame(told(await failureOf(run(connect(t, url)))), expected, name)
    await closed(asked[0])
    t.ok((asked[0]?.sent ?? Infinity) < 100_000_000, `${name} is left at the limit`)
  }
})

t.test('a refusal that drips is not waited for', async t => {
  const { url, asked } = await startRawUpstream(t, () => [json('', 503, { 'content-length': '100000' }), { again: 'x', times: Infinity, until: () => sleep(100, false) }])
  const error = await failureOf(run(connect(t, url)))
  t.strictSame(told(error), { kind: 'refused', status: 503, message: 'Cloudflare answered 503 with something other than JSON' })
  await closed(asked[0])
})

t.test('credentials that come back are not passed on', async t => {
  const base64 = Buffer.from(TOKEN).toString('base64')
  const echo = `request by ${ACCOUNT} with Bearer ${TOKEN} or ${TOKEN} (${base64})`
  const cases: Array<{ name: string, given: Script }> = [
    { name: 'in a refusal', given: () => [json(JSON.stringify({ errors: [{ message: echo }] }), 400)] },
    { name: 'in a failure with status 200', given: () => [json(JSON.stringify({ success: false, errors: [{ message: echo }] }))] },
    { name: 'in place of headers', given: () => [`HTTP/1.1 200 OK\r\n${echo}\r\n\r\n`, 'FIN'] },
    { name: 'in place of chunks', given: () => [http(200, { 'transfer-encoding': 'chunked' }, echo), 'FIN'] },
    { name: 'not at all, in a reset', given: () => ['RESET'] },
    { name: 'not at all, in silence', given: () => [] }
  ]
  for (const { name, given } of cases) {
    const { url } = await startRawUpstream(t, given)
    const error = await failureOf(run(connect(t, url, IMPATIENT)))
    t.type(error, UpstreamError)
    const everything = inspect(error, { depth: Infinity, showHidden: true }).replaceAll(import.meta.filename, '')
    for (const secret of [TOKEN, TOKEN.slice(0, 8), base64, ACCOUNT]) t.notOk(everything.includes(secret), `${name}: ${secret}`)
  }
})

t.test('nor are they in a header, or a part of them, or in base64 beside something else', async t => {
  const echoes = [TOKEN, `Bearer ${TOKEN}`, TOKEN.slice(0, 8), `…${TOKEN.slice(-10)}`, btoa(`Bearer ${TOKEN}`)]
  for (const echo of echoes) {
    const { url } = await startRawUpstream(t, () => [json(ANSWER, 200, { 'cf-ray': echo, 'cf-ai-req-id': 'plain' })])
    const answer = await run(connect(t, url))
    t.strictSame(answer.headers, { 'cf-ai-req-id': 'plain' }, echo)
    t.match(answer.redact(`it said ${echo}`), /^it said .*\[redacted\]/, `${echo} in an answer`)
  }
})

t.test('a caller\'s token goes in place of the client\'s own, and is as secret', async t => {
  const { url, asked } = await startRawUpstream(t, () => [json('{"errors":[{"code":10000,"message":"token caller-token-4711 is not valid"}]}', 401)])
  const workersAi = connect(t, url)
  const error = await failureOf(workersAi.run(MODEL, BODY, { signal: new AbortController().signal, form: 'json', apiToken: 'caller-token-4711' }))
  t.match(error, { message: 'token [redacted] is not valid', code: 10000 })
  t.equal(headersOf(asked[0]?.head ?? '')['authorization'], 'Bearer caller-token-4711')
  t.notMatch(asked[0]?.head, TOKEN)
})

t.test('without a token of its own the client asks for nothing in nobody\'s name', async t => {
  const { url, asked } = await startRawUpstream(t, () => [json(ANSWER)])
  const workersAi = connect(t, url, { apiToken: '' })
  t.match(await failureOf(workersAi.getJson('/ai/models/search')), { kind: 'refused', status: 401 })
  t.strictSame(asked, [])
  await run(workersAi)
  t.equal(headersOf(asked[0]?.head ?? '')['authorization'], undefined)
})

t.test('an observer hears every attempt and every body, without secrets', async t => {
  const failure = `{"success":false,"errors":[{"code":1000,"message":"${TOKEN}"}]}`
  const cases: Array<{ name: string, given: Script, stream: boolean, received: string[] }> = [
    { name: 'an answer', given: () => [json(ANSWER)], stream: false, received: [ANSWER] },
    { name: 'a refusal', given: () => [json(failure, 400)], stream: false, received: [failure.replace(TOKEN, '[redacted]')] },
    { name: 'a stream', given: () => [http(200, { 'content-type': 'text/event-stream' }, `data: ${TOKEN}\n\n`), 'FIN'], stream: true, received: ['data: [redacted]\n\n'] },
    { name: 'a stream that breaks', given: () => [http(200, { 'content-type': 'text/event-stream', 'content-length': '99' }, 'data: 1\n\n'), 'FIN'], stream: true, received: ['data: 1\n\n'] },
    { name: 'a second attempt', given: (_asked, count) => [count === 1 ? json(BUSY, 429) : json(ANSWER)], stream: false, received: [BUSY, ANSWER] }
  ]
  for (const { name, given, stream, received } of cases) {
    const { url } = await startRawUpstream(t, given)
    const heard: { sent: string[], received: string[] } = { sent: [], received: [] }
    const observer = { sent: (body: string) => { heard.sent.push(body) }, received: (body: string) => { heard.received.push(body) } }
    try {
      const answer = await connect(t, url, { maxRetries: 1 }).run(MODEL, BODY, { signal: new AbortController().signal, form: stream ? 'events' : 'json', observer })
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
    { name: 'JSON', given: json(ANSWER), expected: { form: 'json', json: JSON.parse(ANSWER) } },
    { name: 'a failure', given: json(BUSY), expected: { kind: 'refused', status: 200, code: 3040 } },
    { name: 'a web page', given: http(200, { 'content-type': 'text/html', 'content-length': '13' }, '<html></html>'), expected: { kind: 'malformed', status: 200 } }
  ]
  for (const { name, given, expected } of cases) {
    const { url, asked } = await startRawUpstream(t, () => [given])
    const observed: string[] = []
    const observer = { sent: () => {}, received: (body: string) => { observed.push(body) } }
    const running = connect(t, url).run(MODEL, BODY, { signal: new AbortController().signal, form: 'bytes', observer })
    t.match(await running.catch((error: unknown) => error), expected, name)
    t.equal(headersOf(asked[0]?.head ?? '')['accept'], '*/*')
    if ('bytes' in expected) t.strictSame(observed, [], 'which no observer is shown')
  }
  const { url } = await startRawUpstream(t, () => [binary('image/png')])
  t.match(await failureOf(run(connect(t, url))), { kind: 'malformed', message: 'Cloudflare answered 200 with something other than JSON' }, 'where JSON was asked for they are none')
})

t.test('what may pass is tried again', async t => {
  const cases: Array<{ name: string, given: Script }> = [
    { name: 'no capacity', given: () => [json(BUSY, 429)] },
    { name: 'no capacity with status 200', given: () => [json(BUSY)] },
    { name: 'an internal error', given: () => [json('', 500)] },
    { name: 'a reset', given: () => ['RESET'] },
    { name: 'the end of the connection', given: () => ['FIN'] }
  ]
  await Promise.all(cases.map(async ({ name, given }) => {
    const { url, asked } = await startRawUpstream(t, (request, count) => count === 1 ? given(request, count) : [json(ANSWER)])
    const answer = await run(connect(t, url, { maxRetries: 2 }))
    t.equal(answer.attempts, 2, name)
    t.strictSame([asked[1]?.head, asked[1]?.body], [asked[0]?.head, asked[0]?.body], `${name}: the same request again`)
  }))
})

t.test('what may not pass, or not soon, is not tried again', async t => {
  const cases: Array<{ name: string, given: Script }> = [
    { name: 'silence', given: () => [] },
    { name: 'the free allocation', given: () => [json('{"success":false,"errors":[{"code":4006,"message":"daily free allocation"}]}', 429)] },
    { name: 'a long Retry-After', given: () => [json('{"error":"slow down"}', 429, { 'retry-after': '60' })] },
    { name: 'a bad request', given: () => [json('{"error":"no"}', 400)] },
    { name: 'a cut answer', given: () => [json(ANSWER, 200, { 'content-length': '1000' }), 'FIN'] }
  ]
  for (const { name, given } of cases) {
    const { url, asked } = await startRawUpstream(t, given)
    t.type(await failureOf(run(connect(t, url, { ...IMPATIENT, maxRetries: 5 }))), UpstreamError)
    t.equal(asked.length, 1, name)
  }
})

t.test('a client that leaves closes the upstream connection at once', async t => {
  const cases: Array<{ name: string, given: Script, stream?: true }> = [
    { name: 'before the headers', given: () => [] },
    { name: 'inside a JSON answer', given: () => [json('{', 200, { 'content-length': '1000' })] },
    { name: 'inside a refusal', given: () => [json('{', 500, { 'content-length': '1000' })] },
    { name: 'inside a stream', given: () => [Buffer.concat([STREAM_HEAD, Buffer.from(chunk('data: {}\n\n'))])], stream: true }
  ]
  for (const { name, given, stream: isStream = false } of cases) {
    const { url, asked } = await startRawUpstream(t, given)
    const controller = new AbortController()
    const reason = new Error('client left')
    const workersAi = connect(t, url, { maxRetries: 5 })
    const reading = failureOf(isStream ? stream(workersAi, controller).then(answer => textOf(answer.body)) : run(workersAi, controller))
    await sleep(100)
    const leftAt = performance.now()
    controller.abort(reason)
    t.equal(await reading, reason, `${name}: the reason is thrown as it is`)
    await closed(asked[0])
    t.ok(performance.now() - leftAt < 1_000, `${name}: in time`)
    t.equal(asked.length, 1, `${name}: nothing is repeated`)
  }
})

t.test('a client that leaves while a retry waits ends the wait', async t => {
  const { url, asked } = await startRawUpstream(t, () => [json(BUSY, 429, { 'retry-after': '4' })])
  const controller = new AbortController()
  const reason = new Error('client left')
  const running = failureOf(run(connect(t, url, { maxRetries: 5 }), { signal: controller.signal }))
  await sleep(100)
  const leftAt = performance.now()
  controller.abort(reason)
  t.equal(await running, reason)
  t.ok(performance.now() - leftAt < 500, 'at once')
  t.equal(asked.length, 1, 'nothing is repeated')
})

t.test('a client that leaves while the connection is made is not waited for', async t => {
  const { url, connections } = await startRawUpstream(t, () => [])
  const controller = new AbortController()
  const reason = new Error('client left')
  // The server never answers the TLS handshake.
  const running = failureOf(run(connect(t, url.replace('http:', 'https:')), { signal: controller.signal }))
  await waited(() => connections() === 1)
  const leftAt = performance.now()
  controller.abort(reason)
  t.equal(await running, reason)
  t.ok(performance.now() - leftAt < 500, 'at once')
  t.equal(connections(), 1)
})

t.test('a client that has left already is not served', async t => {
  const { url, connections } = await startRawUpstream(t, () => [])
  const reason = new Error('client left')
  t.equal(await failureOf(run(connect(t, url), { signal: AbortSignal.abort(reason) })), reason)
  t.equal(connections(), 0)
})

t.test('a stream that its reader destroys closes the upstream connection', async t => {
  for (const read of [false, true]) {
    const { url, asked } = await startRawUpstream(t, () => [Buffer.concat([STREAM_HEAD, Buffer.from(chunk('data: {}\n\n'))])])
    const answer = await stream(connect(t, url))
    if (read) {
      await answer.body.read({
        write: bytes => {
          t.equal(bytes.toString(), 'data: {}\n\n')
          return 'cancel'
        }
      })
    }
    answer.body.destroy()
    await closed(asked[0])
    t.pass(read ? 'while it is read' : 'unread')
  }
})

t.test('a stream that breaks is told by toStreamError', async t => {
  const started = Buffer.concat([STREAM_HEAD, Buffer.from(chunk('data: {}\n\n'))])
  const cases: Array<{ name: string, given: Script, options?: Partial<WorkersAiOptions>, expected: object }> = [
    {
      name: 'silence',
      given: () => [started],
      options: IMPATIENT,
      expected: { kind: 'timeout', status: 0, message: 'Cloudflare went silent inside the answer' }
    },
    { name: 'the end of the connection', given: () => [started, 'FIN'], expected: { kind: 'truncated', status: 0, message: 'Cloudflare ended the answer before its end' } },
    {
      name: 'a reset',
      given: () => [started, 50, 'RESET'],
      expected: { kind: 'truncated', status: 0, message: 'Cloudflare ended the answer before its end' }
    },
    { name: 'chunks that are none', given: () => [`${started}nonsense\r\n`], expected: { kind: 'malformed', status: 0, message: 'Cloudflare answered with broken HTTP' } }
  ]
  for (const { name, given, options, expected } of cases) {
    const { url, asked } = await startRawUpstream(t, given)
    const answer = await stream(connect(t, url, { maxRetries: 5, ...options }))
    t.strictSame(told(toStreamError(await failureOf(textOf(answer.body)))), expected, name)
    t.equal(asked.length, 1, `${name} is not repeated`)
  }
})

t.test('a slow reader gets every byte, and is not taken for silence', async t => {
  const text = 'x'.repeat(2_000_000)
  const { url } = await startRawUpstream(t, () => [Buffer.concat([STREAM_HEAD, Buffer.from(chunk(text) + LAST_CHUNK)])])
  const answer = await stream(connect(t, url, { idleTimeoutMs: 200 }))
  await sleep(600)
  t.equal((await textOf(answer.body)).length, text.length)
})

t.test('closing ends what is under way', async t => {
  const { url, asked } = await startRawUpstream(t, () => [])
  const workersAi = connect(t, url)
  const running = failureOf(run(workersAi))
  await sleep(100)
  await workersAi.close()
  t.match(told(await running), { kind: 'unreachable' })
  await closed(asked[0])
})

async function textOf (body: ResponseBody): Promise<string> {
  return Buffer.concat(await all<Buffer>(write => body.read({ write }))).toString()
}

function headersOf (head: string): Record<string, string> {
  const lines = head.split('\r\n\r\n')[0]?.split('\r\n').slice(1) ?? []
  return Object.fromEntries(lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]))
}

/** Resolves once the connection of a request is closed, whichever side did it. */
async function closed (request: Asked | undefined): Promise<void> {
  await waited(() => request?.isClosed === true, 60_000)
}
