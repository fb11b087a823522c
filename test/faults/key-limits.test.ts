import t, { type Test } from 'tap'
import type { RequestRecord } from '../../src/inference/request-record.ts'
import { MemoryLimits } from '../../src/stores/limits/memory.ts'
import { startBuiltServer } from '../servers/built-server.ts'
import { waited } from '../servers/http-client.ts'
import { failing, frames, json, LAST_CHUNK, startRawUpstream, STREAM_HEAD, wantsStream, type Asked, type Step } from '../servers/raw-upstream.ts'
import { ask, post, startProxy } from '../servers/start-proxy.ts'
import { someAtOnce } from './some-at-once.ts'

const MODEL = '@cf/meta/llama-3.2-1b-instruct'
const KEY = { authorization: 'Bearer key-a' }
/** Less than is estimated of any request here. */
const USAGE = { prompt_tokens: 6, completion_tokens: 8, total_tokens: 14 }
const TOKENS = USAGE.total_tokens
/** What the model costs by the token. */
const NEURONS = (USAGE.prompt_tokens * 2_457 + USAGE.completion_tokens * 18_252) / 1e6

interface Upstream {
  url: string
  /** Calls so far, those in progress, and the most there were at once. */
  count: { all: () => number, now: () => number, most: () => number }
}

/** A Cloudflare that takes some milliseconds for each answer, and does what the last message says. */
async function startUpstream (t: Test, ms: () => number): Promise<Upstream> {
  const answered = new Set<Asked>()
  let most = 0
  const { url, asked } = await startRawUpstream(t, one => {
    most = Math.max(most, now())
    return [Math.round(ms()), ...stepsOf(one), async () => { answered.add(one) }]
  })
  const now = () => asked.filter(one => !answered.has(one) && !one.isClosed).length
  return { url, count: { all: () => asked.length, now, most: () => most } }
}

function stepsOf (asked: Asked): Step[] {
  const { messages } = JSON.parse(asked.body) as { messages: Array<{ content: string }> }
  const deed = messages.at(-1)?.content
  if (deed === 'fail') return failing(429, 3040)
  if (wantsStream(asked)) {
    const words: Step[] = ['eight ', 'words ', 'and ', 'more '].flatMap(word => [frames({ response: word }), 4])
    const end: Step[] = deed === 'break' ? ['RESET'] : deed === 'stall' ? [() => new Promise(() => {})] : [frames({ response: '', usage: USAGE }, '[DONE]'), LAST_CHUNK]
    return [STREAM_HEAD, ...words, ...end]
  }
  if (deed === 'break') return ['RESET']
  return [json({ result: { response: 'eight words', usage: USAGE }, success: true, errors: [], messages: [] }, 200, { 'cf-ai-neurons': String(NEURONS) })]
}

function chat (deed: string, rest: object = {}): object {
  return { model: MODEL, max_tokens: 10, messages: [{ role: 'user', content: deed }], ...rest }
}

function startServer (t: Test, upstream: Upstream, limits: object) {
  return startBuiltServer(t, {
    API_KEYS: 'alice:key-a',
    KEY_LIMITS: JSON.stringify({ alice: limits }),
    CLOUDFLARE_API_BASE_URL: upstream.url,
    MAX_RETRIES: '0'
  })
}

/** Asks so often at once, half of it as streams; returns how many were answered, and how long it took. */
async function burst (server: { url: string }, count: number): Promise<{ passed: number, refused: Response[], ms: number }> {
  const start = performance.now()
  const answers = await Promise.all(Array.from({ length: count }, async (_, index) => {
    const response = await ask(server, chat('go on', { stream: index % 2 === 0 }), { headers: KEY })
    const body = await response.text()
    return { response, body }
  }))
  return {
    passed: answers.filter(({ response }) => response.status === 200).length,
    refused: answers.flatMap(({ response }) => response.status === 429 ? [response] : []),
    ms: performance.now() - start
  }
}

t.test('of 200 requests at once as many pass as the minute has', async t => {
  const upstream = await startUpstream(t, () => 20)
  const server = await startServer(t, upstream, { rpm: 50 })
  const { passed, refused, ms } = await burst(server, 200)
  // The bucket is refilled while they come.
  t.ok(passed >= 50 && passed <= 50 + Math.floor(ms * 50 / 60_000), `${passed} passed within ${Math.round(ms)} ms`)
  t.equal(passed + refused.length, 200)
  t.equal(upstream.count.all(), passed, 'nothing is sent for those that are refused')
  for (const { headers } of refused) {
    t.match(headers.get('retry-after'), /^[12]$/)
    t.equal(headers.get('x-ratelimit-remaining-requests'), '0')
  }
})

t.test('no more than five of 200 requests are in progress at once', async t => {
  const upstream = await startUpstream(t, () => 30)
  const server = await startServer(t, upstream, { parallel: 5 })
  const { passed, refused } = await burst(server, 200)
  t.ok(passed >= 5)
  t.equal(passed + refused.length, 200)
  t.equal(upstream.count.most(), 5)
  for (let count = 0; count < 40; count++) {
    const five = await Promise.all(Array.from({ length: 5 }, async () => {
      const response = await ask(server, chat('go on', { stream: count % 2 === 0 }), { headers: KEY })
      await response.text()
      return response.status
    }))
    t.strictSame(five, [200, 200, 200, 200, 200], 'five after five others pass: a place is free when its answer has ended')
  }
  t.equal(upstream.count.most(), 5)
})

