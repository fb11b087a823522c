import { execFileSync } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { SettingsError } from '../../../src/settings/problem.ts'
import { openRedis, tryRedis } from '../../../src/stores/redis/connection.ts'
import { RedisUnavailable, type Redis } from '../../../src/stores/redis/redis.ts'
import { freePort, waited } from '../../servers/http-client.ts'
import { NO_REDIS_SERVER as skip, startRedisServer } from '../../servers/redis-server.ts'

// Beside a program: redis-server.

t.setTimeout(90_000)

const MAIN = fileURLToPath(new URL('../../../dist/main.js', import.meta.url))

interface Line { level: string, message: string, reason?: string }

async function open (t: Test, url: string, { timeoutMs = 250, prefix = 'wap:', isForLargeValues = false } = {}): Promise<{ redis: Redis, lines: Line[], seconds: number[], refused: string[] }> {
  const refused: string[] = []
  const lines: Line[] = []
  const seconds: number[] = []
  const log = {
    warn: (fields: object, message: string) => { lines.push({ level: 'warn', message, ...fields }) },
    info: (fields: object, message: string) => { lines.push({ level: 'info', message, ...fields }) }
  }
  const options = { isForLargeValues, observe: (one: number) => { seconds.push(one) }, onRefusal: (reason: string) => { refused.push(reason) } }
  const redis = await openRedis({ url, prefix, timeoutMs }, log, options)
  t.teardown(() => redis.close())
  return { redis, lines, seconds, refused }
}

/** How long it takes to fail. */
async function failing (work: () => Promise<unknown>): Promise<{ ms: number, error: unknown }> {
  const start = performance.now()
  const error = await work().then(() => undefined, (error: unknown) => error)
  return { ms: performance.now() - start, error }
}

t.test('commands, pipelines and scripts', { skip }, async t => {
  const server = await startRedisServer(t)
  const { redis, lines, seconds } = await open(t, server.url)
  t.equal(redis.isUp, true)
  t.equal(redis.key('usage', '2026-11-29'), 'wap:usage:2026-11-29')
  const key = redis.key('a')
  t.equal(await redis.command('SET', key, 'höh'), 'OK')
  t.equal(await redis.command('GET', key), 'höh')
  const bytes = Buffer.from([0, 255, 13, 10])
  await redis.command('SET', key, bytes)
  t.strictSame(await redis.commandBuffer('GET', key), bytes)
  t.strictSame(await redis.pipeline([['SET', key, 1], ['INCRBY', key, 4], ['GET', key]]), ['OK', 5, '5'])
  t.strictSame(await redis.pipeline([['SET', key, 1], ['INCR', key]], { isAtomic: true }), ['OK', 2])
  await t.rejects(redis.pipeline([['SET', key, 'x'], ['INCR', key]]), RedisUnavailable, 'the first failure of any')
  const script = { name: 'echo', lua: 'return {KEYS[1], ARGV[1], ARGV[2]}' }
  t.strictSame(await redis.script(script, [key], ['a', 7]), [key, 'a', '7'])
  await server.tell('SCRIPT FLUSH')
  t.strictSame(await redis.script(script, [key], ['a', 7]), [key, 'a', '7'], 'it is given the script again')
  t.strictSame(lines, [])
  t.ok(seconds.length > 5 && seconds.every(one => one >= 0 && one < 1))
})

t.test('a database and a user of its own', { skip }, async t => {
  const server = await startRedisServer(t)
  await server.tell('ACL SETUSER proxy on >p:w/1 ~wap:* +@read +@write +@scripting +@connection +@transaction +info +time')
  const url = `redis://proxy:${encodeURIComponent('p:w/1')}@127.0.0.1:${server.port}/3`
  const { redis, lines } = await open(t, url)
  await redis.command('SET', redis.key('a'), '1')
  await redis.pipeline([['HINCRBY', redis.key('h'), 'f', 1], ['PEXPIRE', redis.key('h'), 1000]], { isAtomic: true })
  t.equal(await redis.script({ name: 'time', lua: "redis.call('ZADD', KEYS[1], 1, 'a') return redis.call('TIME')[1]" }, [redis.key('z')], []).then(answer => Number(answer) > 0), true)
  t.match(await server.tell('INFO keyspace'), /db3:keys=\d/)
  t.strictSame(lines, [])
})

