import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { KeyLimits } from '../../../src/settings/key-limits.ts'
import type { Demand, LimitedKey, Refusal, Reservation } from '../../../src/stores/limits/limits.ts'
import { MemoryLimits } from '../../../src/stores/limits/memory.ts'
import { RedisLimits, type RedisLimitsOptions } from '../../../src/stores/limits/redis.ts'
import { RENEW, RESERVE, SETTLE } from '../../../src/stores/limits/scripts.ts'
import { openRedis } from '../../../src/stores/redis/connection.ts'
import type { Redis, RedisArgument, RedisScript } from '../../../src/stores/redis/redis.ts'
import { runs } from '../../property-runs.ts'
import { waited } from '../../servers/http-client.ts'
import { NO_REDIS_SERVER as skip, startRedisServer, type RedisServer } from '../../servers/redis-server.ts'
import { anyLimits, anyStep, MICRO, NOON, testLimits, toKey } from './limits-contract.ts'

// Beside a program: redis-server.

t.setTimeout(120_000)

const FOR_EVER_MS = 1e12
const SMALL: Demand = { inputTokens: 10, outputTokens: 20, microNeurons: MICRO }
const NOTHING = { tokens: 0, microNeurons: 0 }

let server: RedisServer
let count = 0

async function connect (t: Test, { url }: RedisServer = server, prefix = `t${++count}:`): Promise<Redis> {
  const redis = await openRedis({ url, prefix, timeoutMs: 250 }, { warn: () => {}, info: () => {} })
  t.teardown(() => redis.close())
  return redis
}

async function open (t: Test, options: Partial<RedisLimitsOptions> = {}): Promise<RedisLimits> {
  const limits = new RedisLimits({ redis: options.redis ?? await connect(t), ...options })
  t.teardown(() => limits.close())
  return limits
}

/** Processes that share one Redis. */
async function openTwo (t: Test, options: Partial<RedisLimitsOptions> = {}, own: RedisServer = server): Promise<[RedisLimits, RedisLimits]> {
  const prefix = `t${++count}:`
  return [await open(t, { redis: await connect(t, own, prefix), ...options }), await open(t, { redis: await connect(t, own, prefix), ...options })]
}

async function reserved (limits: RedisLimits, key: LimitedKey, demand = SMALL): Promise<Reservation> {
  const outcome = await limits.reserve(key, demand)
  if (outcome.kind === 'refused') throw new Error(`refused: ${JSON.stringify(outcome.facts)}`)
  return outcome
}