t.test('tokens stop at the limit of the minute, with one call over at most', async t => {
  const upstream = await startUpstream(t, () => 10)
  const server = await startServer(t, upstream, { tpm: 1_000 })
  const start = performance.now()
  let passed = 0
  for (let round = 0; round < 4; round++) passed += (await burst(server, 100)).passed
  const most = 1_000 + TOKENS + (performance.now() - start) / 60
  t.ok(passed * TOKENS <= most, `${passed * TOKENS} tokens, at most ${Math.round(most)}`)
  t.ok(passed * TOKENS + 30 >= 1_000, `${passed * TOKENS} tokens, and no more would have passed`)
  t.equal(upstream.count.all(), passed)
})

t.test('neurons stop at the budget, with one call over at most', async t => {
  const upstream = await startUpstream(t, () => 10)
  const server = await startServer(t, upstream, { neurons_per_day: 10.2 })
  let passed = 0
  for (let round = 0; round < 4; round++) passed += (await burst(server, 50)).passed
  const { refused } = await burst(server, 10)
  t.equal(refused.length, 10)
  for (const { headers } of refused) t.equal(headers.get('x-should-retry'), 'false')
  t.equal(upstream.count.all(), passed)
  t.equal(passed, Math.ceil(10.2 / NEURONS), `${passed * NEURONS} neurons: the last call may be over it`)
})

t.test('after faults, broken streams and clients that leave, nothing is held, and the sums are exact', async t => {
  const now = Date.parse('2026-11-29T12:00:00Z')
  const limits = new MemoryLimits(() => now)
  const records: RequestRecord[] = []
  const upstream = await startUpstream(t, () => Math.random() * 20)
  const own = { tpm: 1_000_000, rpm: 100_000, rpd: 100_000, parallel: 12, neurons_per_day: 1_000, neurons_per_month: 5_000 }
  const env = {
    API_KEYS: 'alice:key-a',
    KEY_LIMITS: JSON.stringify({ alice: own }),
    CLOUDFLARE_API_BASE_URL: upstream.url,
    MODEL_FALLBACKS: JSON.stringify({ [MODEL]: ['@cf/meta/llama-3.2-3b-instruct'] }),
    MAX_RETRIES: '1'
  }
  const proxy = await startProxy(t, env, {}, { limits, readers: [{ name: 'test', readsCalls: true, read: ({ record }) => { records.push(record) } }] })
  const deeds = ['go on', 'go on', 'fail', 'break', 'stall', 'leave', 'leave at once']
  const cases = Array.from({ length: 420 }, (_, index) => {
    const deed = deeds[index % deeds.length] ?? ''
    return { deed, isStream: index % 2 === 0 || deed === 'stall' || deed === 'leave', n: index % 5 === 0 ? 2 : 1, isResponse: index % 11 === 0 }
  })
  await someAtOnce(12, cases, async ({ deed, isStream, n, isResponse }) => {
    const controller = new AbortController()
    const options = { headers: KEY, signal: controller.signal }
    if (deed === 'leave at once') setTimeout(() => controller.abort(), Math.random() * 15)
    if (deed === 'stall') setTimeout(() => controller.abort(), 60)
    try {
      const response = isResponse
        ? await post(proxy, '/v1/responses', { model: MODEL, input: deed, stream: isStream }, options)
        : await ask(proxy, chat(deed, { stream: isStream, n }), options)
      if (deed === 'leave') {
        await response.body?.getReader().read()
        controller.abort()
      }
      await response.text()
    } catch {
      // It has left, or was left.
    }
  })
  const key = { id: 'alice', limits: own }
  await waited(() => records.length >= 360 && upstream.count.now() === 0)
  await waited(() => limits.budgets(key).day?.reserved === 0)
  const calls = records.flatMap(record => record.calls ?? [])
  const outcomes = new Set(calls.map(({ outcome }) => outcome))
  for (const outcome of ['ok', 'client_gone', 'truncated', 'code_3040']) t.ok(outcomes.has(outcome as 'ok'), outcome)
  const tokens = calls.reduce((sum, { usage, estimate }) => sum + (usage ?? estimate ?? { promptTokens: 0 }).promptTokens + ((usage ?? estimate)?.completionTokens ?? 0), 0)
  t.ok(tokens > 2_000, `${tokens} tokens`)
  t.equal(1_000_000 - (limits.standing(key).tokens?.remaining ?? 0), tokens, 'to the token')
  const { day, month } = limits.budgets(key)
  t.equal(day?.reserved, 0)
  t.equal(month?.used, day?.used)
  // Another model: the circuit of the one that failed may be open.
  const statuses = await Promise.all(Array.from({ length: 12 }, async () => {
    const response = await ask(proxy, chat('go on', { model: '@cf/meta/llama-3.1-8b-instruct-fp8-fast' }), { headers: KEY })
    await response.text()
    return response.status
  }))
  t.strictSame(new Set(statuses), new Set([200]), 'all twelve places are free')
})
