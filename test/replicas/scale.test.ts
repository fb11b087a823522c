import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { RedisAnswers } from '../../src/stores/answers/redis.ts'
import { RedisLedger } from '../../src/stores/ledger/redis.ts'
import { RedisRows } from '../../src/stores/ledger/redis-rows.ts'
import type { LimitedKey, Reservation } from '../../src/stores/limits/limits.ts'
import { RedisLimits } from '../../src/stores/limits/redis.ts'
import { RedisStore } from '../../src/stores/responses/redis.ts'
import type { Redis } from '../../src/stores/redis/redis.ts'
import type { KeptResponse } from '../../src/surfaces/openai/responses/wire.ts'
import { someAtOnce } from '../faults/some-at-once.ts'
import { startBuiltServer } from '../servers/built-server.ts'
import { connect } from '../servers/redis-client.ts'
import { NO_REDIS_SERVER as skip, startRedisServer, type RedisServer } from '../servers/redis-server.ts'
import { ask, saying } from '../servers/start-proxy.ts'
import { row } from '../stores/ledger/ledger-contract.ts'
import { stored } from '../stores/responses/store-contract.ts'

// Beside a program: redis-server.

const DAY = '2026-03-01'
const NOON = Date.UTC(2026, 2, 1, 12)
const HOUR_MS = 3_600_000
const PAGE = readFileSync(new URL('../../docs/scale.md', import.meta.url), 'utf8')

/** What docs/scale.md says in the row of a table that begins with these words: the number of its last cell. */
function said (words: string): number {
  const line = PAGE.split('\n').find(line => line.startsWith(`| ${words}`))
  const cell = line?.split('|').at(-2) ?? ''
  return Number(/[\d,.]+/.exec(cell)?.[0].replaceAll(',', ''))
}

function isAbout (t: Test, measured: number, words: string, share: number): void {
  const expected = said(words)
  t.ok(Math.abs(measured / expected - 1) <= share, `${words}: measured ${measured.toFixed(1)}, docs/scale.md says ${expected}`)
}

/** What commands have cost so far: calls, and microseconds of the server's CPU. */
async function costOf ({ tell }: RedisServer, command: string): Promise<{ calls: number, usec: number }> {
  const [, calls = '0', usec = '0'] = new RegExp(`^cmdstat_${command}:calls=(\\d+),usec=(\\d+)`, 'm').exec(await tell('INFO commandstats')) ?? []
  return { calls: Number(calls), usec: Number(usec) }
}

async function bytesOf (redis: Redis, pattern: string): Promise<{ keys: number, bytes: number }> {
  const keys = await redis.command('KEYS', redis.key(pattern)) as string[]
  const sizes = await redis.pipeline(keys.map(key => ['MEMORY', 'USAGE', key, 'SAMPLES', '0'])) as number[]
  return { keys: keys.length, bytes: sizes.reduce((sum, bytes) => sum + bytes, 0) }
}

t.test('a hundred replicas book into one ledger: exactly, and each asks no more than ten times a second', { skip }, async t => {
  const server = await startRedisServer(t)
  const ledgers = await Promise.all(Array.from({ length: 100 }, async () => new RedisLedger({ redis: await connect(t, server, { prefix: 'n:', timeoutMs: 5_000 }), now: () => NOON })))
  t.teardown(() => Promise.all(ledgers.map(ledger => ledger.close())))
  const before = await costOf(server, 'evalsha')
  const [turns, atOnce] = [20, 10]
  const startedAt = performance.now()
  for (let turn = 0; turn < turns; turn++) {
    for (const [index, ledger] of ledgers.entries()) {
      for (let count = 0; count < atOnce; count++) ledger.add([{ account: 'default', model: '@cf/a/b', key: `key-${(index + count) % 50}`, requests: 1, inputTokens: 7, microNeurons: 1_234_567 }])
    }
    await sleep(10)
  }
  for (const ledger of ledgers) await ledger.read(DAY, DAY)
  const rows = await ledgers[0]?.read(DAY, DAY) ?? []
  const booked = ledgers.length * turns * atOnce
  t.equal(rows.reduce((sum, { requests }) => sum + requests, 0), booked)
  t.equal(rows.reduce((sum, { microNeurons }) => sum + microNeurons, 0), booked * 1_234_567)
  const { calls, usec } = await costOf(server, 'evalsha')
  const seconds = (performance.now() - startedAt) / 1_000
  t.ok(calls - before.calls <= ledgers.length * (10 * seconds + 5), `${calls - before.calls} calls in ${seconds.toFixed(1)} s for ${booked} requests`)
  t.comment(`${booked} requests, ${calls - before.calls} calls, ${(usec / calls).toFixed(1)} µs of Redis each`)
})

