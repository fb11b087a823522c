import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { MemoryAccountStates } from '../../../src/stores/accounts/memory.ts'
import { RedisAccountStates, toMark } from '../../../src/stores/accounts/redis.ts'
import { openRedis } from '../../../src/stores/redis/connection.ts'
import { waited } from '../../servers/http-client.ts'
import { NO_REDIS_SERVER as skip, startRedisServer, type RedisServer } from '../../servers/redis-server.ts'
import { ask, saying, type Proxy } from '../../servers/start-proxy.ts'
import { refusal, SECRETS, startAccounts, startWithAccounts } from '../../servers/two-accounts.ts'
import { checkStates } from './same-for-all.ts'

// Beside a program: redis-server.

/** One replica. */
async function open (t: Test, server: Pick<RedisServer, 'url'>, now: () => number = Date.now, mark = 'f00d') {
  const redis = await openRedis({ url: server.url, prefix: 'wap:', timeoutMs: 250 }, { warn: () => {}, info: () => {} })
  t.teardown(() => redis.close())
  const states = new RedisAccountStates(redis, new MemoryAccountStates(now), new Map([['main', mark], ['backup', 'cafe']]), now)
  await states.refresh()
  return { redis, states }
}

const reasonsOf = (states: RedisAccountStates) => states.rests('main').map(({ reason }) => reason)

t.test('it does what every form does', { skip }, async t => {
  const server = await startRedisServer(t)
  const startMs = Date.now()
  const clock = { ms: startMs }
  const { states } = await open(t, server, () => clock.ms)
  const advance = async (ms: number) => {
    clock.ms += ms
    await server.tell('DEL wap:accounts:probe:main:f00d')
  }
  await checkStates(t, { states, startMs, advance })
})

t.test('what one replica learns, the others know within a second', { skip }, async t => {
  const server = await startRedisServer(t)
  const [{ states: one, redis }, { states: other }] = await Promise.all([open(t, server), open(t, server)])
  const until = Date.now() + 3_600_000
  const busy = { account: 'main', model: '@cf/a/b', reason: 'busy' as const, sinceMs: 0, untilMs: Date.now() + 60_000 }
  one.rest({ account: 'main', reason: 'quota', sinceMs: 0, untilMs: until })
  one.rest(busy)
  one.rest({ account: 'main', reason: 'failing', sinceMs: 0, untilMs: until })
  const ms = await waited(() => reasonsOf(other).includes('quota'))
  t.ok(ms < 1_500, `after ${ms} ms`)
  t.strictSame(other.rests('main').map(({ reason, model }) => [reason, model]).sort(), [['busy', '@cf/a/b'], ['quota', undefined]], 'failures in a row are its own')
  other.rest({ account: 'main', reason: 'quota', sinceMs: 0, untilMs: until - 1_000 })
  one.rest({ account: 'main', reason: 'quota', sinceMs: 0, untilMs: until + 1_000 })
  await waited(() => other.rests('main').some(({ untilMs }) => untilMs === until + 1_000))
  t.equal(await redis.command('HGET', redis.key('accounts'), 'main f00d quota'), String(until + 1_000), 'the later deadline counts')
  t.ok(Number(await redis.command('PTTL', redis.key('accounts'))) > 3_500_000, 'and nothing is kept for ever')
  const late = await open(t, server)
  t.ok(reasonsOf(late.states).includes('quota'), 'one that starts knows at once')
  other.end(other.rests('main'))
  await waited(() => !reasonsOf(one).includes('quota'))
  t.strictSame(reasonsOf(one), ['failing'])
})

t.test('one request of one replica is the probe', { skip }, async t => {
  const server = await startRedisServer(t)
  const replicas = await Promise.all([1, 2, 3].map(() => open(t, server)))
  const taken = await Promise.all(replicas.flatMap(({ states }) => [states.takeProbe('main', 'quota'), states.takeProbe('main', 'quota')]))
  t.equal(taken.filter(Boolean).length, 1)
  for (const { states } of replicas) t.ok(states.nextProbeMs('main') > Date.now() + 890_000)
})

t.test('what is ended by one does not end what another has noted since', { skip }, async t => {
  const server = await startRedisServer(t)
  const [{ states: one }, { states: other, redis }] = await Promise.all([open(t, server), open(t, server)])
  const untilMs = Date.now() + 60_000
  one.rest({ account: 'main', reason: 'quota', sinceMs: 0, untilMs })
  await waited(() => reasonsOf(other).length > 0)
  one.rest({ account: 'main', reason: 'quota', sinceMs: 0, untilMs: untilMs + 5_000 })
  await sleep(20)
  other.end([{ account: 'main', reason: 'quota', sinceMs: 0, untilMs }])
  await sleep(20)
  t.equal(await redis.command('HGET', redis.key('accounts'), 'main f00d quota'), String(untilMs + 5_000))
})

t.test('while Redis is away each goes on with what it knows, and tells it afterwards', { skip }, async t => {
  const server = await startRedisServer(t)
  const [{ states: one }, { states: other }] = await Promise.all([open(t, server), open(t, server)])
  await server.kill()
  const start = performance.now()
  one.rest({ account: 'main', reason: 'credentials', sinceMs: 0, untilMs: Date.now() + 60_000 })
  t.strictSame([reasonsOf(one), reasonsOf(other)], [['credentials'], []])
  t.equal(await one.takeProbe('main', 'credentials'), false)
  t.ok(performance.now() - start < 500)
  await server.start()
  await waited(() => reasonsOf(other).length > 0, 15_000)
  t.strictSame(reasonsOf(other), ['credentials'])
})