t.test('limits in Redis', { skip }, async t => {
  server = await startRedisServer(t)

  t.test('do what all do', t => {
    testLimits(t, (t, now) => open(t, { now, leaseMs: FOR_EVER_MS }))
    t.end()
  })

  t.test('refuse, tell and count the same as limits in memory, whatever comes in whatever order', async t => {
    const redis = await connect(t)
    let number = 0
    await fc.assert(fc.asyncProperty(anyLimits, fc.array(anyStep, { maxLength: 40 }), async (given, steps) => {
      let now = Date.parse('2026-11-29T12:00:00Z')
      const memory = new MemoryLimits(() => now)
      const limits = new RedisLimits({ redis, now: () => now, leaseMs: FOR_EVER_MS })
      const key = toKey(`key${++number}`, given)
      const all: Array<[Reservation, Reservation]> = []
      const same = (what: string, one: unknown, other: unknown) => {
        if (JSON.stringify(one) !== JSON.stringify(other)) throw new Error(`${what}: ${JSON.stringify(one)} and ${JSON.stringify(other)}`)
      }
      try {
        for (const step of steps) {
          if ('waitMs' in step) now += step.waitMs
          else if ('settle' in step) {
            for (const one of all[step.settle] ?? []) await one.settle(step.spent)
          } else {
            const [one, other] = [memory.reserve(key, step.reserve), await limits.reserve(key, step.reserve)]
            same('outcome', one, other)
            if (one.kind === 'reserved' && other.kind === 'reserved') all.push([one, other])
          }
          same('standing', memory.standing(key), await limits.standing(key))
          same('budgets', memory.budgets(key), await limits.budgets(key))
        }
      } finally {
        await limits.close()
      }
    }), { numRuns: runs(60) })
  })

  t.test('of many at once in two processes as many pass as there are', async t => {
    const cases: Array<{ limits: KeyLimits, passed: number }> = [
      { limits: { rpm: 50 }, passed: 50 },
      { limits: { rpd: 50 }, passed: 50 },
      { limits: { parallel: 7 }, passed: 7 },
      { limits: { tpm: 1_000 }, passed: 34 },
      { limits: { neurons_per_day: 5 }, passed: 5 },
      { limits: { neurons_per_month: 4.5 }, passed: 5 }
    ]
    for (const { limits: own, passed } of cases) {
      const now = Date.now()
      const both = await openTwo(t, { now: () => now })
      const key = toKey('alice', own)
      const outcomes = await Promise.all(Array.from({ length: 200 }, (_, index) => (both[index % 2] as RedisLimits).reserve(key, SMALL)))
      t.equal(outcomes.filter(({ kind }) => kind === 'reserved').length, passed, JSON.stringify(own))
    }
  })

  t.test('every key has a time to live, and no name has what nobody may know', async t => {
    const redis = await connect(t, server, 'ttl:')
    const limits = await open(t, { redis })
    const ids = ['alice', 'a key with spaces', `#${'x'.repeat(100)}`]
    for (const id of ids) {
      const reservation = await reserved(limits, toKey(id, { rpm: 5, tpm: 100, rpd: 9, parallel: 3, neurons_per_day: 5, neurons_per_month: 9 }))
      await reserved(limits, toKey(id, { rpm: 5 }))
      await reservation.settle({ tokens: 5, microNeurons: 7 })
    }
    await limits.beat()
    const names = await redis.command('KEYS', 'ttl:*') as string[]
    t.ok(names.includes('ttl:limit:alice') && names.includes('ttl:lease:alice') && names.includes('ttl:replicas:keys'))
    t.notMatch(names.join(' '), /spaces|xxx/)
    for (const name of names) {
      const ms = Number(await redis.command('PTTL', name))
      t.ok(ms > 0 && ms <= 32 * 86_400_000, `${name}: ${ms}`)
    }
  })

  t.test('what a process held that is gone goes back, and what it settles late counts once', async t => {
    let now = Date.parse('2026-11-29T12:00:00Z')
    const [one, other] = await openTwo(t, { now: () => now })
    const key = toKey('alice', { parallel: 1, tpm: 100, neurons_per_day: 1 })
    const lost = await reserved(one, key)
    t.equal((await other.reserve(key, SMALL)).kind, 'refused')
    now += 20_001
    const next = await reserved(other, key)
    t.match(await other.budgets(key), { day: { used: 0, reserved: MICRO } })
    await lost.settle({ tokens: 3, microNeurons: 30 })
    t.match(await other.budgets(key), { day: { used: 30, reserved: MICRO } })
    await lost.settle({ tokens: 3, microNeurons: 30 })
    await next.settle({ tokens: 4, microNeurons: 40 })
    t.match(await one.budgets(key), { day: { used: 70, reserved: 0 } })
  })

  t.test('what is in progress is held as long as it lasts', async t => {
    let now = Date.parse('2026-11-29T12:00:00Z')
    const [one, other] = await openTwo(t, { now: () => now })
    const key = toKey('alice', { parallel: 1, neurons_per_day: 9 })
    const long = await reserved(one, key)
    for (let beat = 0; beat < 8; beat++) {
      now += 5_000
      await one.beat()
      t.match(await other.reserve(key, SMALL), { kind: 'refused', facts: { limit: 'parallel' } })
    }
    await long.settle({ tokens: 1, microNeurons: 1 })
    t.equal((await other.reserve(key, SMALL)).kind, 'reserved')
  })

  t.test('a key that Redis answers an error for keeps no other from being renewed', async t => {
    let now = NOON
    const prefix = `t${++count}:`
    const redis = await connect(t, server, prefix)
    const one = await open(t, { redis, now: () => now })
    const other = await open(t, { redis: await connect(t, server, prefix), now: () => now })
    const keys = Array.from({ length: 101 }, (_, index) => toKey(`key${index}`, { parallel: 1 }))
    for (const key of keys) await reserved(one, key)
    await redis.command('SET', redis.key('limit', 'key0'), 'no hash')
    await redis.command('SET', redis.key('replicas', 'keys'), 'no set')
    for (let beat = 0; beat < 5; beat++) {
      now += 5_000
      await one.beat()
    }
    for (const key of keys.slice(1)) t.equal((await other.reserve(key, SMALL)).kind, 'refused', key.id)
  })

  t.test('a reservation that comes after its lease was renewed or settled holds nothing again', async t => {
    const redis = await connect(t)
    const now = NOON
    const numbers = [now, 20_000, '', 100, 9, 9 * MICRO, 9 * MICRO]
    const cases = [
      { name: 'renewed', before: [], after: [] },
      { name: 'settled', before: ['id', 5, 7, 7, 0, 0, 1], after: [] },
      { name: 'settled later', before: [], after: ['id', 5, 7, 7, 0, 0, 1] }
    ]
    for (const { name, before, after } of cases) {
      const keys = [redis.key('limit', name), redis.key('lease', name)]
      const run = (script: RedisScript, ...args: RedisArgument[]) => redis.script(script, keys, [...numbers, ...args])
      if (before.length > 0) await run(SETTLE, ...before)
      else await run(RENEW, 'id', 30, MICRO, MICRO)
      await run(RESERVE, 2, 'id', 10, 20, MICRO)
      if (after.length > 0) await run(SETTLE, ...after)
      const isHeld = name === 'renewed'
      const [running, perDay, day, month, tokens] = await redis.command('HMGET', keys[0] as string, 'n', 'rn', 'dh', 'mh', 'tp') as string[]
      t.strictSame([running, day, month].map(Number), isHeld ? [1, MICRO, MICRO] : [0, 0, 0], name)
      t.equal(Number(tokens) / 60_000, isHeld ? 70 : 95, `${name}: tokens`)
      t.equal(perDay, '1', `${name}: the request is counted, because nothing else did`)
    }
  })

  t.test('a number that cannot be uses up a budget, and does no more', async t => {
    const redis = await connect(t)
    const limits = await open(t, { redis, now: () => NOON, leaseMs: FOR_EVER_MS })
    const key = toKey('alice', { tpm: 100, neurons_per_day: 9, neurons_per_month: 1e12 })
    for (const amount of [1e300, Infinity, NaN, -5]) {
      await (await reserved(limits, toKey(`of ${amount}`, key.limits))).settle({ tokens: amount, microNeurons: amount })
      await limits.add(toKey(`of ${amount}`, key.limits), amount)
      t.equal((await limits.reserve(toKey(`of ${amount}`, key.limits), SMALL)).kind, amount > 0 ? 'refused' : 'reserved', String(amount))
    }
    // As versions before have left it.
    await redis.command('HSET', redis.key('limit', 'alice'), 'du', '93000000000000000000', 'de', NOON + 43_200_000, 'mu', '0', 'me', NOON + 43_200_000)
    t.match(await limits.reserve(key, SMALL), { kind: 'refused', facts: { limit: 'neurons_per_day' } })
    t.ok(((await limits.budgets(key)).day?.used ?? 0) > 9 * MICRO)
  })

  t.test('an answer that is none of a script is as none', async t => {
    const redis = await connect(t)
    const answers: unknown[] = [null, 'text', ['1', null], [0]]
    const odd: Redis = Object.assign(Object.create(redis) as Redis, {
      key: (...parts: string[]) => redis.key(...parts),
      isUp: true,
      onBack: () => () => {},
      close: async () => {},
      script: async () => answers[0],
      pipeline: async () => [answers[0]]
    })
    const limits = await open(t, { redis: odd, keys: [toKey('bob', { neurons_per_day: 9 })] })
    while (answers.length > 1) {
      const reservation = await reserved(limits, toKey('alice', { rpm: 100 }))
      await limits.beat()
      await reservation.settle({ tokens: 1, microNeurons: 1 })
      answers.shift()
    }
    t.match(await limits.reserve(toKey('carol', { rpm: 100 }), SMALL), { kind: 'refused' })
    t.match(await limits.reserve(toKey('carol', { neurons_per_day: 9 }), SMALL), { kind: 'refused' }, 'what the numbers would not refuse is refused')
  })

  t.test('what was used is raised to a figure, in its own day', async t => {
    const limits = await open(t, { now: () => NOON, leaseMs: FOR_EVER_MS })
    const key = toKey('alice', { neurons_per_day: 9 })
    const [today, yesterday] = [NOON + 43_200_000, NOON - 43_200_000]
    for (const [amount, resetsAt, used] of [[3, today, 3], [2, today, 3], [5, yesterday, 3], [5, today, 5]] as const) {
      await limits.raise(key, amount, resetsAt)
      t.match(await limits.budgets(key), { day: { used } })
    }
  })

  t.test('what is in progress is held while Redis takes its time with other things', async t => {
    const prefix = `t${++count}:`
    const redis = await connect(t, server, prefix)
    const slow: Redis = {
      key: (...parts) => redis.key(...parts),
      command: (...args) => redis.command(...args),
      commandBuffer: (...args) => redis.commandBuffer(...args),
      pipeline: async (...args) => { await sleep(30); return await redis.pipeline(...args) },
      script: async (...args) => { await sleep(30); return await redis.script(...args) },
      isUp: true,
      onBack: listener => redis.onBack(listener),
      close: () => redis.close()
    }
    const keys = Array.from({ length: 60 }, (_, index) => toKey(`key${index}`, { neurons_per_day: 9 }))
    const one = await open(t, { redis: slow, keys, leaseMs: 500 })
    const other = await open(t, { redis: await connect(t, server, prefix), leaseMs: 500 })
    const key = toKey('alice', { parallel: 1 })
    const long = await reserved(one, key)
    for (let tries = 0; tries < 12; tries++) {
      await sleep(100)
      t.equal((await other.reserve(key, SMALL)).kind, 'refused')
    }
    await long.settle(NOTHING)
  })

  t.test('the timer does that by itself', async t => {
    const [one, other] = await openTwo(t, { leaseMs: 200 })
    const key = toKey('alice', { parallel: 1 })
    const long = await reserved(one, key)
    await sleep(700)
    t.equal((await other.reserve(key, SMALL)).kind, 'refused')
    await long.settle(NOTHING)
    t.equal((await other.reserve(key, SMALL)).kind, 'reserved')
  })
})

