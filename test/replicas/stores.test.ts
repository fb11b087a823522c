import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { serve } from '../servers/cluster-server.ts'
import { startBuiltServer, type BuiltServer } from '../servers/built-server.ts'
import { frames, json, LAST_CHUNK, startRawUpstream, STREAM_HEAD, wantsStream, type RawUpstream } from '../servers/raw-upstream.ts'
import { callsOf, connect, DURABLE } from '../servers/redis-client.ts'
import { NO_REDIS_SERVER as skip, startRedisServer, type RedisServer } from '../servers/redis-server.ts'
import { LLAMA, post, saying } from '../servers/start-proxy.ts'

// Beside a program: redis-server.

t.setTimeout(120_000)
t.jobs = 3

/** One key for all, of a name that may stand in a ledger. */
const HEADERS = { authorization: 'Bearer key-of-ann' }
const PATIENCE_MS = 20_000

interface Pair {
  redis: RedisServer
  upstream: RawUpstream
  one: BuiltServer
  other: BuiltServer
  /** What the upstream has billed so far, in micro-neurons. */
  billed: () => number
}

/** Two built servers with one Redis, in front of one upstream whose every answer says `answer N` and states its neurons. */
async function startPair (t: Test, env: Record<string, string> = {}): Promise<Pair> {
  const redis = await startRedisServer(t, DURABLE)
  let billed = 0
  const upstream = await startRawUpstream(t, (asked, count) => {
    const microNeurons = (count * 7_919) % 5_000_000 + 1
    billed += microNeurons
    const [response, usage] = [`answer ${count}`, { prompt_tokens: 5, completion_tokens: 2, neurons: microNeurons / 1e6 }]
    if (wantsStream(asked)) return [STREAM_HEAD, frames({ response }, { response: '', usage }, '[DONE]'), LAST_CHUNK]
    return [json({ result: { response, usage }, success: true, errors: [], messages: [] })]
  })
  const start = () => startBuiltServer(t, { CLOUDFLARE_API_BASE_URL: upstream.url, REDIS_URL: redis.url, API_KEYS: 'ann:key-of-ann', ADMIN_KEYS: 'ops:key-of-ops', ...env })
  const [one, other] = await Promise.all([start(), start()])
  return { redis, upstream, one, other, billed: () => billed }
}

interface Told {
  status: number
  headers: Headers
  body: any
}

async function told (response: Response): Promise<Told> {
  const text = await response.text()
  // The last event with a response, where it is a stream.
  const [last = text] = text.split('\n').filter(line => line.startsWith('data: {') && line.includes('"response":{')).slice(-1).map(line => line.slice(6))
  const body = JSON.parse(last)
  return { status: response.status, headers: response.headers, body: last === text ? body : body.response }
}

async function respond (server: BuiltServer, body: object): Promise<Told> {
  return await told(await post(server, '/v1/responses', { model: LLAMA, ...body }, { headers: HEADERS }))
}

async function get (server: BuiltServer, path: string, method = 'GET'): Promise<Told> {
  return await told(await fetch(server.url + path, { method, headers: HEADERS }))
}

async function usageOf (server: BuiltServer): Promise<Told> {
  return await told(await fetch(`${server.url}/usage`, { headers: { authorization: 'Bearer key-of-ops' } }))
}

/** Asks until something holds. */
async function until<T> (ask: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(20)) {
    const value = await ask()
    if (isSo(value)) return value
    if (Date.now() > end) throw new Error(`never so: ${isSo}, but ${JSON.stringify(value)}`)
  }
}

t.test('a conversation goes from replica to replica', { buffered: true, skip }, async t => {
  const { upstream, one, other } = await startPair(t)
  for (const stream of [false, true]) {
    const first = await respond(one, { input: 'My name is Ann.', stream })
    t.match(first, { status: 200, body: { id: /^resp_/, status: 'completed' } })
    const second = await respond(other, { input: 'What is my name?', previous_response_id: first.body.id, stream })
    t.equal(second.status, 200)
    const third = await respond(one, { input: 'Say it again.', previous_response_id: second.body.id, stream })
    t.equal(third.status, 200)
    const { messages } = JSON.parse(upstream.asked.at(-1)?.body ?? '') as { messages: Array<{ role: string, content: string }> }
    t.match(messages.map(({ content }) => content), ['My name is Ann.', /^answer \d+$/, 'What is my name?', /^answer \d+$/, 'Say it again.'], stream ? 'streamed' : 'plain')
    t.strictSame((await get(one, `/v1/responses/${second.body.id}`)).body.output, second.body.output)
    t.equal((await get(other, `/v1/responses/${third.body.id}/input_items`)).body.data.length, 5)

    const [item] = first.body.output
    const referring = await respond(other, { input: [{ type: 'item_reference', id: item.id }, { role: 'user', content: 'Again?' }], stream })
    t.equal(referring.status, 200)
    t.match(upstream.asked.at(-1)?.body, item.content[0].text, 'an item too')

    t.match(await get(other, `/v1/responses/${first.body.id}`, 'DELETE'), { status: 200, body: { deleted: true } })
    t.equal((await get(one, `/v1/responses/${first.body.id}`)).status, 404)
    t.match(await respond(one, { input: 'Hello?', previous_response_id: first.body.id }), { status: 400, body: { error: { code: 'previous_response_not_found' } } })
  }
  const stranger = await fetch(`${other.url}/v1/responses/${(await respond(one, { input: 'Hi' })).body.id}`, { headers: { authorization: 'Bearer key-of-bob' } })
  t.equal(stranger.status, 401)
})