t.test('a hundred replicas let pass what one would, and no budget is left by more than a call', { skip }, async t => {
  const server = await startRedisServer(t)
  const replicas = await Promise.all(Array.from({ length: 100 }, async () => new RedisLimits({ redis: await connect(t, server, { prefix: 'l:', timeoutMs: 5_000 }), now: () => NOON, leaseMs: 600_000 })))
  t.teardown(() => Promise.all(replicas.map(limits => limits.close())))
  // Their first beat is over, and the next one comes after this test: what they ask by themselves is not counted here.
  await Promise.all(replicas.map(limits => limits.beat()))
  const demand = { inputTokens: 10, outputTokens: 20, microNeurons: 7_000_000 }
  const rates: LimitedKey = { id: 'rates', limits: { rpm: 1_000, tpm: 1_000_000 } }
  const before = await costOf(server, 'evalsha')
  const outcomes = await Promise.all(replicas.flatMap(limits => Array.from({ length: 40 }, () => limits.reserve(rates, demand))))
  const passed = outcomes.filter(outcome => outcome.kind === 'reserved')
  t.equal(passed.length, 1_000, 'of 4,000 tries')
  await Promise.all(passed.map(outcome => outcome.settle({ tokens: 25, microNeurons: 0 })))
  t.equal((await costOf(server, 'evalsha')).calls - before.calls, 4_000 + passed.length, 'one call to reserve, one to settle')

  const money: LimitedKey = { id: 'money', limits: { neurons_per_day: 1_000 } }
  const spent = { tokens: 25, microNeurons: 5_000_000 }
  await Promise.all(replicas.map(async limits => {
    for (let outcome = await limits.reserve(money, demand); outcome.kind === 'reserved'; outcome = await limits.reserve(money, demand)) await outcome.settle(spent)
  }))
  const used = (await replicas[0]?.budgets(money))?.day?.used ?? 0
  t.ok(used > 1_000_000_000 - demand.microNeurons * replicas.length && used <= 1_000_000_000 + spent.microNeurons, `${used / 1e6} of 1,000 neurons`)
})

t.test('what a call costs Redis', { skip }, async t => {
  const server = await startRedisServer(t)
  const redis = await connect(t, server, { timeoutMs: 5_000 })
  const rows = new RedisRows(redis)
  const measure = async (words: string, command: string, count: number, work: (index: number) => Promise<unknown>) => {
    await work(0)
    const before = await costOf(server, command)
    for (let index = 1; index <= count; index++) await work(index)
    const { calls, usec } = await costOf(server, command)
    t.equal(calls - before.calls, count, `${words}: one call each`)
    // A busy machine takes several times as long; a call that became another kind of work takes a hundred times.
    const each = (usec - before.usec) / count
    t.ok(each < 8 * said(words), `${words}: ${each.toFixed(1)} µs, docs/scale.md says ${said(words)}`)
  }
  await measure('one row of the ledger', 'evalsha', 1_000, index => rows.add(index + 1, [row(DAY, { key: `key-${index % 100}`, requests: 1, inputTokens: 5, outputTokens: 5, microNeurons: 5 })]))
  const limits = new RedisLimits({ redis })
  t.teardown(() => limits.close())
  const key: LimitedKey = { id: 'ann', limits: { rpm: 1_000_000, tpm: 1_000_000_000, parallel: 10_000, neurons_per_day: 1_000_000 } }
  const held: Reservation[] = []
  await measure('a request with limits is reserved', 'evalsha', 500, async () => {
    const outcome = await limits.reserve(key, { inputTokens: 10, outputTokens: 20, microNeurons: 7 })
    if (outcome.kind === 'reserved') held.push(outcome)
  })
  await measure('a request with limits is settled', 'evalsha', 500, async index => { await held[index]?.settle({ tokens: 25, microNeurons: 5 }) })
  const store = new RedisStore<KeptResponse>(redis, { maxBytes: 1e9, ttlMs: HOUR_MS, now: Date.now })
  await measure('a response of 2 items is stored', 'eval', 500, index => store.put('ann', stored(`r${index}`, 'x'.repeat(1_000))))
  await measure('a response is read', 'eval', 500, index => store.get('ann', `r${index}`))
  const answers = new RedisAnswers(redis)
  await measure('an answer is kept', 'set', 500, index => answers.set(`k${index}`, Buffer.alloc(2_000), 60))
  await measure('an answer is looked for', 'get', 500, index => answers.get(`k${index}`))
})