t.test('limits while Redis is away', { skip }, async t => {
  /** As many as pass. */
  async function take (limits: RedisLimits, key: LimitedKey, most = 40): Promise<{ passed: Reservation[], refusal: Refusal | undefined }> {
    const passed: Reservation[] = []
    while (passed.length < most) {
      const outcome = await limits.reserve(key, SMALL)
      if (outcome.kind === 'refused') return { passed, refusal: outcome }
      passed.push(outcome)
    }
    return { passed, refusal: undefined }
  }

  t.test('a budget is its share of what was left, and what was used is counted once when Redis is back', async t => {
    const own = await startRedisServer(t, ['--appendonly', 'yes'])
    const [one, other] = await openTwo(t, {}, own)
    const key = toKey('alice', { rpm: 1_000, rpd: 500, neurons_per_day: 20, neurons_per_month: 100 })
    const inProgress = await reserved(one, key)
    await (await reserved(one, key)).settle({ tokens: 1, microNeurons: 7 * MICRO })
    for (const limits of [one, other, one]) await limits.beat()
    await other.standing(key)
    await own.kill()
    await sleep(20)
    const taken = [await take(one, key), await take(other, key)]
    for (const { passed, refusal } of taken) {
      t.equal(passed.length, 6, '7 of 20 are used and 1 is held; there are two of them')
      t.match(refusal?.facts, { limit: 'neurons_per_day', max: 20, isUnavailable: true, retryAfterMs: 5_000 })
    }
    const unknown = await one.reserve(toKey('bob', { neurons_per_day: 5 }), SMALL)
    t.match(unknown, { kind: 'refused', facts: { isUnavailable: true } }, 'of a key that was never seen nothing is known')
    t.equal((await one.reserve(toKey('carol', { rpm: 1 }), SMALL)).kind, 'reserved')
    t.equal((await one.reserve(toKey('carol', { rpm: 1 }), SMALL)).kind, 'refused', 'rates are held all the same')
    for (const { passed } of taken) for (const reservation of passed.slice(0, 5)) await reservation.settle({ tokens: 5, microNeurons: MICRO / 2 })
    await inProgress.settle({ tokens: 3, microNeurons: 2 * MICRO })
    await own.start()
    let used: number | undefined
    for (let tries = 0; used !== 14 * MICRO && tries < 100; tries++) {
      await sleep(50)
      used = (await other.budgets(key)).day?.used
    }
    t.equal(used, 14 * MICRO, '7, 2, and ten times a half')
    t.match(await other.budgets(key), { day: { reserved: 2 * MICRO }, month: { used: 14 * MICRO } }, 'what is still in progress is held')
    for (const limits of [one, other]) await limits.beat()
    for (const { passed } of taken) for (const reservation of passed) await reservation.settle({ tokens: 5, microNeurons: MICRO / 2 })
    t.match(await one.budgets(key), { day: { used: 15 * MICRO, reserved: 0 } })
    t.equal((await one.standing(key)).requests?.remaining, 500 - 14)
  })

  t.test('a process shares with others before its first beat', async t => {
    const own = await startRedisServer(t)
    const [one, other] = await openTwo(t, {}, own)
    const key = toKey('alice', { neurons_per_day: 10 })
    await one.standing(key)
    await other.standing(key)
    await own.kill()
    await sleep(20)
    t.equal((await take(other, key)).passed.length, 5)
  })

  t.test('what was held while Redis was away counts once when it is away again', async t => {
    const own = await startRedisServer(t)
    const redis = await connect(t, own)
    const limits = await open(t, { redis })
    const key = toKey('alice', { rpd: 100, neurons_per_day: 10 })
    await limits.standing(key)
    await own.kill()
    await sleep(20)
    const { passed } = await take(limits, key, 3)
    await own.start()
    await waited(() => redis.isUp)
    await sleep(400)
    await limits.beat()
    t.match(await limits.budgets(key), { day: { reserved: 3 * MICRO } })
    await own.kill()
    await sleep(20)
    await passed[0]?.settle({ tokens: 1, microNeurons: MICRO })
    const next = (await take(limits, key)).passed
    t.equal(next.length, 7)
    await own.start()
    await waited(() => redis.isUp)
    await sleep(400)
    for (const reservation of [...passed, ...next]) await reservation.settle({ tokens: 1, microNeurons: MICRO })
    await limits.beat()
    t.match(await limits.budgets(key), { day: { used: 10 * MICRO, reserved: 0 } })
    t.equal((await limits.standing(key)).requests?.remaining, 90)
  })

  t.test('a reservation that was made while nobody heard of it gives itself back', async t => {
    const own = await startRedisServer(t)
    const prefix = `t${++count}:`
    const redis = await connect(t, own, prefix)
    const one = await open(t, { redis, leaseMs: 1_500 })
    const other = await open(t, { redis: await connect(t, own, prefix), leaseMs: 1_500 })
    const key = toKey('alice', { parallel: 2, neurons_per_day: 9 })
    await one.beat()
    await other.beat()
    await one.standing(key)
    own.freeze()
    const start = performance.now()
    const { passed } = await take(one, key, 2)
    t.ok(performance.now() - start < 2 * 250 + 200)
    t.equal(passed.length, 2, 'meanwhile this process goes on by itself')
    own.thaw()
    await sleep(50)
    for (const reservation of passed) await reservation.settle({ tokens: 3, microNeurons: 1_000 })
    await waited(() => redis.isUp)
    t.match(await other.budgets(key), { day: { used: 2_000, reserved: 0 } }, 'and nothing is counted twice')
    t.equal((await take(other, key)).passed.length, 2)
  })

  t.test('a place is free when its request has ended, whoever gave it', async t => {
    const own = await startRedisServer(t)
    const limits = await open(t, { redis: await connect(t, own) })
    const key = toKey('alice', { parallel: 2 })
    const begun = [await reserved(limits, key), await reserved(limits, key)]
    await own.kill()
    await sleep(20)
    t.match(await limits.reserve(key, SMALL), { kind: 'refused', facts: { limit: 'parallel', max: 2, used: 2 } })
    for (const reservation of begun) await reservation.settle(NOTHING)
    const { passed, refusal } = await take(limits, key)
    t.equal(passed.length, 2)
    t.match(refusal?.facts, { limit: 'parallel', used: 2 })
    await passed[0]?.settle(NOTHING)
    t.equal((await take(limits, key)).passed.length, 1)
  })

  t.test('what Redis says later counts more than what was left when it failed once', async t => {
    const own = await startRedisServer(t)
    const redis = await connect(t, own)
    const limits = await open(t, { redis })
    const [budget, requests] = [toKey('alice', { neurons_per_day: 4, rpm: 1_000 }), toKey('bob', { rpd: 4 })]
    for (const key of [budget, requests]) await (await reserved(limits, key)).settle({ tokens: 1, microNeurons: MICRO })
    own.freeze()
    const alone = [await reserved(limits, budget), await reserved(limits, requests)]
    own.thaw()
    await sleep(100)
    t.equal(redis.isUp, true, 'it was only slow')
    for (const reservation of alone) await reservation.settle({ tokens: 1, microNeurons: MICRO })
    for (const key of [budget, requests]) {
      for (let call = 0; call < 2; call++) await (await reserved(limits, key)).settle({ tokens: 1, microNeurons: MICRO })
    }
    await own.kill()
    await sleep(20)
    t.match(await limits.reserve(budget, SMALL), { kind: 'refused', facts: { limit: 'neurons_per_day', isUnavailable: true } })
    t.match(await limits.reserve(requests, SMALL), { kind: 'refused', facts: { limit: 'rpd', used: 4 } })
  })

  t.test('what was used while Redis is away is used, also on the next day and when Redis has been asked in between', async t => {
    let now = NOON
    const own = await startRedisServer(t)
    const limits = await open(t, { redis: await connect(t, own), now: () => now, leaseMs: FOR_EVER_MS })
    const key = toKey('alice', { neurons_per_day: 5, neurons_per_month: 4 })
    const known = await reserved(limits, key)
    await own.kill()
    await sleep(20)
    await known.settle({ tokens: 1, microNeurons: MICRO })
    const { passed, refusal } = await take(limits, key)
    t.equal(passed.length, 3)
    t.match(refusal?.facts, { limit: 'neurons_per_month', max: 4, isUnavailable: true })
    await passed[0]?.settle({ tokens: 1, microNeurons: MICRO / 2 })
    now += 12 * 3_600_000
    const next = await take(limits, key)
    t.equal(next.passed.length, 1, 'a half is left of the month')
    for (const reservation of [...passed, ...next.passed]) await reservation.settle({ tokens: 1, microNeurons: MICRO })
    t.match(await limits.reserve(key, SMALL), { kind: 'refused', facts: { limit: 'neurons_per_month' } })
  })

  t.test('what is in progress is held again when Redis has lost it', async t => {
    const own = await startRedisServer(t)
    const prefix = `t${++count}:`
    const redis = await connect(t, own, prefix)
    const one = await open(t, { redis })
    const other = await open(t, { redis: await connect(t, own, prefix) })
    const key = toKey('alice', { parallel: 2, tpm: 100, neurons_per_day: 9 })
    const long = await reserved(one, key)
    await own.kill()
    await own.start()
    await waited(() => redis.isUp)
    await sleep(400)
    await one.beat()
    t.match(await other.budgets(key), { day: { reserved: MICRO } })
    t.equal((await take(other, key)).passed.length, 1)
    await long.settle({ tokens: 10, microNeurons: 5 })
    t.match(await other.budgets(key), { day: { used: 5 } })
    t.equal((await take(other, key)).passed.length, 1)
  })

  t.test('a settlement that nobody heard of counts once', async t => {
    const own = await startRedisServer(t)
    const redis = await connect(t, own)
    const limits = await open(t, { redis })
    const key = toKey('alice', { parallel: 9, neurons_per_day: 9 })
    const all = [await reserved(limits, key), await reserved(limits, key), await reserved(limits, key), await reserved(limits, key)]
    own.freeze()
    for (const reservation of all) await reservation.settle({ tokens: 3, microNeurons: 1_000 })
    t.equal(redis.isUp, false)
    own.thaw()
    await waited(() => redis.isUp)
    await sleep(400)
    await limits.beat()
    t.match(await limits.budgets(key), { day: { used: 4_000, reserved: 0 } })
    t.equal((await take(limits, key, 9)).passed.length, 9)
  })
})
