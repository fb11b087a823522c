import { connect } from 'node:net'
import { Writable } from 'node:stream'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { newLogger } from '../../src/telemetry/logger.ts'
import { askRaw, exchange, waited } from '../servers/http-client.ts'
import { API_TOKEN, ask, GLM, LLAMA, saying, startProxy, type Proxy } from '../servers/start-proxy.ts'
import { startRecordedUpstream, toEvents } from '../servers/recorded-upstream.ts'

function requestLines (proxy: Proxy): Array<Record<string, unknown>> {
  return proxy.lines().filter(({ route }) => route !== undefined)
}

async function lineOf (t: Test, proxy: Proxy, count: number): Promise<Record<string, unknown>> {
  await waited(() => requestLines(proxy).length >= count)
  t.equal(requestLines(proxy).length, count, 'one line a request')
  return requestLines(proxy).at(-1) ?? {}
}

t.test('one line tells all that became of a request', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'ann:sk-ann', MAX_RETRIES: '2', MODEL_FALLBACKS: JSON.stringify({ [LLAMA]: [GLM] }) })
  const cases = [
    { name: 'an answer', body: saying('say one two', { user: 'x' }), expected: { status: 200, upstreamStatus: 200, model: LLAMA, served: LLAMA, stream: false, attempts: 1, finishReason: 'stop', completionTokens: 2, promptTokens: Number, firstTokenMs: Number, changes: /user dropped/ } },
    { name: 'a stream', body: saying('say one two', { stream: true }), expected: { status: 200, upstreamStatus: 200, stream: true, attempts: 1, finishReason: 'stop', completionTokens: 2, firstTokenMs: Number } },
    { name: 'a tool call', body: saying('call tool f with {}', { tools: [{ type: 'function', function: { name: 'f' } }] }), expected: { finishReason: 'tool_calls' } },
    { name: 'a limit', body: saying('say 20 words', { max_tokens: 2 }), expected: { finishReason: 'length' } },
    { name: 'a retry', body: saying('fail 1 times with code 3040 then say hi'), expected: { status: 200, attempts: 2 } },
    { name: 'a fallback', body: saying('fail 1 times with code 5028 then say hi'), expected: { status: 200, attempts: 2, model: LLAMA, served: GLM, changes: /model renamed/ } },
    { name: 'a refusal', body: saying('fail with code 8001', { model: GLM }), expected: { status: 400, upstreamStatus: 400, upstreamCode: 8001, upstreamKind: 'refused', attempts: 1, error: { name: 'UpstreamError' }, model: GLM, served: GLM } },
    { name: 'a refusal after retries', body: saying('fail with 502', { model: GLM }), expected: { status: 502, upstreamStatus: 502, upstreamKind: 'refused', attempts: 3 } },
    { name: 'a stream that broke', body: saying('break after 3 frames, say 10 words', { stream: true }), expected: { status: 200, upstreamStatus: 200, upstreamKind: 'truncated', attempts: 1, error: { name: 'UpstreamError' } } },
    { name: 'a wrong field', body: saying('say hi', { n: 'many' }), expected: { status: 400 } },
    { name: 'an unknown model', body: saying('say hi', { model: 'gpt-9' }), expected: { status: 404, error: { name: 'ProxyError', code: 'model_not_found' } } }
  ]
  for (const [index, { name, body, expected }] of cases.entries()) {
    const response = await ask(proxy, body, { headers: { authorization: 'Bearer sk-ann', 'x-request-id': `id-${index}` } })
    await response.text()
    const line = await lineOf(t, proxy, index + 1)
    t.match(line, { requestId: `id-${index}`, key: 'ann', method: 'POST', route: '/v1/chat/completions', ms: Number, ...expected }, name)
    t.notOk('aborted' in line, name)
    if (typeof line['attempts'] === 'number') t.equal(response.headers.get('x-proxy-attempts'), String(line['attempts']), `${name}: the answer says how often it was tried`)
  }
})

