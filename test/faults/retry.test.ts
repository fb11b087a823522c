import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { waited } from '../servers/http-client.ts'
import { ask, post, startProxy, type Proxy } from '../servers/start-proxy.ts'
import { chunk, failing, frames, http, json, answering, startRawUpstream, STREAM_HEAD, wantsStream, type RawUpstream, type Script, type Step } from '../servers/raw-upstream.ts'
import { someAtOnce } from './some-at-once.ts'

// Most of these tests wait.
t.jobs = 3

async function start (t: Test, script: Script, env: Record<string, string> = {}): Promise<{ proxy: Proxy, evil: RawUpstream }> {
  const evil = await startRawUpstream(t, script)
  return { evil, proxy: await startProxy(t, { CLOUDFLARE_API_BASE_URL: evil.url, ...env }) }
}

function chat (model: string, stream: boolean): object {
  return { model, messages: [{ role: 'user', content: 'x' }], stream }
}

/** How often each model was asked. */
function countsOf ({ asked }: RawUpstream): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { path } of asked) counts[path.split('/').at(-1) ?? ''] = (counts[path.split('/').at(-1) ?? ''] ?? 0) + 1
  return counts
}

const PASSING: Array<{ name: string, given: Step[] }> = [
  { name: 'a reset', given: ['RESET'] },
  { name: 'the end of the connection', given: ['FIN'] },
  { name: '429', given: [json('{}', 429)] },
  { name: '429 with a short Retry-After', given: [json('{}', 429, { 'retry-after': '1' })] },
  { name: 'no capacity', given: failing(429, 3040) },
  { name: 'no capacity with status 200', given: failing(200, 3040) },
  { name: '500', given: failing(500, 1000) },
  { name: '502', given: [json('<html>', 502)] },
  { name: '503', given: [json('', 503)] },
  { name: '520', given: [json('', 520)] }
]

t.test('what may pass is asked for again', async t => {
  for (const stream of [false, true]) {
    const failed = new Set<string>()
    const { proxy, evil } = await start(t, asked => {
      if (failed.has(asked.path)) return answering('hi', wantsStream(asked))
      failed.add(asked.path)
      return PASSING[Number(/\d+$/.exec(asked.path))]?.given ?? []
    })
    await someAtOnce(4, PASSING, async ({ name }, index) => {
      const response = await ask(proxy, chat(`@cf/evil/twice-${index}`, stream))
      t.match(await response.text(), /"content":"hi"/, name)
      t.equal(response.headers.get('x-proxy-attempts'), '2', `${name}: the second attempt served`)
      const bodies = evil.asked.filter(({ path }) => path.endsWith(`/twice-${index}`)).map(({ body }) => body)
      t.equal(bodies.length, 2, name)
      t.equal(new Set(bodies).size, 1, `${name}: the same request again`)
    })
    const told = () => proxy.lines().filter(({ attempts }) => attempts === 2).length
    await waited(() => told() >= PASSING.length)
    t.equal(told(), PASSING.length, 'each line of the log tells the attempts')
  }
})

t.test('what never passes is given up after three attempts, and says how many', async t => {
  const { proxy, evil } = await start(t, ({ path }) => PASSING[Number(/\d+$/.exec(path))]?.given ?? [])
  await someAtOnce(4, PASSING.slice(0, 7), async ({ name }, index) => {
    const response = await ask(proxy, chat(`@cf/evil/never-${index}`, false))
    t.ok(response.status >= 408, name)
    t.equal(response.headers.get('x-proxy-attempts'), '3', name)
    await response.text()
  })
  t.ok(Object.values(countsOf(evil)).every(count => count === 3))
})

t.test('no more than six attempts are made, whatever the setting', async t => {
  const { proxy, evil } = await start(t, () => ['RESET'], { MAX_RETRIES: '5' })
  const response = await ask(proxy, chat('@cf/evil/x', false))
  t.match(await response.json(), { error: { code: 'upstream_unreachable' } })
  t.ok(evil.asked.length > 1 && evil.asked.length <= 6, `${evil.asked.length} attempts`)
})

