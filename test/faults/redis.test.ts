import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { startBuiltServer, type BuiltServer } from '../servers/built-server.ts'
import { askRaw, waited } from '../servers/http-client.ts'
import { frames, json, LAST_CHUNK, startRawUpstream, STREAM_HEAD, wantsStream, type RawUpstream } from '../servers/raw-upstream.ts'
import { NO_REDIS_SERVER as skip, startRedisServer, type RedisServer } from '../servers/redis-server.ts'
import { ask, post } from '../servers/start-proxy.ts'

// Two servers share a real Redis, which is killed, frozen and started again under them.

// One waits for the leases of a server that is gone.
t.jobs = 3

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const MODEL = '@cf/meta/llama-3.2-1b-instruct'
const USAGE = { prompt_tokens: 6, completion_tokens: 8, total_tokens: 14 }
/** Of one answer: less than is held for it. */
const NEURONS = 0.125
/** More than the default: on a machine that is busy with tests Redis itself may have to wait for its turn. */
const TIMEOUT_MS = 1_000
const ADMIN = { authorization: 'Bearer key-of-admin' }

const LIMITS = {
  rpm: { rpm: 40 },
  rpd: { rpd: 30 },
  parallel: { parallel: 5 },
  tpm: { tpm: 500 },
  budget: { neurons_per_day: 3.2 },
  share: { neurons_per_day: 3 },
  lost: { parallel: 1, neurons_per_day: 1 },
  load: { rpm: 1_000_000, tpm: 100_000_000, parallel: 500, neurons_per_day: 1_000_000 },
  later: { rpd: 30, parallel: 8 }
}
type KeyName = keyof typeof LIMITS

interface Replicas {
  servers: [BuiltServer, BuiltServer]
  upstream: RawUpstream
  redis: RedisServer
}

function keyOf (name: KeyName): Record<string, string> {
  return { authorization: `Bearer key-of-${name}` }
}

/** Answers after 15 ms; a stream that is to stall says one word, and no more. */
function startUpstream (t: Test): Promise<RawUpstream> {
  return startRawUpstream(t, asked => {
    if (!wantsStream(asked)) return [15, json({ result: { response: 'eight words', usage: USAGE }, success: true, errors: [], messages: [] }, 200, { 'cf-ai-neurons': String(NEURONS) })]
    const begun = [15, STREAM_HEAD, frames({ response: 'eight words' })]
    return asked.body.includes('stall') ? begun : [...begun, frames({ response: '', usage: { ...USAGE, neurons: NEURONS } }, '[DONE]'), LAST_CHUNK]
  })
}

function toEnvironment ({ url }: RedisServer, upstream: RawUpstream): Record<string, string> {
  return {
    API_KEYS: Object.keys(LIMITS).map(name => `${name}:key-of-${name}`).join(','),
    ADMIN_KEYS: 'admin:key-of-admin',
    KEY_LIMITS: JSON.stringify(LIMITS),
    CLOUDFLARE_API_BASE_URL: upstream.url,
    MAX_RETRIES: '0',
    REDIS_URL: url,
    REDIS_TIMEOUT_MS: String(TIMEOUT_MS),
    LOG_LEVEL: 'info'
  }
}

async function startReplicas (t: Test, options?: string[]): Promise<Replicas> {
  const [redis, upstream] = await Promise.all([startRedisServer(t, options), startUpstream(t)])
  const env = toEnvironment(redis, upstream)
  return { redis, upstream, servers: await Promise.all([startBuiltServer(t, env), startBuiltServer(t, env)]) }
}

function chat (rest: object = {}): object {
  return { model: MODEL, max_tokens: 10, messages: [{ role: 'user', content: 'go on' }], ...rest }
}

/** Asks so often at once, by turns of one and the other, and half of it as streams. @returns the statuses */
async function burst (servers: readonly BuiltServer[], name: KeyName, count: number): Promise<number[]> {
  return await Promise.all(Array.from({ length: count }, async (_, index) => {
    const response = await ask(servers[index % servers.length] as BuiltServer, chat({ stream: index % 4 < 2 }), { headers: keyOf(name) })
    await response.text()
    return response.status
  }))
}

function passedOf (statuses: readonly number[]): number {
  return statuses.filter(status => status === 200).length
}

async function isUp (server: BuiltServer): Promise<boolean> {
  return /^workers_ai_proxy_redis_up 1$/m.test((await askRaw(server, '/metrics', { headers: ADMIN })).body)
}

async function backIn (servers: readonly BuiltServer[]): Promise<void> {
  for (const server of servers) {
    for (let tries = 0; !await isUp(server); tries++) {
      if (tries > 400) throw new Error('Redis is not back')
      await sleep(50)
    }
  }
  // Until what was counted in between is told, after a moment of jitter.
  await sleep(600)
}