t.test('what is wrong with the address stops the start, and nothing of its password is told', { skip }, async t => {
  const server = await startRedisServer(t, ['--requirepass', 'right-0815'])
  const own = `127.0.0.1:${server.port}`
  const http = createServer(socket => { socket.end('HTTP/1.1 400 Bad Request\r\n\r\n') }).listen(0, '127.0.0.1')
  t.teardown(() => http.close())
  await new Promise(resolve => http.once('listening', resolve))
  const weak = await startRedisServer(t)
  await weak.tell('ACL SETUSER weak on >pw-4711 ~wap:* +@read +@connection')
  const cases = [
    { url: `redis://:wrong-4711@${own}`, expected: /REDIS_URL: Redis refuses the user name or the password in it$/ },
    { url: `redis://me:wrong-4711@${own}`, expected: /refuses the user name or the password/ },
    { url: `redis://${own}`, expected: /REDIS_URL: Redis wants a password/ },
    { url: `redis://:right-0815@${own}/99`, expected: /REDIS_URL: Redis refuses the database/ },
    { url: `redis://127.0.0.1:${(http.address() as AddressInfo).port}`, expected: /REDIS_URL: what answers there does not speak the protocol/ },
    { url: `redis://weak:pw-4711@127.0.0.1:${weak.port}`, expected: /REDIS_URL: its user may not do what.*Allow ~wap:\* \+@read/ }
  ]
  for (const { url, expected } of cases) {
    const error = await openRedis({ url, prefix: 'wap:', timeoutMs: 250 }, { warn: () => {}, info: () => {} }).then(() => undefined, (error: unknown) => error)
    t.ok(error instanceof SettingsError, url)
    t.match((error as Error | undefined)?.message, expected)
    t.notMatch((error as Error | undefined)?.message, /4711|0815/)
  }
  const { redis } = await open(t, `redis://:right-0815@${own}`)
  t.equal(await redis.command('PING'), 'PONG')
})

