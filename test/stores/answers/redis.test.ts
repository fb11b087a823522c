import t from 'tap'
import { RedisAnswers } from '../../../src/stores/answers/redis.ts'
import { connect } from '../../servers/redis-client.ts'
import { NO_REDIS_SERVER as skip, startRedisServer, type RedisServer } from '../../servers/redis-server.ts'

// Beside a program: redis-server.

let server: RedisServer
t.before(async () => { if (!skip) server = await startRedisServer(t) })

t.test('an answer of one replica is there for the other, byte by byte, for its time', { skip }, async t => {
  const redis = await connect(t, server, { prefix: 'a:' })
  const [one, other] = [new RedisAnswers(redis), new RedisAnswers(await connect(t, server, { prefix: 'a:' }))]
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  t.equal(await other.get('key'), undefined)
  await one.set('key', bytes, 60)
  t.strictSame(await other.get('key'), bytes)
  const ttl = Number(await redis.command('TTL', 'a:answer:key'))
  t.ok(ttl > 0 && ttl <= 60, `${ttl} s`)
})

t.test('while it is away there are none, and none is kept', { skip }, async t => {
  const redis = await startRedisServer(t)
  const answers = new RedisAnswers(await connect(t, redis))
  await answers.set('key', Buffer.from('kept'), 60)
  redis.freeze()
  t.equal(await answers.get('key'), undefined)
  redis.thaw()
  await redis.kill()
  await answers.set('other', Buffer.from('kept'), 60)
  t.equal(await answers.get('other'), undefined)
})