t.test('what does not pass, or not soon, or was billed, is asked for once', async t => {
  const cases: Array<{ name: string, given: Step[] }> = [
    { name: 'the daily quota, 4006', given: failing(429, 4006) },
    { name: 'the daily quota, 3036', given: failing(429, 3036) },
    { name: 'the daily quota with a Retry-After', given: failing(429, 4006, { 'retry-after': '1' }) },
    { name: 'the daily quota, by its words', given: [json({ error: 'you have used up your daily free allocation' }, 429)] },
    { name: 'a long Retry-After', given: [json('{}', 429, { 'retry-after': '6' })] },
    { name: 'a very long Retry-After', given: failing(503, 3040, { 'retry-after': '999999999' }) },
    { name: 'a Retry-After that is a date', given: [json('{}', 503, { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() })] },
    { name: 'a wrong request', given: failing(400, 5006) },
    { name: 'a wrong token', given: failing(401, 10000) },
    { name: 'no permission', given: failing(403, 5018) },
    { name: 'no such model', given: failing(404, 5007) },
    { name: 'a full context window', given: failing(413, 5021) },
    { name: "the model's own time limit", given: failing(408, 3046) },
    { name: 'a timeout of Cloudflare', given: failing(408, 3007) },
    { name: '408', given: [json('', 408)] },
    { name: '504', given: failing(504, 3008) },
    { name: '524', given: [json('<html>', 524)] },
    { name: 'silence', given: [] },
    { name: 'broken HTTP', given: ['SSH-2.0\r\n'] },
    { name: 'two lengths', given: ['HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\n{}   '] },
    { name: 'a redirect', given: [http(302, { location: '/', 'content-length': '0' })] },
    { name: 'an answer that is cut', given: [http(200, { 'content-length': '1000' }, '{"result":'), 'FIN'] },
    { name: 'an answer that does not parse', given: [json('{"result":')] },
    { name: 'a stream that is reset before its first frame', given: [STREAM_HEAD, 30, 'RESET'] },
    { name: 'a stream that begins with an error', given: [STREAM_HEAD, frames({ errors: [{ code: 3040, message: 'busy' }] })] },
    { name: 'a stream that ends inside its first frame', given: [STREAM_HEAD, chunk('data: {"resp'), 'FIN'] }
  ]
  const { proxy, evil } = await start(t, ({ path }) => cases[Number(/\d+$/.exec(path))]?.given ?? [], { MAX_RETRIES: '5', UPSTREAM_HEADERS_TIMEOUT_MS: '700' })
  await someAtOnce(8, cases, async ({ name }, index) => {
    for (const stream of [false, true]) {
      const response = await ask(proxy, chat(`@cf/evil/once-${Number(stream)}-${index}`, stream))
      t.ok(response.status >= 400, `${name}: ${response.status}`)
      t.equal(response.headers.get('x-proxy-attempts'), '1', name)
      await response.text()
    }
  })
  t.strictSame(Object.values(countsOf(evil)).filter(count => count !== 1), [])
})

t.test('a time limit is told after one call, whatever was asked for, and clients are told not to ask again', async t => {
  const limits: Array<{ name: string, given: Step[] }> = [
    { name: "the model's own", given: failing(408, 3046) },
    { name: "Cloudflare's", given: failing(408, 3007) },
    { name: 'under a status of success', given: failing(200, 3046) },
    { name: "a gateway's", given: [json('', 504)] },
    { name: "the edge's", given: [json('<html>', 524)] },
    { name: 'in the first frame of a stream', given: [STREAM_HEAD, frames({ errors: [{ code: 3046, message: 'AiError: AiError: Request timeout' }] }), 'FIN'] }
  ]
  const messages = [{ role: 'user', content: 'x' }]
  const surfaces = [
    { path: '/v1/chat/completions', body: { messages } },
    { path: '/v1/chat/completions', body: { messages, stream: true } },
    { path: '/v1/completions', body: { prompt: 'x' } },
    { path: '/v1/completions', body: { prompt: 'x', stream: true } },
    { path: '/v1/responses', body: { input: 'x' } },
    { path: '/v1/responses', body: { input: 'x', stream: true } },
    { path: '/v1/embeddings', body: { input: 'x' } }
  ]
  const { proxy, evil } = await start(t, ({ path }) => limits[Number(/\d+$/.exec(path))]?.given ?? [])
  const cases = limits.flatMap((limit, index) => surfaces.map((surface, place) => ({ ...limit, ...surface, model: `@cf/evil/m${place}-${index}` })))
  await someAtOnce(4, cases, async ({ name, path, body, model }) => {
    const isEmbedding = path.endsWith('embeddings')
    if (isEmbedding && name.startsWith('in the first frame')) return
    const response = await post(proxy, path, { model, ...body })
    const told = { status: response.status, retry: response.headers.get('x-should-retry'), attempts: response.headers.get('x-proxy-attempts'), body: await response.json() }
    t.match(told, { status: 504, retry: 'false', attempts: '1', body: { error: { type: 'server_error', code: 'upstream_timeout' } } }, `${name}: ${path} ${JSON.stringify(body)}`)
  })
  t.strictSame(Object.values(countsOf(evil)).filter(count => count !== 1), [], 'each was asked once')
})

