import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { readChatStream } from '../streams/chat-stream.ts'
import { waited } from '../servers/http-client.ts'
import { ask, LLAMA, MISTRAL, startProxy, type Proxy } from '../servers/start-proxy.ts'
import { chunk, failing, frames, http, json, answering, startRawUpstream, STREAM_HEAD, wantsStream, type RawUpstream, type Step } from '../servers/raw-upstream.ts'
import { someAtOnce } from './some-at-once.ts'

const IMPATIENT = { MAX_RETRIES: '0', UPSTREAM_HEADERS_TIMEOUT_MS: '1000' }

/** The model whose turn a case is fails as the case says; the models that are called `good` answer. */
async function start (t: Test, cases: ReadonlyArray<{ given: Step[] }>, fallbacks: Record<string, string[]>, env: Record<string, string> = {}): Promise<{ proxy: Proxy, evil: RawUpstream }> {
  const evil = await startRawUpstream(t, asked => {
    if (asked.path.includes('/good')) return answering('good', wantsStream(asked))
    return cases[Number(/\d+$/.exec(asked.path))]?.given ?? []
  })
  return { evil, proxy: await startProxy(t, { ...IMPATIENT, CLOUDFLARE_API_BASE_URL: evil.url, MODEL_FALLBACKS: JSON.stringify(fallbacks), ...env }) }
}

function chat (model: string, stream = false): object {
  return { model, messages: [{ role: 'user', content: 'x' }], stream }
}

function modelsOf ({ asked }: RawUpstream): string[] {
  return asked.map(({ path }) => path.slice(path.indexOf('@')))
}

t.test('another model takes over where one fails before its first token, and the answer says so', async t => {
  const cases: Array<{ name: string, given: Step[] }> = [
    { name: 'a reset', given: ['RESET'] },
    { name: 'silence', given: [] },
    { name: 'no capacity', given: failing(429, 3040) },
    { name: 'a rate limit with a long Retry-After', given: [json('{}', 429, { 'retry-after': '60' })] },
    { name: 'a page', given: [json('<html>', 502)] },
    { name: 'no such model', given: failing(404, 5007) },
    { name: 'a model that no route leads to', given: failing(400, 7000) },
    { name: 'a bare 404', given: [json('', 404)] },
    { name: "the model's own time limit", given: failing(408, 3046) },
    { name: 'a retired model', given: failing(410, 5028) },
    { name: 'a model for paying accounts', given: failing(403, 5018) },
    { name: 'broken HTTP', given: ['SSH-2.0\r\n'] },
    { name: 'an answer that is cut', given: [http(200, { 'content-length': '1000' }, '{"result":'), 'FIN'] },
    { name: 'an answer that does not parse', given: [json('{"result":')] },
    { name: 'a stream that begins with an error', given: [STREAM_HEAD, frames({ errors: [{ code: 3040, message: 'busy' }] })] },
    { name: 'a stream that is cut inside its first frame', given: [STREAM_HEAD, chunk('data: {"resp'), 'FIN'] }
  ]
  const names = cases.flatMap((_, index) => [`@cf/evil/p-${index}`, `@cf/evil/s-${index}`])
  const { proxy } = await start(t, cases, Object.fromEntries(names.map(name => [name, ['@cf/evil/good']])))
  await someAtOnce(6, cases, async ({ name }, index) => {
    for (const stream of [false, true]) {
      const model = `@cf/evil/${stream ? 's' : 'p'}-${index}`
      const response = await ask(proxy, chat(model, stream))
      t.equal(response.status, 200, name)
      t.match(Object.fromEntries([...response.headers.entries()]), { 'x-proxy-model': '@cf/evil/good', 'x-proxy-attempts': '2', 'x-proxy-warnings': /model renamed/ }, name)
      const text = await response.text()
      t.match(text, /"content":"good"/, name)
      t.match(text, `"model":"${model}"`, `${name}: under the name that was asked for`)
      if (stream) t.match(readChatStream(text), { complaints: [], isDone: true }, name)
    }
  })
  const told = () => proxy.lines().filter(({ served, attempts }) => served === '@cf/evil/good' && attempts === 2).length
  await waited(() => told() >= names.length)
  t.equal(told(), names.length, 'the log tells who served')
})