t.test('every endpoint tells as much, and logs its content only when it is asked to', async t => {
  const cases: Array<{ path: string, body: object, expected?: object }> = [
    { path: '/v1/completions', body: { model: LLAMA, prompt: 'say one-sesame', user: 'x' }, expected: { finishReason: 'stop', firstTokenMs: Number } },
    { path: '/v1/completions', body: { model: LLAMA, prompt: 'say one-sesame', user: 'x', stream: true }, expected: { finishReason: 'stop', firstTokenMs: Number } },
    { path: '/v1/embeddings', body: { model: '@cf/baai/bge-m3', input: 'one-sesame', user: 'x' } },
    { path: '/v1/responses', body: { model: LLAMA, input: 'say one-sesame', user: 'x' }, expected: { finishReason: 'stop', firstTokenMs: Number } },
    { path: '/v1/responses', body: { model: LLAMA, input: 'say one-sesame', user: 'x', stream: true }, expected: { finishReason: 'stop', firstTokenMs: Number } },
    { path: '/v1/responses', body: { model: LLAMA, input: [{ role: 'user', content: 'say one-sesame' }, { type: 'compaction_trigger' }], user: 'x' }, expected: { finishReason: 'stop', firstTokenMs: Number } },
    { path: '/v1/responses/compact', body: { model: LLAMA, input: 'say one-sesame', user: 'x' }, expected: { finishReason: 'stop', firstTokenMs: Number } }
  ]
  for (const LOG_CONTENT of ['false', 'true']) {
    const proxy = await startProxy(t, { API_KEYS: 'ann:sk-ann', LOG_LEVEL: 'trace', LOG_CONTENT })
    for (const [index, { path, body, expected }] of cases.entries()) {
      const response = await fetch(proxy.url + path, { method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer sk-ann' }, body: JSON.stringify(body) })
      await response.text()
      const name = `${path} ${JSON.stringify(body)}`
      const line = await lineOf(t, proxy, index + 1)
      t.match(line, { key: 'ann', method: 'POST', route: path, status: 200, upstreamStatus: 200, served: String, model: String, attempts: 1, promptTokens: Number, ms: Number, changes: /user dropped/, ...expected }, name)
    }
    t.equal(proxy.log().includes('sesame'), LOG_CONTENT === 'true')
    t.equal(proxy.lines().filter(({ msg }) => msg === 'sent to Cloudflare').length, LOG_CONTENT === 'true' ? cases.length : 0)
    t.equal(proxy.lines().filter(({ msg }) => msg === 'received from Cloudflare').length, LOG_CONTENT === 'true' ? cases.length : 0)
  }
})

t.test('a client that left is told apart, once, in every moment', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'ann:sk-ann' })
  const headers = { authorization: 'Bearer sk-ann' }
  for (const [index, body] of [saying('stall'), saying('stall', { stream: true }), saying('stall after 3 frames', { stream: true })].entries()) {
    const controller = new AbortController()
    const asked = ask(proxy, body, { headers, signal: controller.signal }).then(response => response.text())
    await waited(() => proxy.simulator.requests.length === index + 1)
    setTimeout(() => controller.abort(), 50)
    await t.rejects(asked)
    t.match(await lineOf(t, proxy, index + 1), { status: 499, aborted: true, key: 'ann', model: LLAMA, ms: Number })
  }
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write('POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sk-ann\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
  await once(socket, 'connect')
  setTimeout(() => socket.resetAndDestroy(), 50)
  t.match(await lineOf(t, proxy, 4), { aborted: true, key: 'ann' }, 'before its body was whole')
})

const FORGED = '"}\n{"level":60,"msg":"forged-sesame"}\r\n\u2028{"level":60,"msg":"forged-sesame"}\u001b[31m\u0000'

t.test('no text of a caller\'s makes a line of its own', async t => {
  const proxy = await startProxy(t)
  const bodies = [
    saying('say hi', { model: FORGED }), saying('say hi', { [FORGED]: 1 }), saying(`say ${FORGED}`, { user: FORGED, prompt_cache_key: FORGED }),
    saying('say hi', { stop: [FORGED], tools: [{ type: 'function', function: { name: FORGED } }] }), saying('say hi', { temperature: FORGED }), { model: LLAMA, messages: FORGED },
    saying('say hi', { response_format: { type: 'json_schema', json_schema: { name: FORGED, schema: { type: FORGED } } } })
  ]
  for (const body of bodies) await (await ask(proxy, body)).text()
  for (const path of [`/${encodeURIComponent(FORGED)}`, `/v1/models/${encodeURIComponent(FORGED)}`, `/nope?x=${encodeURIComponent(FORGED)}`]) await askRaw(proxy, path)
  await exchange(proxy, 'GET /v1/models/x HTTP/1.1\r\nhost: localhost\r\nx-request-id: a"}{"level":60}\r\nuser-agent: {"level":60}\r\nconnection: close\r\n\r\n', 'nothing that ever comes')
  await waited(() => requestLines(proxy).length === bodies.length + 4)
  t.strictSame(proxy.lines().filter(({ level }) => level === 60), [])
  for (const line of proxy.log().trimEnd().split('\n')) {
    t.match(JSON.parse(line), { level: Number, time: Number, msg: String })
    t.notMatch(line, /\p{Cc}/u, 'no control character')
  }
})