t.test('Retry-After is kept', async t => {
  const times: number[] = []
  const { proxy } = await start(t, asked => {
    times.push(performance.now())
    return times.length === 1 ? [json('{}', 429, { 'retry-after': '2' })] : answering('hi', wantsStream(asked))
  })
  t.equal((await ask(proxy, chat('@cf/evil/x', false))).status, 200)
  const [first = 0, second = 0] = times
  t.ok(second - first >= 1_990, `${Math.round(second - first)} ms`)
})

t.test('a client that leaves while a retry waits is not asked for again', async t => {
  for (const stream of [false, true]) {
    const { proxy, evil } = await start(t, () => [json('{}', 429, { 'retry-after': '1' })])
    const controller = new AbortController()
    const asked = ask(proxy, chat('@cf/evil/x', stream), { signal: controller.signal })
    await waited(() => evil.asked.length === 1)
    await sleep(100)
    controller.abort()
    await t.rejects(asked)
    await sleep(1_500)
    t.equal(evil.asked.length, 1)
    t.match(proxy.lines().at(-1), { status: 499, msg: 'client gone' })
  }
})

t.test('a request waits ten seconds for retries at most, whatever models it is passed to', async t => {
  const { proxy, evil } = await start(t, () => [json('{}', 429, { 'retry-after': '4' })], {
    MAX_RETRIES: '5',
    MODEL_FALLBACKS: '{"@cf/evil/a":["@cf/evil/b","@cf/evil/c"]}'
  })
  const startedAt = performance.now()
  const response = await ask(proxy, chat('@cf/evil/a', false))
  const ms = performance.now() - startedAt
  t.equal(response.status, 429)
  t.ok(ms >= 7_900 && ms < 13_000, `${Math.round(ms)} ms`)
  t.strictSame(countsOf(evil), { a: 3, b: 1, c: 1 })
})

t.test('when all is down, all requests together are repeated little', async t => {
  const { proxy, evil } = await start(t, () => ['RESET'], { MAX_RETRIES: '5' })
  const requests = Array.from({ length: 100 }, (_, index) => index)
  await someAtOnce(50, requests, async index => { await (await ask(proxy, chat(`@cf/evil/m${index}`, false))).text() })
  t.ok(evil.asked.length <= 100 + 20 + 100 / 5, `100 requests led to ${evil.asked.length} attempts`)
})

t.test('a model without capacity is left alone for a while, and its callers hear it at once', async t => {
  const { now } = Date
  let later = 0
  Date.now = () => now() + later
  t.teardown(() => { Date.now = now })
  let isBusy = true
  const { proxy, evil } = await start(t, asked => isBusy && asked.path.endsWith('/busy') ? failing(429, 3040) : answering('hi', wantsStream(asked)), { MAX_RETRIES: '0' })
  const asking = (model = 'busy', stream = false) => ask(proxy, chat(`@cf/evil/${model}`, stream))
  for (let count = 0; count < 5; count++) t.equal((await asking()).headers.get('x-proxy-attempts'), '1')

  for (const stream of [false, true]) {
    const response = await asking('busy', stream)
    t.equal(response.status, 429)
    t.equal(response.headers.get('retry-after'), '15')
    t.equal(response.headers.get('x-proxy-attempts'), '0')
    t.match(await response.json(), { error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } })
  }
  t.equal(evil.asked.length, 5, 'nobody was asked')
  t.equal((await asking('other')).status, 200, 'another model is served')

  later = 10_000
  t.ok(Number((await asking()).headers.get('retry-after')) <= 5, 'callers who ask meanwhile do not make it longer')

  later = 16_000
  t.equal((await asking()).headers.get('x-proxy-attempts'), '1', 'then one is let through')
  t.equal((await asking()).headers.get('x-proxy-attempts'), '0', 'whose failure closes the door again')

  isBusy = false
  later = 40_000
  for (let count = 0; count < 3; count++) t.equal((await asking()).status, 200, 'and whose success opens it')
})

/** What keys are sent as. */
function bearer (key: string): { headers: Record<string, string> } {
  return { headers: { authorization: `Bearer ${key}` } }
}