t.test('what would fail anywhere is passed to nobody', async t => {
  const cases: Array<{ name: string, given: Step[], expected: number }> = [
    { name: 'the daily quota', given: failing(429, 4006), expected: 429 },
    { name: 'a wrong token', given: failing(401, 10000), expected: 401 },
    { name: 'a wrong request', given: failing(400, 5006), expected: 400 },
    { name: 'too long a prompt', given: failing(413, 5021), expected: 400 }
  ]
  const { proxy, evil } = await start(t, cases, Object.fromEntries(cases.map((_, index) => [`@cf/evil/p-${index}`, ['@cf/evil/good']])))
  for (const [index, { name, expected }] of cases.entries()) {
    t.equal((await ask(proxy, chat(`@cf/evil/p-${index}`))).status, expected, name)
  }
  t.equal(evil.asked.length, cases.length)
})

t.test('nobody takes over once a token was read', async t => {
  const { proxy, evil } = await start(t, [{ given: [STREAM_HEAD, frames({ response: 'Hel' }), 50, 'RESET'] }], { '@cf/evil/p-0': ['@cf/evil/good'] })
  const { chunks, error, isDone, complaints } = readChatStream(await (await ask(proxy, chat('@cf/evil/p-0', true))).text())
  t.match({ error, isDone, complaints }, { error: { code: 'upstream_truncated' }, isDone: false, complaints: [] })
  t.equal(chunks.map(one => one.choices[0]?.delta.content ?? '').join(''), 'Hel')
  t.strictSame(modelsOf(evil), ['@cf/evil/p-0'])
})

t.test('fallbacks are tried in their order, and the last one tells why', async t => {
  const cases = [{ given: failing(429, 3040) }, { given: ['RESET'] as Step[] }, { given: failing(404, 5007) }]
  const { proxy, evil } = await start(t, cases, {
    '@cf/evil/p-0': ['@cf/evil/p-1', '@cf/evil/p-2', '@cf/evil/good'],
    '@cf/evil/q-0': ['@cf/evil/p-1', '@cf/evil/p-2']
  })
  const served = await ask(proxy, chat('@cf/evil/p-0'))
  t.equal(served.headers.get('x-proxy-attempts'), '4')
  t.strictSame(modelsOf(evil).slice(0, 4), ['@cf/evil/p-0', '@cf/evil/p-1', '@cf/evil/p-2', '@cf/evil/good'])
  const failed = await ask(proxy, chat('@cf/evil/q-0'))
  t.match({ status: failed.status, attempts: failed.headers.get('x-proxy-attempts'), body: await failed.json() }, { status: 404, attempts: '3', body: { error: { code: 'model_not_found' } } })
})

t.test('a model whose circuit is open is passed over without being asked', async t => {
  const { proxy, evil } = await start(t, [{ given: failing(429, 3040) }], { '@cf/evil/p-0': ['@cf/evil/good'] })
  for (let count = 0; count < 7; count++) t.equal((await ask(proxy, chat('@cf/evil/p-0'))).status, 200)
  t.equal(modelsOf(evil).filter(model => model === '@cf/evil/p-0').length, 5)
  t.equal((await ask(proxy, chat('@cf/evil/p-0'))).headers.get('x-proxy-attempts'), '1')
})

t.test('a fallback that is none harms nobody', async t => {
  const { proxy } = await start(t, [{ given: failing(429, 3040) }], {
    '@cf/evil/good': ['no such model'],
    '@cf/evil/p-0': ['no such model', '@cf/baai/bge-m3', '@cf/evil/good'],
    '@cf/evil/q-0': ['no such model']
  })
  t.equal((await ask(proxy, chat('@cf/evil/good'))).status, 200, 'the model that was asked for is well')
  t.equal((await ask(proxy, chat('@cf/evil/p-0'))).headers.get('x-proxy-model'), '@cf/evil/good', 'those that are none are passed over')
  t.equal((await ask(proxy, chat('@cf/evil/q-0'))).status, 429, 'what failed is told')
})

