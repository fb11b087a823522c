import t from 'tap'
import { RedisRows } from '../../../src/stores/ledger/redis-rows.ts'
import { connect } from '../../servers/redis-client.ts'
import { NO_REDIS_SERVER as skip, startRedisServer, type RedisServer } from '../../servers/redis-server.ts'
import { row } from './ledger-contract.ts'

// Beside a program: redis-server.

const DAY = '2026-03-01'
let server: RedisServer
t.before(async () => { if (!skip) server = await startRedisServer(t) })

t.test('a row is a hash of whole numbers, and its day is a set of rows', { skip }, async t => {
  const redis = await connect(t, server)
  await new RedisRows(redis).add(1, [row(DAY, { requests: 2, inputTokens: 3, microNeurons: 1_980_000 })])
  const key = redis.key('usage', DAY, 'default:@cf/a/b:ann')
  t.strictSame(await redis.command('HGETALL', key), ['requests', '2', 'input_tokens', '3', 'micro_neurons', '1980000'], 'of what was counted, and of nothing else')
  t.strictSame(await redis.command('SMEMBERS', redis.key('usage', DAY)), ['default:@cf/a/b:ann'])
  for (const one of [key, redis.key('usage', DAY)]) {
    const ttl = Number(await redis.command('TTL', one))
    t.ok(ttl > 400 * 86_400 && ttl <= 401 * 86_400, `${one}: ${ttl} s`)
  }
})

t.test('names may have any characters, and no two rows are one', { skip }, async t => {
  const redis = await connect(t, server)
  const rows = new RedisRows(redis)
  const names = [['a:b', 'c', 'd'], ['a', 'b:c', 'd'], ['a', 'b', 'c:d'], ['a%3Ab', 'c', 'd'], ['a%', '3Ab', '%25'], ['ü\n', ' ', '*?[']] as const
  await rows.add(1, names.map(([account, model, key], index) => row(DAY, { account, model, key, requests: index + 1 })))
  const read = await rows.read(DAY, DAY)
  t.strictSame(read.map(({ account, model, key, requests }) => [account, model, key, requests]).sort((one, other) => Number(one[3]) - Number(other[3])), names.map((name, index) => [...name, index + 1]))
})

t.test('a batch counts once, however often it comes, and in whatever order', { skip }, async t => {
  const redis = await connect(t, server)
  const [one, other] = [new RedisRows(redis), new RedisRows(redis)]
  for (const number of [1, 1, 2, 1, 2, 3]) await one.add(number, [row(DAY, { requests: 1 }), row('2026-03-02', { errors: number })])
  await other.add(1, [row(DAY, { requests: 10 })])
  const read = await one.read(DAY, '2026-03-02')
  t.match(read, [{ day: DAY, requests: 13 }, { day: '2026-03-02', errors: 6 }], 'that of another writer is another')
})

t.test('a number that is none of Redis keeps nothing else from being counted', { skip }, async t => {
  const redis = await connect(t, server)
  const rows = new RedisRows(redis)
  await redis.command('HSET', redis.key('usage', DAY, 'default:@cf/a/b:bob'), 'requests', 'many')
  const largest = Number.MAX_SAFE_INTEGER
  await rows.add(1, [
    row(DAY, { requests: 1, inputTokens: 1e300, outputTokens: 1e21, microNeurons: 1.5, errors: NaN, cacheHits: -1 }),
    row(DAY, { key: 'bob', requests: 1, errors: 1 }),
    row(DAY, { key: 'cid', requests: 1 })
  ])
  const [ann, bob, cid] = await rows.read(DAY, DAY)
  t.match(ann, { requests: 1, inputTokens: largest, outputTokens: largest, microNeurons: 2, errors: 0, cacheHits: 0 })
  t.match(bob, { key: 'bob', errors: 1 })
  t.match(cid, { key: 'cid', requests: 1 })
})

t.test('many days and rows are read in pieces', { skip }, async t => {
  const redis = await connect(t, server)
  const rows = new RedisRows(redis)
  const keys = Array.from({ length: 1_201 }, (_, index) => `key-${index}`)
  for (let begin = 0, number = 0; begin < keys.length; begin += 200) await rows.add(++number, keys.slice(begin, begin + 200).map(key => row(DAY, { key, requests: 1 })))
  t.equal((await rows.read('2025-12-01', '2026-12-31')).length, keys.length)
  t.strictSame(await rows.read('2026-03-02', '2026-03-01'), [])
})