t.test('one that is killed in the middle of a stream gives back its place and its neurons', { skip }, async t => {
  const { servers: [gone, other] } = await startReplicas(t)
  const stalled = await ask(gone, chat({ stream: true, messages: [{ role: 'user', content: 'stall' }], max_tokens: 200_000 }), { headers: keyOf('lost') })
  await stalled.body?.getReader().read()
  t.equal((await ask(other, chat(), { headers: keyOf('lost') })).status, 429)
  await sleep(6_000)
  t.equal((await ask(other, chat(), { headers: keyOf('lost') })).status, 429, 'it is held as long as it lasts')
  gone.child.kill('SIGKILL')
  await once(gone.child, 'close')
  const start = performance.now()
  let status = 429
  while (status === 429 && performance.now() - start < 25_000) {
    await sleep(500)
    status = (await ask(other, chat(), { headers: keyOf('lost') })).status
  }
  t.equal(status, 200)
  t.ok(performance.now() - start < 21_500, `after ${Math.round(performance.now() - start)} ms`)
})

t.test('two servers hold limits as one', { skip }, async t => {
  const { servers, upstream, redis } = await startReplicas(t, ['--appendonly', 'yes'])
  const start = performance.now()
  const rpm = passedOf(await burst(servers, 'rpm', 160))
  t.ok(rpm >= 40 && rpm <= 40 + Math.ceil((performance.now() - start) * 40 / 60_000), `${rpm} of 160 pass, where the minute has 40`)
  t.equal(passedOf(await burst(servers, 'rpd', 120)), 30)
  t.ok(passedOf(await burst(servers, 'parallel', 100)) >= 5)
  const tokensStart = performance.now()
  const tokens = (passedOf(await burst(servers, 'tpm', 80)) + passedOf(await burst(servers, 'tpm', 80))) * USAGE.total_tokens
  t.ok(tokens <= 500 + USAGE.total_tokens + (performance.now() - tokensStart) * 500 / 60_000, `${tokens} tokens`)
  let neurons = 0
  for (let round = 0; round < 8; round++) neurons += passedOf(await burst(servers, 'budget', 30)) * NEURONS
  t.ok(neurons > 3.2 - NEURONS && neurons <= 3.2 + NEURONS, `${neurons} neurons of 3.2, with one call over at most`)
  t.equal((await ask(servers[0], chat(), { headers: keyOf('budget') })).headers.get('x-should-retry'), 'false')
  const usage = JSON.parse((await askRaw(servers[1], '/usage', { headers: ADMIN })).body) as { by_key: Array<{ key: string, budget?: { used: number, reserved: number } }> }
  t.match(usage.by_key.find(({ key }) => key === 'budget')?.budget, { used: neurons, reserved: 0 }, 'each knows what both have used')
  t.ok(upstream.asked.length > 0)

  await t.test('a budget while Redis is away: each has its share, and then says so in the words of every API', async t => {
    for (const server of servers) await (await ask(server, chat(), { headers: keyOf('share') })).text()
    // Both are known to be there, and what is left is known to both.
    await sleep(5_500)
    await redis.kill()
    await waited(() => servers.every(server => server.stdout().includes('Redis is not available')))
    let passed = 0
    for (let round = 0; round < 4; round++) passed += passedOf(await burst(servers, 'share', 20))
    t.ok(passed * NEURONS > 2.75 - 2 * NEURONS && passed * NEURONS <= 2.75 + 2 * NEURONS, `${passed * NEURONS} of the 2.75 that were left`)
    const headers = keyOf('share')
    const openai = await ask(servers[0], chat(), { headers })
    t.strictSame([openai.status, openai.headers.get('retry-after')], [503, '5'])
    t.match(await openai.json(), { error: { type: 'server_error', code: 'budget_unavailable', message: /the key 'share' on neurons per day/ } })
    const responses = await post(servers[0], '/v1/responses', { model: MODEL, input: 'go on' }, { headers })
    t.strictSame([responses.status, responses.headers.get('retry-after')], [503, '5'])
    t.match(await responses.json(), { error: { code: 'budget_unavailable' } })
    const anthropic = await post(servers[0], '/v1/messages', { model: MODEL, max_tokens: 10, messages: [{ role: 'user', content: 'go on' }] }, { headers })
    t.strictSame([anthropic.status, anthropic.headers.get('retry-after')], [529, '5'])
    t.match(await anthropic.json(), { error: { type: 'overloaded_error', message: /the key 'share'/ } })
    t.equal((await askRaw(servers[0], '/readyz')).status, 200)
    await redis.start()
    await backIn(servers)
    const { by_key: keys } = JSON.parse((await askRaw(servers[0], '/usage', { headers: ADMIN })).body) as typeof usage
    t.match(keys.find(({ key }) => key === 'share')?.budget, { used: (passed + 2) * NEURONS, reserved: 0 }, 'what was used meanwhile is counted, once')
    t.equal(keys.find(({ key }) => key === 'budget')?.budget?.used, neurons, 'what was counted before is kept')
  })

  await t.test('Redis is killed, frozen and started again under load: nothing wrong is told, and nothing is slow', async t => {
    const seen: Array<{ status: number, ms: number }> = []
    const over = new AbortController()
    const load = Promise.all(Array.from({ length: 8 }, async (_, index) => {
      while (!over.signal.aborted) {
        const start = performance.now()
        const response = await ask(servers[index % 2] as BuiltServer, chat({ stream: index % 4 < 2 }), { headers: keyOf('load') })
        const text = await response.text()
        seen.push({ status: text.includes('"error"') ? 500 : response.status, ms: performance.now() - start })
      }
    }))
    await sleep(500)
    await redis.kill()
    await sleep(800)
    await redis.start()
    await backIn(servers)
    redis.freeze()
    const before = seen.length
    await sleep(3_500)
    const whileFrozen = seen.length - before
    redis.thaw()
    await backIn(servers)
    over.abort()
    await load
    t.strictSame([...new Set(seen.map(({ status }) => status))], [200], `${seen.length} answers`)
    const longest = Math.max(...seen.map(({ ms }) => ms))
    // If each of them waited, eight at once would be some thirty.
    t.ok(whileFrozen > 150, `${whileFrozen} were answered in three and a half seconds without an answer of Redis`)
    t.ok(longest < TIMEOUT_MS + 750, `the longest took ${Math.round(longest)} ms`)
    for (const server of servers) {
      const told = server.lines().filter(({ msg }) => /^Redis is/.test(String(msg))).map(({ msg }) => String(msg).slice(0, 13))
      t.strictSame(told, ['Redis is not ', 'Redis is back', 'Redis is not ', 'Redis is back', 'Redis is not ', 'Redis is back'], 'the log says so once each')
      t.strictSame(server.lines().filter(({ level }) => Number(level) >= 50), [])
    }
  })

  await t.test('and limits are exact again', async t => {
    t.equal(passedOf(await burst(servers, 'later', 8)), 8)
    const passed = passedOf(await burst(servers, 'later', 6)) + passedOf(await burst(servers, 'later', 6)) + passedOf(await burst(servers, 'later', 6))
    t.equal(passed, 18)
    t.equal(passedOf(await burst(servers, 'later', 8)), 4)
  })
})