t.test('a fallback that cannot take the request is passed over', async t => {
  const png = 'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
  const evil = await startRawUpstream(t, () => failing(429, 3040))
  const proxy = await startProxy(t, { ...IMPATIENT, CLOUDFLARE_API_BASE_URL: evil.url, MODEL_FALLBACKS: JSON.stringify({ [MISTRAL]: [LLAMA] }) })
  const response = await ask(proxy, { model: MISTRAL, messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: png } }] }] })
  t.match({ status: response.status, body: await response.json() }, { status: 429, body: { error: { code: 'rate_limit_exceeded' } } })
  t.strictSame(modelsOf(evil), [MISTRAL])
})

t.test('names that JavaScript knows are no models with fallbacks', async t => {
  const { proxy } = await start(t, [], {}, { DEFAULT_MODEL: '@cf/evil/good' })
  for (const name of ['constructor', 'toString', 'hasOwnProperty', 'valueOf', '__proto__', '__defineGetter__']) {
    t.equal((await ask(proxy, chat(name))).status, 200, name)
  }
})

t.test('nobody takes over for a client that has left', async t => {
  const { proxy, evil } = await start(t, [{ given: [] }], { '@cf/evil/p-0': ['@cf/evil/good'] })
  const controller = new AbortController()
  const asked = ask(proxy, chat('@cf/evil/p-0', true), { signal: controller.signal })
  await waited(() => evil.asked.length === 1)
  controller.abort()
  await t.rejects(asked)
  await waited(() => evil.asked[0]?.isClosed === true)
  await sleep(1_500)
  t.strictSame(modelsOf(evil), ['@cf/evil/p-0'])
})

t.test('the successor of a retired model takes over, however Cloudflare says that it is', async t => {
  const [retired, successor] = ['@cf/meta/llama-3-8b-instruct', '@cf/meta/llama-3.1-8b-instruct-fp8-fast']
  const envelope = { result: null, success: false, errors: [{ code: '5028', message: 'This model was deprecated on 2026-05-30.' }], messages: [] }
  const cases: Array<{ name: string, given: Step[], stream: boolean[] }> = [
    { name: 'with 400', given: failing(400, 5028), stream: [false, true] },
    { name: 'with 410', given: failing(410, 5028), stream: [false, true] },
    { name: 'with 403 and a code that is text', given: [json(envelope, 403)], stream: [false, true] },
    { name: 'under 200', given: [json(envelope)], stream: [false, true] },
    { name: 'in the first frame of a stream', given: [STREAM_HEAD, frames(envelope)], stream: [true] }
  ]
  for (const { name, given, stream: streams } of cases) {
    for (const stream of streams) {
      const evil = await startRawUpstream(t, asked => asked.path.includes(successor) ? answering('good', stream) : given)
      const proxy = await startProxy(t, { ...IMPATIENT, CLOUDFLARE_API_BASE_URL: evil.url })
      for (const attempts of ['2', '1']) {
        const response = await ask(proxy, chat(retired, stream))
        t.match(Object.fromEntries([...response.headers.entries()]), { 'x-proxy-model': successor, 'x-proxy-attempts': attempts, 'x-proxy-warnings': /model replaced/ }, name)
        t.match(await response.text(), /"content":"good"/, name)
      }
      t.strictSame(modelsOf(evil), [retired, successor, successor], name)
    }
  }
})

t.test('nobody takes over for a model that fails otherwise', async t => {
  for (const given of [failing(429, 3040), failing(404, 5007), failing(403, 5018), ['RESET'] as Step[]]) {
    const evil = await startRawUpstream(t, () => given)
    const proxy = await startProxy(t, { ...IMPATIENT, CLOUDFLARE_API_BASE_URL: evil.url })
    t.not((await ask(proxy, chat('@cf/meta/llama-3-8b-instruct'))).status, 200)
    t.equal(evil.asked.length, 1)
  }
})