t.test('TLS with a certificate of an own authority', { skip }, async t => {
  const folder = t.testdir()
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  run('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Our CA')
  run('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key.pem', '-out', 'request.pem', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1')
  run('x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-copy_extensions', 'copy', '-out', 'cert.pem')
  const port = await freePort()
  const file = (name: string) => join(folder, name)
  await startRedisServer(t, ['--tls-port', String(port), '--tls-cert-file', file('cert.pem'), '--tls-key-file', file('key.pem'), '--tls-ca-cert-file', file('ca.pem'), '--tls-auth-clients', 'no'])
  const url = `rediss://127.0.0.1:${port}`
  await t.rejects(tryRedis({ url, prefix: 'wap:', timeoutMs: 1_000 }), { name: 'SettingsError', message: /REDIS_URL: the certificate of Redis is not trusted .*NODE_EXTRA_CA_CERTS/ })
  // Node reads the authority at its start, so it is a process of its own that trusts it.
  const doctor = execFileSync(process.execPath, [MAIN, 'doctor', '--no-run'], {
    cwd: folder,
    env: { UPSTREAM: 'simulator', REDIS_URL: url, REDIS_TIMEOUT_MS: '2000', NODE_EXTRA_CA_CERTS: file('ca.pem') },
    encoding: 'utf8'
  })
  t.match(doctor, /^ok +redis +(?:Redis|Valkey) \d+\.[\d.]+ answered in [\d.]+ ms; maxmemory-policy is noeviction\.$/m)
  await t.rejects(tryRedis({ url: `redis://127.0.0.1:${port}`, prefix: 'wap:', timeoutMs: 1_000 }), 'TLS is not spoken where the address says nothing of it')
})

t.test('one that cannot be reached is warned of once, and is there when it comes', { skip }, async t => {
  const server = await startRedisServer(t)
  await server.kill()
  const { redis, lines } = await open(t, server.url)
  t.equal(redis.isUp, false)
  const { ms, error } = await failing(() => redis.command('PING'))
  t.ok(ms < 20, `${ms} ms`)
  t.match(error, { name: 'RedisUnavailable', wasSent: false })
  let backs = 0
  redis.onBack(() => { backs++ })
  redis.onBack(() => { backs += 10 })()
  await sleep(300)
  await server.start()
  await waited(() => backs > 0)
  t.equal(await redis.command('PING'), 'PONG')
  t.equal(backs, 1)
  t.match(lines, [{ level: 'warn', reason: 'ECONNREFUSED' }, { level: 'info', message: 'Redis is back' }])
  t.equal(lines.length, 2)
  await t.rejects(tryRedis({ url: `redis://127.0.0.1:${await freePort()}`, prefix: 'wap:', timeoutMs: 250 }), RedisUnavailable)
})

t.test('one that is killed is away at once, and back by itself', { skip }, async t => {
  const server = await startRedisServer(t)
  const { redis, lines } = await open(t, server.url)
  await server.kill()
  await waited(() => !redis.isUp)
  const all = await Promise.all(Array.from({ length: 100 }, () => failing(() => redis.command('PING'))))
  t.ok(all.every(({ ms, error }) => ms < 50 && error instanceof RedisUnavailable))
  await server.start()
  t.ok(await waited(() => redis.isUp) < 3_000)
  t.strictSame(lines.map(({ level }) => level), ['warn', 'info'])
})

t.test('one that is frozen costs three waits at most, and nobody waits after that', { skip }, async t => {
  const server = await startRedisServer(t)
  const { redis, lines } = await open(t, server.url, { timeoutMs: 100 })
  await redis.command('SET', redis.key('n'), 0)
  server.freeze()
  const start = performance.now()
  const waits = []
  for (let count = 0; count < 20; count++) waits.push(await failing(() => redis.command('INCR', redis.key('n'))))
  t.ok(performance.now() - start < 3 * 100 + 150, `${performance.now() - start} ms`)
  t.equal(waits.filter(({ ms }) => ms > 50).length, 3)
  t.ok(waits.every(({ error }) => error instanceof RedisUnavailable))
  t.strictSame(waits.slice(0, 4).map(({ error }) => (error as RedisUnavailable).wasSent), [true, true, true, false])
  server.thaw()
  await waited(() => redis.isUp)
  t.equal(await redis.command('GET', redis.key('n')), '3', 'what was sent is done all the same')
  t.match(lines, [{ level: 'warn', reason: 'timeout' }, { level: 'info' }])
})

t.test('a process that is busy has only not read its answer', { skip }, async t => {
  const server = await startRedisServer(t)
  const { redis, lines } = await open(t, server.url, { timeoutMs: 50 })
  for (let count = 0; count < 5; count++) {
    const answer = redis.command('PING')
    await new Promise(resolve => setImmediate(resolve))
    const until = performance.now() + 120
    while (performance.now() < until);
    t.equal(await answer, 'PONG')
  }
  t.strictSame(lines, [])
})

t.test('one that refuses to write counts as away', { skip }, async t => {
  const server = await startRedisServer(t)
  const { redis, lines } = await open(t, server.url)
  await server.tell('CONFIG SET maxmemory 1')
  for (let count = 0; count < 3; count++) t.match((await failing(() => redis.command('SET', redis.key('a'), 'b'))).error, { name: 'RedisUnavailable', reason: 'OOM' })
  t.equal(redis.isUp, false)
  await sleep(1_300)
  t.equal(redis.isUp, false, 'though it accepts connections')
  await server.tell('CONFIG SET maxmemory 0')
  await waited(() => redis.isUp)
  t.strictSame(lines.map(({ level }) => level), ['warn', 'info'])
})

t.test('one that refuses a command for what it says is there', { skip }, async t => {
  const server = await startRedisServer(t)
  const { redis, lines, refused } = await open(t, server.url)
  await redis.command('SET', redis.key('a'), 'b')
  const work = [() => redis.command('HGET', redis.key('a'), 'f'), () => redis.command('NONE'), () => redis.script({ name: 'bad', lua: "return cjson.decode('{')" }, [], [])]
  for (let count = 0; count < 9; count++) await t.rejects(work[count % 3]?.() ?? Promise.resolve(), { name: 'RedisUnavailable', wasSent: true })
  t.equal(redis.isUp, true)
  t.strictSame(refused.slice(0, 3), ['WRONGTYPE', 'ERR', 'ERR'])
  t.strictSame(lines, [])
})

t.test('large values have time while they move, and one that is frozen has none', { skip }, async t => {
  const server = await startRedisServer(t)
  const { redis, lines } = await open(t, server.url, { timeoutMs: 200, isForLargeValues: true })
  const value = Buffer.alloc(22 * 1_048_576, 'x')
  await Promise.all([1, 2, 3].map(number => redis.command('SET', redis.key(`${number}`), value)))
  const got = await Promise.all(Array.from({ length: 9 }, (_, index) => redis.commandBuffer('GET', redis.key(`${index % 3 + 1}`))))
  t.ok(got.every(one => value.equals(one as Buffer)))
  t.strictSame(lines, [])
  server.freeze()
  t.ok((await failing(() => redis.command('PING'))).ms < 1_500)
  server.thaw()
})

t.test('what it drops when it is full is warned of; and it is asked for itself', { skip }, async t => {
  const server = await startRedisServer(t, ['--maxmemory-policy', 'allkeys-lru'])
  const { lines } = await open(t, server.url)
  t.match(lines, [{ level: 'warn', message: /maxmemory-policy allkeys-lru/ }])
  const { ms, facts } = await tryRedis({ url: server.url, prefix: 'wap:', timeoutMs: 250 })
  t.ok(ms >= 0 && ms < 250)
  t.match(facts, { name: /redis|valkey/, version: /^\d+\./, policy: 'allkeys-lru' })
})

t.test('a closed one is silent', { skip }, async t => {
  const server = await startRedisServer(t)
  const { redis, lines } = await open(t, server.url)
  await redis.close()
  await redis.close()
  await t.rejects(redis.command('PING'), RedisUnavailable)
  await sleep(50)
  t.strictSame(lines, [])
})