t.test('names in Redis have no secret and no content, and every key ends by itself', { buffered: true, skip }, async t => {
  const { redis, one, other } = await startPair(t, { ANSWER_CACHE_TTL_SECONDS: '60', KEY_LIMITS: '{"ann":{"rpm":1000,"neurons_per_day":1000}}' })
  const { body } = await respond(one, { input: [{ type: 'message', id: 'msg_of-the-caller', role: 'user', content: 'Words of mine.' }] })
  await respond(other, { input: 'More words.', previous_response_id: body.id })
  await (await post(one, '/v1/chat/completions', saying('Words of mine.', { temperature: 0 }), { headers: HEADERS })).text()
  await until(() => usageOf(other), ({ body }) => body.totals.requests === 3)
  const client = await connect(t, redis, { prefix: 'wap:' })
  const keys = (await client.command('KEYS', '*') as string[]).sort()
  t.ok(keys.every(key => key.startsWith('wap:')))
  const kinds = [...new Set(keys.map(key => key.split(':')[1]))]
  for (const kind of ['answer', 'items', 'limit', 'resp', 'stored', 'usage', 'usage-writer']) t.ok(kinds.includes(kind), kind)
  t.notMatch(keys.join('\n'), /key-of-ann|key-of-ops|words|msg_|token|account-/i)
  t.strictSame((await Promise.all(keys.map(async key => Number(await client.command('TTL', key)) > 0 ? [] : [key]))).flat(), [])
})

t.test('a conversation of thirty turns costs each turn one read', { buffered: true, skip }, async t => {
  const { redis, one, other } = await startPair(t)
  let previous: string | undefined
  let before = 0
  for (let turn = 0; turn < 30; turn++) {
    // The first brings the script of the ledger along, some time.
    if (turn === 2) before = await callsOf(redis, 'eval')
    const { body } = await respond(turn % 2 === 0 ? one : other, { input: `turn ${turn}`, ...(previous !== undefined && { previous_response_id: previous }) })
    previous = body.id
  }
  t.equal(await callsOf(redis, 'eval') - before, 2 * 28, 'and one write')
})

t.test('an answer that one replica keeps is a hit on the other', { buffered: true, skip }, async t => {
  const { redis, upstream, one, other } = await startPair(t, { ANSWER_CACHE_TTL_SECONDS: '60' })
  const ask = async (server: BuiltServer, rest: object = {}) => {
    const response = await post(server, '/v1/chat/completions', saying('How many?', { temperature: 0, ...rest }), { headers: HEADERS })
    return { cache: response.headers.get('x-proxy-cache'), text: await response.text() }
  }
  t.equal((await ask(one)).cache, 'miss')
  const hit = await until(() => ask(other), ({ cache }) => cache === 'hit')
  t.match(hit.text, '"answer 1"')
  t.match(await ask(one, { stream: true }), { cache: 'hit', text: /answer 1/ })
  const asked = upstream.asked.length
  const { body } = await until(() => usageOf(one), ({ body }) => body.totals.cache_hits === 2)
  t.equal(body.totals.requests, asked + 2)
  await redis.kill()
  t.equal((await ask(other)).cache, 'miss', 'while it is away all are misses')
  t.equal(upstream.asked.length, asked + 1)
})

