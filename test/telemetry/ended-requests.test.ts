import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import { readEndedRequests, type EndedRequest, type RequestReader } from '../../src/telemetry/ended-requests.ts'
import { askRaw, waited } from '../servers/http-client.ts'
import { startRecordedUpstream, toAnswer, toEvents } from '../servers/recorded-upstream.ts'
import { ask, GLM, LLAMA, MISTRAL, post, saying, startProxy, type Proxy } from '../servers/start-proxy.ts'

interface Readable extends Proxy {
  ended: EndedRequest[]
  /** The next request that ends. */
  next: () => Promise<EndedRequest>
}

/** A proxy whose ended requests a test reads. */
async function startRead (t: Test, env: Record<string, string> = {}): Promise<Readable> {
  const ended: EndedRequest[] = []
  const reader: RequestReader = { name: 'test', readsCalls: true, read: one => { ended.push(one) } }
  const proxy = await startProxy(t, env, {}, { readers: [reader] })
  let read = 0
  return {
    ...proxy,
    ended,
    next: async () => {
      await waited(() => ended.length > read)
      return ended[read++] as EndedRequest
    }
  }
}

/** Leaves a stream after its first bytes. */
async function leave (proxy: Proxy, body: object): Promise<void> {
  const left = new AbortController()
  const response = await ask(proxy, body, { signal: left.signal })
  await response.body?.getReader().read()
  left.abort()
}

t.test('each request is read once, however it ends', async t => {
  const proxy = await startRead(t, { API_KEYS: 'team:k,k2' })
  const headers = { authorization: 'Bearer k' }
  const cases: Array<{ name: string, run: () => Promise<unknown>, expected: object }> = [
    { name: 'served', run: async () => (await ask(proxy, saying('say hi'), { headers })).text(), expected: { route: '/v1/chat/completions', method: 'POST', status: 200, isAborted: false, record: { keyLabel: 'team', model: LLAMA } } },
    { name: 'streamed', run: async () => (await ask(proxy, saying('say hi', { stream: true }), { headers: { authorization: 'Bearer k2' } })).text(), expected: { status: 200, isAborted: false, record: { keyLabel: 'unnamed' } } },
    { name: 'refused', run: async () => (await ask(proxy, saying('say hi', { n: 0 }), { headers })).text(), expected: { status: 400, record: { error: Error } } },
    { name: 'refused for want of a key', run: async () => (await ask(proxy, saying('say hi'))).text(), expected: { route: '/v1/chat/completions', status: 401, record: { keyLabel: 'none' } } },
    { name: 'failed', run: async () => (await ask(proxy, saying('fail with code 4006'), { headers })).text(), expected: { status: 429, record: { error: Error } } },
    { name: 'broken', run: async () => (await ask(proxy, saying('break after 3 frames, say 10 words', { stream: true }), { headers })).text(), expected: { status: 200, record: { error: Error } } },
    { name: 'of no route', run: () => askRaw(proxy, '/nope', { headers }), expected: { route: 'unknown', method: 'GET', status: 404 } },
    {
      name: 'abandoned in a stream',
      run: async () => {
        const left = new AbortController()
        const response = await ask(proxy, saying('stall after 3 frames, say 10 words', { stream: true }), { headers, signal: left.signal })
        await response.body?.getReader().read()
        left.abort()
      },
      expected: { status: 499, isAborted: true }
    },
    {
      name: 'abandoned before an answer',
      run: async () => {
        const left = new AbortController()
        const response = ask(proxy, saying('stall'), { headers, signal: left.signal })
        await waited(() => proxy.simulator.requests.some(({ body }) => JSON.stringify(body).includes('"stall"')))
        left.abort()
        await response.catch(() => {})
      },
      expected: { status: 499, isAborted: true }
    }
  ]
  for (const { name, run, expected } of cases) {
    await run()
    t.match(await proxy.next(), { isCounted: true, elapsedMs: Number, ...expected }, name)
  }
  await askRaw(proxy, '/health')
  await (await ask(proxy, saying('say hi'), { headers })).text()
  await proxy.next()
  t.equal(proxy.ended.length, cases.length + 1, 'and none twice; health checks are not read')
})

