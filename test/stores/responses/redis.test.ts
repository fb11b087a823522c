import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import type { Redis } from '../../../src/stores/redis/redis.ts'
import { RedisStore } from '../../../src/stores/responses/redis.ts'
import type { KeptResponse } from '../../../src/surfaces/openai/responses/wire.ts'
import { callsOf, connect } from '../../servers/redis-client.ts'
import { NO_REDIS_SERVER as skip, startRedisServer, type RedisServer } from '../../servers/redis-server.ts'
import { checkStore, stored } from './store-contract.ts'

// Beside a program: redis-server.

const HOUR_MS = 3_600_000
let server: RedisServer
t.before(async () => { if (!skip) server = await startRedisServer(t) })

async function open (t: Test, { prefix = `${Math.random()}:`, maxBytes = 100_000_000 } = {}): Promise<{ store: RedisStore<KeptResponse>, redis: Redis }> {
  const redis = await connect(t, server, { prefix })
  return { redis, store: new RedisStore<KeptResponse>(redis, { maxBytes, ttlMs: HOUR_MS, now: Date.now }) }
}

t.test('it keeps what every store promises', { skip }, async t => {
  const connections: Redis[] = []
  for (let count = 0; count < 20; count++) connections.push(await connect(t, server))
  await checkStore(t, limits => new RedisStore<KeptResponse>(connections.pop() as Redis, limits))
})

t.test('what one replica stores, the other continues, and deletes', { skip }, async t => {
  const [one, other] = [await open(t, { prefix: 'two:' }), await open(t, { prefix: 'two:' })]
  await one.store.put('ann', stored('a'))
  t.strictSame(await other.store.get('ann', 'a'), stored('a'))
  t.equal((await other.store.findItems('ann', ['msg_out_a'])).size, 1)
  t.equal(await other.store.delete('ann', 'a'), true)
  t.equal(await one.store.get('ann', 'a'), undefined)
})

t.test('each operation is one round trip, also for a conversation of thirty turns', { skip }, async t => {
  const { store } = await open(t)
  const items: KeptResponse['items'] = []
  for (let turn = 0; turn < 30; turn++) {
    const { response, items: [asked] } = stored(`r${turn}`)
    if (asked !== undefined) items.push(asked)
    await store.put('ann', { response, items: [...items] })
    items.push(...response.output)
  }
  const ids = items.map(({ id }) => id)
  const before = await callsOf(server, 'eval')
  t.equal((await store.get('ann', 'r29'))?.items.length, 59)
  t.equal((await store.findItems('ann', ids)).size, 60)
  t.equal(await callsOf(server, 'eval') - before, 2)
})

t.test('a long conversation is compressed', { skip }, async t => {
  const { store, redis } = await open(t)
  const long = stored('long', 'The quick brown fox jumps over the lazy dog. '.repeat(30_000))
  t.equal(await store.put('ann', long), true)
  t.strictSame(await store.get('ann', 'long'), long)
  t.ok(Number(await redis.command('STRLEN', redis.key('resp', 'ann', 'long'))) < 10_000)
  const noise = stored('noise', randomBytes(1_000_000).toString('base64'))
  await store.put('ann', noise)
  t.strictSame(await store.get('ann', 'noise'), noise)
})

t.test('what is compressed counts as what it was, and no more comes of it', { skip }, async t => {
  const { store, redis } = await open(t, { prefix: 'raw:', maxBytes: 5_000_000 })
  t.equal(await store.put('ann', stored('too-large', 'x'.repeat(3_000_000))), false)
  for (const id of ['a', 'b', 'c']) t.equal(await store.put('ann', stored(id, 'x'.repeat(1_000_000))), true)
  t.ok(Number(await redis.command('GET', 'raw:stored')) > 4_000_000)
  t.equal(await store.get('ann', 'a'), undefined, 'it made room')
  const value = await redis.commandBuffer('GET', 'raw:resp:ann:b') as Buffer
  value.writeUInt32BE(1_000, 1)
  await redis.command('SET', 'raw:resp:ann:b', value)
  await t.rejects(store.get('ann', 'b'), { code: 'ERR_BUFFER_TOO_LARGE' })
})