t.test('what one token is refused in passthrough, another one may have', async t => {
  for (const [status, code] of [[429, 10_429], [429, 3040]] as const) {
    const { proxy, evil } = await start(t, asked => asked.head.includes('Bearer token-a') ? failing(status, code) : answering('hi', wantsStream(asked)), { AUTH_MODE: 'passthrough', MAX_RETRIES: '0' })
    const asking = (token: string, stream = false) => ask(proxy, chat('@cf/evil/x', stream), bearer(token))
    for (let count = 0; count < 6; count++) await (await asking('token-a')).text()
    const refused = await asking('token-a')
    t.equal(refused.headers.get('x-proxy-attempts'), '0', 'it is left alone')
    t.match((await refused.json() as { error: { message: string } }).error.message, code === 3040 ? /no capacity .*3040/ : /took no more calls .* \(429\), /)
    for (const stream of [false, true]) t.match(await (await asking('token-b', stream)).text(), /"content":"hi"/)
    t.equal(evil.asked.length, 5 + 2)
    t.notMatch(proxy.log(), /token-a|token-b/)
  }
})

t.test('no capacity for three tokens in a row is no capacity for all', async t => {
  const { proxy, evil } = await start(t, () => failing(429, 3040), { AUTH_MODE: 'passthrough', MAX_RETRIES: '0' })
  for (const token of ['a', 'b', 'c']) await (await ask(proxy, chat('@cf/evil/x', false), bearer(token))).text()
  const response = await post(proxy, '/v1/responses', { model: '@cf/evil/x', input: 'x' }, bearer('d'))
  t.match({ status: response.status, attempts: response.headers.get('x-proxy-attempts'), body: await response.json() },
    { status: 429, attempts: '0', body: { error: { message: /several callers in a row/ } } })
  t.equal(evil.asked.length, 3)
})

t.test('one key\'s failures use up nobody else\'s retries', async t => {
  for (const env of [{ API_KEYS: 'key-a,key-b' }, { AUTH_MODE: 'passthrough' }]) {
    const failed = new Set<string>()
    const { proxy } = await start(t, asked => {
      if (asked.path.endsWith('/down') || !failed.has(asked.path)) {
        failed.add(asked.path)
        return ['RESET']
      }
      return answering('hi', wantsStream(asked))
    }, { ...env, MAX_RETRIES: '1' })
    await someAtOnce(8, Array.from({ length: 40 }), async () => { await (await ask(proxy, chat('@cf/evil/down', false), bearer('key-a'))).text() })
    const own = await ask(proxy, chat('@cf/evil/down', false), bearer('key-a'))
    t.equal(own.headers.get('x-proxy-attempts'), '1', 'its own are used up')
    for (const stream of [false, true]) {
      const response = await ask(proxy, chat(`@cf/evil/once-${Number(stream)}`, stream), bearer('key-b'))
      t.equal(response.headers.get('x-proxy-attempts'), '2')
      t.match(await response.text(), /"content":"hi"/)
    }
  }
})

t.test('who is let through to try and leaves keeps nobody waiting', async t => {
  const { now } = Date
  let later = 0
  Date.now = () => now() + later
  t.teardown(() => { Date.now = now })
  let script: Script = () => failing(429, 3040)
  const { proxy, evil } = await start(t, (asked, count) => script(asked, count), { MAX_RETRIES: '0' })
  const asking = (stream = false, signal?: AbortSignal) => ask(proxy, chat('@cf/evil/x', stream), { ...(signal && { signal }) })
  for (let count = 0; count < 5; count++) await (await asking()).text()
  for (const stream of [false, true]) {
    later += 16_000
    script = () => [] as Step[]
    const controller = new AbortController()
    const trial = asking(stream, controller.signal)
    const before = evil.asked.length
    await waited(() => evil.asked.length === before + 1)
    t.equal((await asking()).headers.get('x-proxy-attempts'), '0', 'the others wait for it')
    controller.abort()
    await t.rejects(trial)
    await waited(() => evil.asked.at(-1)?.isClosed === true)
    script = () => failing(400, 5006)
    t.equal((await asking()).status, 400, 'the next one is let through')
    script = () => failing(429, 3040)
    t.equal((await asking()).headers.get('x-proxy-attempts'), '1', 'and one whose request was wrong closed no circuit')
    t.equal((await asking()).headers.get('x-proxy-attempts'), '0')
  }
})

t.test('only what tells of capacity counts for that', async t => {
  for (const given of [failing(429, 4006), failing(400, 5006), failing(500, 1000), [json('', 503)], ['RESET'] as Step[], [json('{"result":')]]) {
    const { proxy, evil } = await start(t, () => given, { MAX_RETRIES: '0' })
    for (let count = 0; count < 8; count++) await (await ask(proxy, chat('@cf/evil/x', false))).text()
    t.equal(evil.asked.length, 8)
  }
})