t.test('keys in queries, headers, cookies and paths are in no line', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'sk-right' })
  const secret = 'sk-secret-sesame'
  for (const path of [`/v1/models?key=${secret}`, `/v1/models?api_key=${secret}&x=1`, `/${secret}`, `/v1/${secret}/models`, `/v1/models/%zz?token=${secret}`, `http://${secret}@localhost/v1/models`]) {
    for (const authorization of ['Bearer sk-right', `Bearer ${secret}`, `Basic ${secret}`]) await askRaw(proxy, path, { headers: { authorization, cookie: secret, 'x-api-key': secret, referer: `http://localhost/?${secret}`, 'user-agent': secret } })
  }
  for (const bytes of [`GET /?${secret} HTTP/9.9\r\n\r\n`, `${secret}\r\n\r\n`, `GET / HTTP/1.1\r\nhost: localhost\r\n${secret}\r\n\r\n`, `GET /${secret}${'x'.repeat(20_000)} HTTP/1.1\r\n\r\n`]) await exchange(proxy, bytes, 'nothing that ever comes')
  await waited(() => requestLines(proxy).length === 18)
  t.notMatch(proxy.log(), secret)
  t.notMatch(proxy.log(), 'sk-right')
})

t.test('Cloudflare\'s sentences may quote a prompt, so they are in no line', async t => {
  const prompt = 'prompt-sesame'
  const refusals = [
    { status: 400, body: { errors: [{ code: 5006, message: `Error: oneOf at '/' not met: "${prompt}"` }] } },
    { status: 500, body: { errors: [{ code: 3040, message: prompt }] } },
    toEvents({ error: { message: prompt } }),
    toEvents({ response: prompt }, `{"response": "${prompt}`),
    { status: 200, body: { nothing: prompt } },
    { status: 502, contentType: 'text/event-stream', body: `<html>${prompt}</html>` }
  ]
  let count = 0
  for (const refusal of refusals) {
    const upstream = await startRecordedUpstream(t, () => refusal)
    const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, MAX_RETRIES: '0', MODEL_FALLBACKS: JSON.stringify({ [LLAMA]: [GLM] }) })
    for (const stream of [false, true]) await (await ask(proxy, saying(prompt, { stream, response_format: { type: 'json_object' } }))).text()
    await waited(() => requestLines(proxy).length === 2)
    t.notMatch(proxy.log(), prompt, `refusal ${++count}`)
  }
})

t.test('at each level only lines of that level are written, and none has a secret', async t => {
  for (const logLevel of ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const) {
    let text = ''
    const logger = newLogger({ logLevel }, new Writable({ write (line, _encoding, done) { text += String(line); done() } }))
    const proxy = await startProxy(t, { API_KEYS: 'sk-key-sesame' }, {}, { logger })
    const headers = { authorization: 'Bearer sk-key-sesame' }
    for (const body of [saying('say prompt-sesame'), saying('fail with code 10000, prompt-sesame'), saying('break after 1 frames, say prompt-sesame', { stream: true }), saying('say hi', { n: 0 })]) await (await ask(proxy, body, { headers })).text()
    await exchange(proxy, 'prompt-sesame\r\n\r\n', 'nothing that ever comes')
    t.notMatch(text, /sesame/, logLevel)
    t.notMatch(text, API_TOKEN, logLevel)
    t.equal(text === '', !['trace', 'debug', 'info'].includes(logLevel), `${logLevel}: ${text === '' ? 'nothing' : 'something'} is said of ordinary requests`)
  }
})
