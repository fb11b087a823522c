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
  const put = (now: number, owner: string, id: string) => run(PUT, now, owner, id, `{"id":"${id}"}`, JSON.stringify({ bytes: 100, items: [`item-${id}`] }), 100, 1_000_000)
  for (let count = 0; count < 1_500; count++) await put(10_000, `owner-${count % 30}`, `r${count}`)
  t.equal(await redis.command('GET', 'e:stored'), '150000')
  t.equal(await run(GET, 11_000, 'owner-0', 'r0'), null, 'nobody sees it, before it is taken away')
  t.strictSame(await run(FIND, 11_000, 'owner-0', 'item-r0'), [])
  t.equal(await redis.command('GET', 'e:stored'), '150000')
  await put(11_001, 'ann', 'a')
  t.equal(await redis.command('GET', 'e:stored'), '50100', 'a thousand at most')
  t.equal(await run(DELETE, 11_001, 'ann', 'b'), 0)
  t.equal(await redis.command('GET', 'e:stored'), '100')
  t.strictSame((await redis.command('KEYS', 'e:*') as string[]).filter(key => key !== 'e:trial').sort(), ['e:bytes:ann', 'e:items:ann', 'e:oldest', 'e:owners', 'e:resp:ann:a', 'e:sizes:ann', 'e:stored'])
})

t.test('a replica whose clock is behind uses last what it uses last', { skip }, async t => {
  const redis = await connect(t, server, { prefix: 'c:' })
  const run = (lua: string, now: number, ...args: Array<string | number>) => redis.command('EVAL', lua, 0, 'c:', now, TTL_MS, 'ann', ...args)
  const put = (now: number, id: string) => run(PUT, now, id, '{}', JSON.stringify({ bytes: 100, items: [] }), 100, 250)
  await put(1_764_410_000_900, 'a')
  await put(1_764_410_000_400, 'b')
  t.ok(await run(GET, 1_764_410_000_400, 'a'))
  await put(1_764_410_000_400, 'c')
  t.strictSame(await redis.command('ZRANGE', 'c:bytes:ann', '0', '-1'), ['a', 'c'])
})