t.test('while Redis is away answers are given, and nothing wrong is said', { buffered: true, skip }, async t => {
  const { redis, one, other } = await startPair(t)
  const first = await respond(one, { input: 'Keep this.' })
  for (const deed of ['freeze', 'kill'] as const) {
    await redis[deed]()
    const startedAt = performance.now()
    const unavailable = { status: 503, body: { error: { type: 'server_error', code: 'store_unavailable', param: null } } }
    t.match(await respond(other, { input: 'Go on.', previous_response_id: first.body.id }), unavailable)
    const read = await get(one, `/v1/responses/${first.body.id}`)
    t.match(read, unavailable, `${deed}: it may be there`)
    t.equal(read.headers.get('retry-after'), '5')
    t.match(await get(one, '/v1/responses/resp_of_nobody', 'DELETE'), unavailable)
    const fresh = await respond(one, { input: 'Something new.' })
    t.match(fresh, { status: 200, body: { status: 'completed' } })
    t.equal(fresh.headers.get('x-proxy-warnings'), 'store dropped')
    const streamed = await post(one, '/v1/responses', { model: LLAMA, input: 'Streamed.', stream: true }, { headers: HEADERS })
    t.match(await streamed.text(), /x-proxy-warnings: store dropped[^]*response\.completed/)
    const usage = await usageOf(one)
    t.match(usage, { status: 200, body: { partial: true } })
    t.equal(usage.headers.get('x-proxy-warnings'), 'usage partial')
    const costs = await fetch(`${one.url}/v1/organization/costs?start_time=${Math.floor(Date.now() / 1_000) - 60}`, { headers: { authorization: 'Bearer key-of-ops' } })
    t.equal(costs.headers.get('x-proxy-warnings'), 'usage partial')
    await costs.text()
    t.equal((await fetch(`${one.url}/readyz`)).status, 200)
    t.ok(performance.now() - startedAt < 4_000, `${deed}: nobody waits long (${Math.round(performance.now() - startedAt)} ms for ten requests)`)
    if (deed === 'freeze') redis.thaw()
    else await redis.start()
    await until(() => respond(other, { input: 'Go on.', previous_response_id: first.body.id }), ({ status }) => status === 200)
    const whole = await until(() => usageOf(one), ({ body }) => body.partial === undefined)
    t.equal(whole.headers.get('x-proxy-warnings'), null)
  }
})

t.test('the ledger has what was billed, to the micro-neuron, whatever became of Redis', { buffered: true, skip }, async t => {
  const { redis, one, other, billed } = await startPair(t)
  let requests = 0
  const over = new AbortController()
  const asking = [one, other].flatMap(server => Array.from({ length: 3 }, async (_, index) => {
    while (!over.signal.aborted) {
      const response = await post(server, '/v1/chat/completions', saying('Hi', { stream: index === 0 }), { headers: HEADERS })
      await response.text()
      t.equal(response.status, 200)
      requests++
    }
  }))
  for (let round = 0; round < 2; round++) {
    await sleep(300)
    await redis.kill()
    await sleep(300)
    await redis.start()
    await sleep(700)
    redis.freeze()
    await sleep(500)
    redis.thaw()
    await sleep(700)
  }
  over.abort()
  await Promise.all(asking)
  const isWhole = ({ body }: Told) => body.partial === undefined && body.totals.requests >= requests
  await until(() => usageOf(one), isWhole)
  const [{ body }, { body: same }] = [await until(() => usageOf(other), isWhole), await usageOf(one)]
  t.equal(body.totals.requests, requests)
  t.equal(Math.round(body.totals.neurons * 1e6), billed())
  t.strictSame(body, same, 'and each replica says so')
  t.match(body, { by_key: [{ key: 'ann', requests }], by_model: [{ model: LLAMA }] })
  t.comment(`${requests} requests, ${billed() / 1e6} neurons`)
})

t.test('a replica that stops has written what it knew', { buffered: true, skip }, async t => {
  const { one, other, billed } = await startPair(t)
  for (let count = 0; count < 5; count++) await (await post(one, '/v1/chat/completions', saying('Hi'), { headers: HEADERS })).text()
  one.child.kill('SIGTERM')
  t.equal(await one.ended, 0)
  const { body } = await usageOf(other)
  t.equal(body.totals.requests, 5)
  t.equal(Math.round(body.totals.neurons * 1e6), billed())
})

t.test('several workers are replicas too, and STORE_PATH is told to be of no use', { buffered: true, skip }, async t => {
  const redis = await startRedisServer(t)
  const env = { REDIS_URL: redis.url, STORE_PATH: `${t.testdir()}/store.db` }
  const [workers, single] = await Promise.all([serve(t, env), startBuiltServer(t, env)])
  for (const server of [workers, single]) t.equal(server.lines().filter(({ msg }) => String(msg).includes('STORE_PATH')).length, 1)
  const anew = async (input: string, previous?: string): Promise<Told> => {
    // A connection of its own, so that workers take turns.
    const headers = { connection: 'close' }
    return await told(await post(workers, '/v1/responses', { model: LLAMA, input, ...(previous !== undefined && { previous_response_id: previous }) }, { headers }))
  }
  let last = (await anew('say one')).body.id
  for (let turn = 0; turn < 6; turn++) {
    const next = await anew('say more', last)
    t.match(next, { status: 200, body: { id: /^resp_/ } })
    last = next.body.id
  }
  t.equal((await fetch(`${single.url}/v1/responses/${last}`)).status, 200)
  const { body } = await until(() => usageOf(single), ({ body }) => body.totals.requests === 7)
  t.equal((await usageOf(workers)).body.totals.neurons, body.totals.neurons)
  await redis.kill()
  const usage = await until(() => usageOf(workers), ({ body }) => body.partial === true)
  t.equal(usage.headers.get('x-proxy-warnings'), 'usage partial')
})