t.test('a reader that throws is named, and hurts nobody', async t => {
  const read: string[] = []
  const readers: RequestReader[] = [
    { name: 'broken', read: () => { throw new Error('sesame') } },
    { name: 'sound', read: ({ route }) => { read.push(route) } }
  ]
  const proxy = await startProxy(t, {}, {}, { readers })
  const response = await ask(proxy, saying('say hi'))
  t.equal(response.status, 200)
  await response.text()
  await waited(() => read.length === 1)
  const line = proxy.lines().find(({ reader }) => reader !== undefined)
  t.match(line, { level: 50, reader: 'broken', msg: 'a reader of ended requests has failed', err: { stack: String } })
  t.notMatch(proxy.log(), /sesame/)
})

t.test('calls are noted only where somebody reads them', async t => {
  for (const readsCalls of [false, true]) {
    const app = fastify()
    t.teardown(() => app.close())
    readEndedRequests(app, [{ name: 'test', readsCalls, read: () => {} }])
    app.get('/', async ({ record }) => ({ isNoted: record.calls !== undefined }))
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    t.strictSame(await (await fetch(url)).json(), { isNoted: readsCalls })
  }
})

t.test('every call a request leads to is in its record, with what Cloudflare says of its bill', async t => {
  const proxy = await startRead(t, {
    MODEL_FALLBACKS: JSON.stringify({ [MISTRAL]: [LLAMA] }),
    UPSTREAM_HEADERS_TIMEOUT_MS: '300',
    UPSTREAM_IDLE_TIMEOUT_MS: '300'
  })
  const ok = { model: LLAMA, account: 'default', attempt: 1, outcome: 'ok', usage: { promptTokens: Number, completionTokens: Number }, estimate: undefined }
  const billed = { ...ok, neurons: Number }
  const failed = { usage: undefined, neurons: undefined, estimate: undefined }
  const cases: Array<{ name: string, path?: string, body: object, calls: object[], record?: object }> = [
    { name: 'a plain answer', body: saying('say one two'), calls: [billed] },
    { name: 'a stream', body: saying('say one two', { stream: true }), calls: [ok] },
    { name: 'a stream of frames with choices', body: saying('say one two', { model: GLM, stream: true }), calls: [{ ...ok, model: GLM }] },
    { name: 'a stream that its stop sequence ends', body: saying('say one two three four five six seven', { stream: true, stop: ['three'] }), calls: [{ outcome: 'ok' }] },
    { name: 'a retry', body: saying('fail 1 times with 502 then say hi'), calls: [{ ...failed, model: LLAMA, attempt: 1, outcome: 'http_5xx' }, { ...billed, attempt: 2 }] },
    { name: 'a refusal', body: saying('fail with code 4006'), calls: [{ ...failed, outcome: 'code_4006' }] },
    { name: 'several choices', body: saying('say one two', { n: 3 }), calls: [billed, billed, billed] },
    { name: 'another model', body: saying('fail with code 3042, then 404', { model: MISTRAL }), calls: [{ ...failed, model: MISTRAL, outcome: 'code_3042' }, { model: LLAMA, outcome: 'code_3042' }], record: { fallbacks: [{ from: MISTRAL, to: LLAMA }] } },
    { name: 'a text completion of two prompts', path: '/v1/completions', body: { model: LLAMA, prompt: ['say one', 'say two'] }, calls: [billed, billed] },
    { name: 'a response', path: '/v1/responses', body: { model: LLAMA, input: 'say one two' }, calls: [billed] },
    { name: 'embeddings of several calls, without a count', path: '/v1/embeddings', body: { model: '@cf/baai/bge-m3', input: Array.from({ length: 101 }, (_, index) => `text ${index}`) }, calls: [1, 2].map(() => ({ model: '@cf/baai/bge-m3', outcome: 'ok', usage: undefined, neurons: Number, estimate: { promptTokens: Number, completionTokens: 0, estimated: true } })) },
    { name: 'a stream that breaks', body: saying('break after 3 frames, say 10 words', { stream: true }), calls: [{ outcome: 'truncated', usage: undefined, estimate: { promptTokens: Number, completionTokens: Number, estimated: true } }] },
    { name: 'a stream that goes silent', body: saying('stall after 3 frames, say 10 words', { stream: true }), calls: [{ outcome: 'timeout', estimate: { estimated: true } }] },
    { name: 'a stream with a frame that is none', body: saying('bad frame after 2 frames, say 10 words', { stream: true }), calls: [{ outcome: 'malformed', estimate: { estimated: true } }] },
    { name: 'no answer in time', body: saying('stall'), calls: [{ ...failed, outcome: 'timeout', estimate: { promptTokens: Number, completionTokens: 0, estimated: true } }] },
    { name: 'a leaked call', body: saying('leak tool look with {"a":1}', { tools: [{ type: 'function', function: { name: 'look' } }] }), calls: [billed], record: { repairs: ['leaked_call'] } }
  ]
  for (const { name, path = '/v1/chat/completions', body, calls, record = {} } of cases) {
    await (await post(proxy, path, body)).text()
    const ended = await proxy.next()
    t.match(ended.record.calls, calls, name)
    t.equal(ended.record.calls?.length, calls.length, `${name}: as many calls`)
    t.match(ended.record, record, name)
  }
  await (await ask(proxy, saying('say hi'), { headers: { 'x-dry-run': 'true' } })).text()
  t.strictSame((await proxy.next()).record.calls, [], 'a dry run calls nobody')
})

