import { pino } from 'pino'
import t from 'tap'
import { toRedis } from '../../src/app/redis.ts'
import { readSettings } from '../../src/settings/reader.ts'
import { askRaw, freePort } from '../servers/http-client.ts'
import { NO_REDIS_SERVER as skip, startRedisServer } from '../servers/redis-server.ts'
import { ask, saying, startProxy } from '../servers/start-proxy.ts'

// Beside a program: redis-server.

t.test('without the setting there is nothing of it', async t => {
  t.equal(await toRedis({ storeMaxBytes: 1 }, pino({ level: 'silent' })), undefined)
  const proxy = await startProxy(t)
  t.notMatch((await askRaw(proxy, '/metrics')).body, 'redis')
})

t.test('a server whose Redis is away serves, and says so', async t => {
  const proxy = await startProxy(t, { REDIS_URL: `redis://:secret-0815@127.0.0.1:${await freePort()}` })
  t.equal((await ask(proxy, saying('say hi'))).status, 200)
  t.equal((await askRaw(proxy, '/readyz')).status, 200)
  t.match((await askRaw(proxy, '/metrics')).body, /^workers_ai_proxy_redis_up 0\n[^]*^workers_ai_proxy_redis_values_up 0$/m)
  t.match(proxy.lines().filter(({ level }) => level === 40), [{ reason: 'ECONNREFUSED', msg: /^Redis is not available/ }])
  t.notMatch(proxy.log(), '0815')
})

t.test('large values have a connection of their own, where there are any', { skip }, async t => {
  const server = await startRedisServer(t)
  const settings = { redis: { url: server.url, prefix: 'wap:', timeoutMs: 250 } }
  const connectionsOf = async () => (await server.tell('CLIENT LIST')).match(/name=workers-ai-proxy/g)?.length
  const small = await toRedis({ ...settings, storeMaxBytes: 0 }, pino({ level: 'silent' }))
  t.equal(await connectionsOf(), 1)
  t.equal(small?.values, undefined)
  t.equal(small?.families.all.length, 2)
  await small?.close()
  const both = await toRedis({ ...settings, storeMaxBytes: 1 }, pino({ level: 'silent' }))
  t.equal(await connectionsOf(), 2)
  t.equal(both?.families.isUpForValues(), true)
  t.equal(both?.families.all.length, 3)
  await both?.close()
})

t.test('the address is read as it is given', async t => {
  const settingsOf = (env: Record<string, string>) => readSettings({ env: { UPSTREAM: 'simulator', ...env }, readFile: () => 'rediss://u:p@b:1/2\n' }).settings.redis
  t.equal(settingsOf({}), undefined)
  t.strictSame(settingsOf({ VALKEY_URL: 'redis://a' }), { url: 'redis://a', prefix: 'wap:', timeoutMs: 250 })
  t.match(settingsOf({ REDIS_URL_FILE: 'f', REDIS_PREFIX: 'eu:', REDIS_TIMEOUT_MS: '99' }), { url: 'rediss://u:p@b:1/2', prefix: 'eu:', timeoutMs: 99 })
  t.match(settingsOf({ VALKEY_URL_FILE: 'f' }), { url: 'rediss://u:p@b:1/2' })
  for (const url of ['http://a', 'a:6379', 'redis:///1', 'redis://a/x', 'redis://a?b=c', 'redis://a#b', 'redis://:%E0%A4@a']) {
    t.throws(() => settingsOf({ REDIS_URL: url }), { message: /REDIS_URL: got a value \(hidden\) from the environment; expected a redis:\/\// }, url)
  }
})