t.test('several workers and another server hold limits as one', { skip }, async t => {
  const [redis, upstream] = await Promise.all([startRedisServer(t), startUpstream(t)])
  const env = { ...toEnvironment(redis, upstream), FREE_NEURONS_GUARD: 'refuse', FREE_NEURONS_PER_DAY: '5.3' }
  const servers = [await startBuiltServer(t, { ...env, WORKERS: '2' }), await startBuiltServer(t, env)]
  let passed = 0
  // So few at once that the free neurons have room for them.
  for (let round = 0; round < 4; round++) passed += passedOf(await burst(servers, 'rpd', 12))
  t.equal(passed, 30)

  await t.test('and the free neurons of the day too', async t => {
    for (let round = 0; round < 8; round++) passed += passedOf(await burst(servers, 'load', 20))
    t.ok(passed * NEURONS > 5.3 - NEURONS && passed * NEURONS <= 5.3 + NEURONS, `${passed * NEURONS} neurons of 5.3, with one call over at most`)
    const refused = await ask(servers[0] as BuiltServer, chat(), { headers: keyOf('load') })
    t.equal(refused.status, 429)
    t.match(await refused.json(), { error: { code: 'insufficient_quota', message: /the proxy's account on free neurons per day/ } })
    for (const server of servers) {
      const { by_account: [account] } = JSON.parse((await askRaw(server, '/usage', { headers: ADMIN })).body) as { by_account: Array<{ out_reason: string }> }
      t.match(account, { out_reason: 'free_allocation' })
    }
    await redis.kill()
    await waited(() => servers.every(server => server.stdout().includes('Redis is not available')))
    const unknown = await ask(servers[1] as BuiltServer, chat(), { headers: keyOf('load') })
    t.ok([429, 503].includes(unknown.status), 'nothing is left to be shared')
    await redis.start()
    await backIn([servers[1] as BuiltServer])
  })
})

t.test('a wrong password stops the start, of several workers too', { skip }, async t => {
  const redis = await startRedisServer(t, ['--requirepass', 'right-0815'])
  for (const WORKERS of ['1', '2']) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN], {
      cwd: t.testdir(),
      env: { UPSTREAM: 'simulator', PORT: '0', WORKERS, REDIS_URL: `redis://:wrong-4711@127.0.0.1:${redis.port}` },
      encoding: 'utf8',
      timeout: 30_000
    })
    t.equal(status, 2)
    t.match(stderr, /^workers-ai-proxy cannot start: 1 configuration error\n {2}REDIS_URL: Redis refuses the user name or the password in it\n/)
    t.notMatch(stdout + stderr, /4711/)
  }
})
