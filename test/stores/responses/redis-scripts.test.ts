import t from 'tap'
import { DELETE, FIND, GET, PUT } from '../../../src/stores/responses/redis-scripts.ts'
import { connect } from '../../servers/redis-client.ts'
import { NO_REDIS_SERVER as skip, startRedisServer, type RedisServer } from '../../servers/redis-server.ts'

// Beside a program: redis-server.

const TTL_MS = 1_000
let server: RedisServer
t.before(async () => { if (!skip) server = await startRedisServer(t) })

t.test('what is expired goes a little at a time, whoever comes', { skip }, async t => {
  const redis = await connect(t, server, { prefix: 'e:' })
  const run = (lua: string, now: number, owner: string, ...args: Array<string | number>) => redis.command('EVAL', lua, 0, 'e:', now, TTL_MS, owner, ...args)
  const put = (now: number, owner: string, id: string) => run(PUT, now, owner, id, `{"id":"${id}"}`, `100 item-${id}`, 1_000_000)
  for (let count = 0; count < 3_500; count++) await put(10_000, `owner-${count % 70}`, `r${count}`)
  t.equal(await redis.command('GET', 'e:stored'), '350000')
  t.equal(await run(GET, 11_001, 'owner-0', 'r0'), null, 'nobody sees it')
  t.equal(await redis.command('GET', 'e:stored'), '250000', 'a thousand at most')
  t.strictSame(await run(FIND, 11_001, 'owner-69', 1_000, ' item-r69'), [1], 'nor before it is taken away')
  t.equal(await redis.command('GET', 'e:stored'), '150000')
  await put(11_001, 'ann', 'a')
  t.equal(await redis.command('GET', 'e:stored'), '50100')
  t.equal(await run(DELETE, 11_001, 'ann', 'b'), 0)
  t.equal(await redis.command('GET', 'e:stored'), '100')
  t.strictSame((await redis.command('KEYS', 'e:*') as string[]).filter(key => key !== 'e:trial').sort(), ['e:bytes:ann', 'e:items:ann', 'e:oldest', 'e:owners', 'e:resp:ann:a', 'e:sizes:ann', 'e:stored'])
})

t.test('a replica whose clock is behind uses last what it uses last', { skip }, async t => {
  const redis = await connect(t, server, { prefix: 'c:' })
  const run = (lua: string, now: number, ...args: Array<string | number>) => redis.command('EVAL', lua, 0, 'c:', now, TTL_MS, 'ann', ...args)
  const put = (now: number, id: string) => run(PUT, now, id, '{}', '100', 250)
  await put(1_764_410_000_900, 'a')
  await put(1_764_410_000_400, 'b')
  t.ok(await run(GET, 1_764_410_000_400, 'a'))
  await put(1_764_410_000_400, 'c')
  t.strictSame(await redis.command('ZRANGE', 'c:bytes:ann', '0', '-1'), ['a', 'c'])
})

t.test('of an owner whose keys ended by themselves no size stays behind', { skip }, async t => {
  const redis = await connect(t, server, { prefix: 'p:' })
  const run = (lua: string, now: number, owner: string, ...args: Array<string | number>) => redis.command('EVAL', lua, 0, 'p:', now, TTL_MS, owner, ...args)
  await run(PUT, 10_000, 'bob', 'r', '{}', '100 item', 1_000)
  await run(PUT, 10_500, 'ann', 'a', '{}', '40 item', 1_000)
  await redis.command('DEL', 'p:bytes:bob', 'p:sizes:bob', 'p:items:bob', 'p:resp:bob:r')
  t.ok(await run(GET, 11_001, 'ann', 'a'), 'whoever reads')
  t.equal(await redis.command('GET', 'p:stored'), '40')
  t.strictSame(await redis.command('ZRANGE', 'p:owners', '0', '-1', 'WITHSCORES'), [['ann', '40']])
})

t.test('items are found in pieces that fit, one response at least', { skip }, async t => {
  const redis = await connect(t, server, { prefix: 'f:' })
  const run = (lua: string, ...args: Array<string | number>) => redis.command('EVAL', lua, 0, 'f:', 10_000, TTL_MS, 'ann', ...args)
  for (const id of ['a', 'b', 'c']) await run(PUT, id, `value-${id}`, `100 in-${id} out-${id}`, 1_000)
  t.strictSame(await run(FIND, 200, ' in-a out-a none in-b in-c out-b'), [4, 'value-a', 'value-b'])
  t.strictSame(await run(FIND, 10, ' in-c out-b'), [1, 'value-c'])
})