t.test('what is kept in Redis takes as much as is said', { skip }, async t => {
  const server = await startRedisServer(t)
  const redis = await connect(t, server, { timeoutMs: 5_000 })
  const rows = new RedisRows(redis)
  const counts = { requests: 1_234, inputTokens: 123_456, cachedInputTokens: 1_234, outputTokens: 123_456, microNeurons: 1_234_567_890, estimatedMicroNeurons: 12_345 }
  for (let number = 1; number <= 20; number++) {
    await rows.add(number, Array.from({ length: 100 }, (_, index) => row(DAY, { model: '@cf/meta/llama-3.3-70b-instruct-fp8-fast', key: `team-${number}-${index}`, ...counts })))
  }
  const usage = await bytesOf(redis, 'usage:*')
  t.equal(usage.keys, 2_001)
  isAbout(t, usage.bytes / 2_000, 'a row of the ledger', 0.15)
  isAbout(t, (await bytesOf(redis, 'usage-writer:*')).bytes, 'a process that writes to the ledger', 0.15)
  const limits = new RedisLimits({ redis })
  for (let index = 0; index < 200; index++) {
    const outcome = await limits.reserve({ id: `team-${index}`, limits: { rpm: 100, tpm: 100_000, rpd: 1_000, neurons_per_day: 1_000, neurons_per_month: 10_000 } }, { inputTokens: 10, outputTokens: 20, microNeurons: 7_000_000 })
    if (outcome.kind === 'reserved') await outcome.settle({ tokens: 25, microNeurons: 5_123_456 })
  }
  await limits.close()
  isAbout(t, (await bytesOf(redis, 'limit:*')).bytes / 200, 'a key with limits', 0.15)
  const store = new RedisStore<KeptResponse>(redis, { maxBytes: 1e9, ttlMs: HOUR_MS, now: Date.now })
  for (let index = 0; index < 500; index++) await store.put(`owner-${index % 5}`, stored(`resp_${String(index).padStart(48, '0')}`, 'x'.repeat(1_000)))
  const text = JSON.stringify(stored(`resp_${'0'.repeat(48)}`, 'x'.repeat(1_000))).length
  const responses = await Promise.all(['resp:*', 'bytes:*', 'sizes:*', 'items:*'].map(pattern => bytesOf(redis, pattern)))
  isAbout(t, responses.reduce((sum, { bytes }) => sum + bytes, 0) / 500 - text, 'a stored response of 2 items, beside its text', 0.15)
  for (let index = 0; index < 100; index++) await new RedisAnswers(redis).set(`${index}`.padStart(43, 'x'), Buffer.alloc(1_000), 60)
  isAbout(t, (await bytesOf(redis, 'answer:*')).bytes / 100 - 1_000, 'an answer that is kept, beside its text', 0.3)
})

t.test('a request without limits, conversations and kept answers asks Redis for nothing but its share of a batch', { skip }, async t => {
  const server = await startRedisServer(t)
  const replica = await startBuiltServer(t, { REDIS_URL: server.url })
  const total = async () => {
    const calls = await Promise.all(['evalsha', 'eval', 'multi', 'get', 'set'].map(command => costOf(server, command)))
    return calls.map(({ calls }) => calls)
  }
  await (await ask(replica, saying('say hi'))).text()
  await sleep(300)
  const [before, startedAt] = [await total(), performance.now()]
  await someAtOnce(8, Array.from({ length: 400 }), async () => { await (await ask(replica, saying('say hi'))).text() })
  const seconds = (performance.now() - startedAt) / 1_000
  await sleep(300)
  const [scripts = 0, others = 0, transactions = 0, gets = 0, sets = 0] = (await total()).map((calls, index) => calls - (before[index] ?? 0))
  t.ok(scripts > 0 && scripts <= 10 * seconds + 2, `${scripts} batches of 400 requests in ${seconds.toFixed(1)} s`)
  t.strictSame([others, transactions], [0, 0])
  t.strictSame([gets, sets], [scripts, scripts], 'the number of each batch, and nothing else')
})

t.test('what a dashboard reads takes as long as is said, and nobody waits for it', { skip }, async t => {
  const server = await startRedisServer(t)
  const redis = await connect(t, server, { timeoutMs: 5_000 })
  const rows = new RedisRows(redis)
  const keys = 5_000
  for (let begin = 0; begin < keys; begin += 200) {
    await rows.add(begin / 200 + 1, Array.from({ length: 200 }, (_, index) => row(DAY, { key: `key-${begin + index}`, requests: 1, outputTokens: 5 })))
  }
  const before = await costOf(server, 'evalsha')
  let longest = 0
  let last = performance.now()
  const beats = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 1)
  const startedAt = performance.now()
  t.equal((await rows.read(DAY, DAY)).length, keys)
  const ms = performance.now() - startedAt
  clearInterval(beats)
  const { calls, usec } = await costOf(server, 'evalsha')
  t.equal(calls - before.calls, keys / 500)
  t.ok((usec - before.usec) / keys < 40, `${((usec - before.usec) / keys).toFixed(1)} µs of Redis for each row`)
  t.ok(longest < Math.max(250, ms / 2), `the event loop waited ${longest.toFixed(0)} ms of ${ms.toFixed(0)}`)
})