t.test('a mark tells credentials apart, and nothing of them', async t => {
  const marks = [['id', 'token'], ['id', 'token', undefined], ['id', 'token-2'], ['id-2', 'token'], ['id', 'token', 'gateway']].map(toMark)
  t.equal(new Set(marks).size, 5)
  for (const mark of marks) t.match(mark, /^[\da-f]{8}$/)
})

t.test('what one has noted of other credentials is passed over', { skip }, async t => {
  const server = await startRedisServer(t)
  const { states: old } = await open(t, server)
  old.rest({ account: 'main', reason: 'credentials', sinceMs: 0, untilMs: Date.now() + 60_000 })
  await sleep(20)
  const { states: renewed } = await open(t, server, Date.now, 'beef')
  t.strictSame(reasonsOf(renewed), [], 'it was started with another token')
  t.equal(await renewed.takeProbe('main', 'credentials'), true)
  const { states: same } = await open(t, server)
  t.strictSame(reasonsOf(same), ['credentials'])
})

t.test('one that starts asks again when the next probe is due', { skip }, async t => {
  const server = await startRedisServer(t)
  const { states, redis } = await open(t, server)
  states.rest({ account: 'main', reason: 'quota', sinceMs: 0, untilMs: Date.now() + 3_600_000 })
  await redis.command('PEXPIRE', 'wap:accounts:probe:main:f00d', 30_000)
  const { states: late } = await open(t, server)
  const ms = late.nextProbeMs('main') - Date.now()
  t.ok(ms > 25_000 && ms <= 30_000, `in ${ms} ms, not in a quarter of an hour`)
  await redis.command('DEL', 'wap:accounts:probe:main:f00d')
  const { states: due } = await open(t, server)
  t.ok(due.nextProbeMs('main') <= Date.now())
  t.equal(await due.takeProbe('main', 'quota'), true)
})

t.test('a Redis that was emptied ends nothing', { skip }, async t => {
  const server = await startRedisServer(t)
  const [{ states: one, redis }, { states: other }] = await Promise.all([open(t, server), open(t, server)])
  const rest = { account: 'main', reason: 'quota' as const, sinceMs: 0, untilMs: Date.now() + 60_000 }
  one.rest(rest)
  await waited(() => reasonsOf(other).length > 0)
  await redis.command('FLUSHALL')
  for (const states of [one, other]) await states.refresh()
  t.strictSame([reasonsOf(one), reasonsOf(other)], [['quota'], ['quota']])
  one.end([rest])
  await sleep(50)
  await other.refresh()
  t.strictSame(reasonsOf(other), [], 'and what is ended is ended for all')
  one.rest({ ...rest, untilMs: rest.untilMs - 1_000 })
  await sleep(50)
  await other.refresh()
  t.strictSame(reasonsOf(other), ['quota'], 'until it is noted anew')
})

t.test('what is over is forgotten', { skip }, async t => {
  const server = await startRedisServer(t)
  const clock = { ms: Date.now() }
  const { states, redis } = await open(t, server, () => clock.ms)
  const busy = { account: 'main', model: '@cf/a/b', reason: 'busy' as const, sinceMs: 0, untilMs: clock.ms + 60_000 }
  states.rest(busy)
  states.rest({ ...busy, model: 'words with spaces' })
  states.rest({ ...busy, account: 'backup' })
  states.end([busy])
  await states.refresh()
  t.equal(states.rests('main').length, 1)
  clock.ms += 60_000
  await states.refresh()
  await sleep(20)
  t.equal(await redis.command('HLEN', redis.key('accounts')), 0)
})

t.test('the first refusal reaches one request of one replica', { skip }, async t => {
  const server = await startRedisServer(t)
  const accounts = await startAccounts(t)
  const one = await startWithAccounts(t, accounts, { REDIS_URL: server.url })
  const other = await startWithAccounts(t, accounts, { REDIS_URL: server.url })
  const serve = async (proxy: Proxy) => {
    const response = await ask(proxy, saying('hi'))
    await response.text()
    return response.status
  }
  t.strictSame([await serve(one), await serve(other)], [200, 200])
  accounts.answer('main', refusal(4006, 429, 'you have used up your daily free allocation of 10,000 neurons'))
  t.equal(await serve(one), 200)
  // No longer than it takes until what was told is read: while there are requests, once a second.
  await sleep(1_000)
  t.equal(accounts.asked().filter(name => name === 'main').length, 3)
  await fetch(`${other.url}/usage`)
  await sleep(100)
  for (let count = 0; count < 5; count++) t.strictSame([await serve(one), await serve(other)], [200, 200])
  t.equal(accounts.asked().filter(name => name === 'main').length, 3, 'none asked it again')
  const keys = String(await server.tell('KEYS *')) + String(await server.tell('HGETALL wap:accounts'))
  for (const secret of SECRETS) t.notMatch(keys, secret)
})