t.test('every key ends by itself, and none is left when everything is deleted', { skip }, async t => {
  const { store, redis } = await open(t, { prefix: 'ends:' })
  for (const owner of ['ann', 'bob']) for (const id of ['a', 'b']) await store.put(owner, stored(id))
  const keysOf = async () => (await redis.command('KEYS', 'ends:*') as string[]).filter(key => key !== 'ends:trial').sort()
  t.strictSame(await keysOf(), [
    'ends:bytes:ann', 'ends:bytes:bob', 'ends:items:ann', 'ends:items:bob', 'ends:oldest', 'ends:owners',
    'ends:resp:ann:a', 'ends:resp:ann:b', 'ends:resp:bob:a', 'ends:resp:bob:b', 'ends:sizes:ann', 'ends:sizes:bob', 'ends:stored'
  ])
  for (const key of await keysOf()) {
    const ttl = Number(await redis.command('PTTL', key))
    t.ok(ttl > HOUR_MS && ttl <= 2 * HOUR_MS, `${key}: ${ttl} ms`)
  }
  for (const owner of ['ann', 'bob']) for (const id of ['a', 'b']) t.equal(await store.delete(owner, id), true)
  t.strictSame(await keysOf(), [])
})

t.test('keys that Redis itself has dropped do no harm', { skip }, async t => {
  const { store, redis } = await open(t, { prefix: 'dropped:', maxBytes: 20_000 })
  for (const id of ['a', 'b']) await store.put('ann', stored(id, 'x'.repeat(2_000)))
  await redis.command('DEL', 'dropped:bytes:ann', 'dropped:sizes:ann', 'dropped:resp:ann:a')
  t.equal(await store.get('ann', 'a'), undefined)
  t.equal(await store.put('bob', stored('c', 'x'.repeat(4_000))), true)
  t.ok(await store.get('bob', 'c'))
  await redis.command('DEL', 'dropped:stored', 'dropped:owners')
  t.equal(await store.put('bob', stored('d', 'x'.repeat(4_000))), true)
  t.ok(await store.get('bob', 'd'))
})

t.test('many replicas store at once, and the sum is right', { skip }, async t => {
  const replicas = await Promise.all(Array.from({ length: 4 }, () => open(t, { prefix: 'sum:', maxBytes: 60_000 })))
  await Promise.all(replicas.flatMap(({ store }, replica) => Array.from({ length: 30 }, async (_, count) => {
    await store.put(`owner-${count % 3}`, stored(`r${replica}-${count}`, 'x'.repeat(count * 50)))
    if (count % 4 === 0) await store.delete(`owner-${count % 3}`, `r${replica}-${count}`)
  })))
  const [{ redis } = { redis: undefined }] = replicas
  const sizes = (await redis?.command('ZRANGE', 'sum:owners', '0', '-1', 'WITHSCORES') as string[]).flat()
  const sum = sizes.filter((_, index) => index % 2 === 1).reduce((sum, bytes) => sum + Number(bytes), 0)
  t.equal(Number(await redis?.command('GET', 'sum:stored')), sum)
  t.ok(sum > 30_000 && sum <= 60_000, `${sum} bytes`)
})

t.test('while it is away nothing is said to be unknown, and nothing is stored', { skip }, async t => {
  const redis = await startRedisServer(t)
  const store = new RedisStore<KeptResponse>(await connect(t, redis), { maxBytes: 1_000_000, ttlMs: HOUR_MS, now: Date.now })
  await store.put('ann', stored('a'))
  redis.freeze()
  const unavailable = { name: 'ProxyError', status: 503, code: 'store_unavailable', headers: { 'retry-after': '5' } }
  await t.rejects(store.get('ann', 'a'), unavailable)
  redis.thaw()
  await redis.kill()
  await t.rejects(store.get('ann', 'a'), unavailable)
  await t.rejects(store.delete('ann', 'a'), unavailable)
  await t.rejects(store.findItems('ann', ['msg_in_a']), unavailable)
  t.equal((await store.findItems('ann', [])).size, 0)
  t.equal(await store.put('ann', stored('b')), false)
})