t.test('a client that leaves ends its calls before its request is read', async t => {
  const proxy = await startRead(t)
  await leave(proxy, saying('stall after 5 frames, say 10 words', { stream: true }))
  t.match((await proxy.next()).record.calls, [{ outcome: 'client_gone', usage: undefined, estimate: { promptTokens: Number, completionTokens: Number, estimated: true } }])
  await leave(proxy, saying('stall after 5 frames, say 10 words', { stream: true, n: 2 }))
  t.match((await proxy.next()).record.calls, [{ outcome: 'client_gone' }, { outcome: 'client_gone' }], 'each of its choices')
})

t.test('an answer of nothing that was asked for again is billed as well', async t => {
  const usage = { prompt_tokens: 9, completion_tokens: 7, neurons: 0.5 }
  const answers = [
    toEvents({ response: '', usage }, '[DONE]'),
    toAnswer({ response: 'Hi', usage: { prompt_tokens: 9, completion_tokens: 1 } })
  ]
  const { url } = await startRecordedUpstream(t, answers)
  const proxy = await startRead(t, { CLOUDFLARE_API_BASE_URL: url })
  await (await ask(proxy, saying('x', { stream: true }))).text()
  t.match((await proxy.next()).record.calls, [
    { usage: { promptTokens: 9, completionTokens: 7 }, neurons: 0.5 },
    { outcome: 'ok', usage: { promptTokens: 9, completionTokens: 1 }, neurons: undefined }
  ])
})

t.test('an answer that did not fit is billed as well as the one that was asked for in its place', async t => {
  const color = { type: 'json_schema', json_schema: { name: 'color', strict: false, schema: { type: 'object', properties: { color: { enum: ['red'] } }, required: ['color'] } } }
  const answers = ['green', '{"color":"red"}'].map((response, index) => toAnswer({ response, usage: { prompt_tokens: 9, completion_tokens: index + 1 } }))
  const { url } = await startRecordedUpstream(t, answers)
  const proxy = await startRead(t, { CLOUDFLARE_API_BASE_URL: url })
  await (await ask(proxy, saying('x', { response_format: color }))).text()
  t.match((await proxy.next()).record, {
    calls: [{ outcome: 'ok', usage: { completionTokens: 1 } }, { outcome: 'ok', usage: { completionTokens: 2 } }],
    repairs: ['json_schema']
  })
})

t.test('a connection that fails is a call, too', async t => {
  const closed = createServer()
  await new Promise<void>(resolve => closed.listen(0, '127.0.0.1', resolve))
  const { port } = closed.address() as AddressInfo
  await new Promise(resolve => closed.close(resolve))
  const proxy = await startRead(t, { CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}`, MAX_RETRIES: '0' })
  await (await ask(proxy, saying('x'))).text()
  t.match((await proxy.next()).record.calls, [{ outcome: 'unreachable', attempt: 1 }])
})
