import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { RedisLedger } from '../../../src/stores/ledger/redis.ts'
import type { Redis } from '../../../src/stores/redis/redis.ts'
import { callsOf, connect, DURABLE } from '../../servers/redis-client.ts'
import { NO_REDIS_SERVER as skip, startRedisServer, type RedisServer } from '../../servers/redis-server.ts'
import { waited } from '../../servers/http-client.ts'
import { checkLedger, NOON } from './ledger-contract.ts'

// Beside a program: redis-server.

const DAY = ['2026-03-01', '2026-03-01'] as const
const ANN = { account: 'default', model: '@cf/a/b', key: 'ann' }
const now = () => NOON
let server: RedisServer
t.before(async () => { if (!skip) server = await startRedisServer(t) })

t.test('it keeps what every ledger promises', { skip }, async t => {
  const connections: Redis[] = []
  for (let count = 0; count < 20; count++) connections.push(await connect(t, server))
  await checkLedger(t, now => new RedisLedger({ redis: connections.pop() as Redis, now }))
})

/** Two ledgers of one deployment, each with a connection of its own. */
async function startTwo (t: Test, redis: RedisServer, prefix: string): Promise<{ ledgers: [RedisLedger, RedisLedger], lines: object[] }> {
  const lines: object[] = []
  const log = { error: (fields: object, message: string) => { lines.push({ ...fields, message }) } }
  const open = async () => {
    const ledger = new RedisLedger({ redis: await connect(t, redis, { prefix }), now, log })
    t.teardown(() => ledger.close())
    return ledger
  }
  return { ledgers: [await open(), await open()], lines }
}

async function requestsOf (ledger: RedisLedger): Promise<number> {
  return (await ledger.read(...DAY)).reduce((sum, { requests }) => sum + requests, 0)
}

t.test('what one replica books, each of them reads', { skip }, async t => {
  const { ledgers: [one, other] } = await startTwo(t, server, 'two:')
  for (let count = 0; count < 100; count++) one.add([{ ...ANN, requests: 1, microNeurons: 1_000_001 }])
  other.add([{ ...ANN, requests: 1 }, { ...ANN, key: 'bob', requests: 1 }])
  await Promise.all([one.read(...DAY), other.read(...DAY)])
  const rows = await one.read(...DAY)
  t.match(rows, [{ key: 'ann', requests: 101, microNeurons: 100_000_100 }, { key: 'bob', requests: 1 }])
  t.strictSame(await other.read(...DAY), rows)
  t.notOk(rows.isPartial)
})

t.test('what is booked in one turn is one batch', { skip }, async t => {
  const { ledgers: [ledger] } = await startTwo(t, server, 'batch:')
  const before = await callsOf(server, 'hincrby')
  for (let count = 0; count < 1_000; count++) ledger.add([{ ...ANN, key: `key-${count % 10}`, requests: 1 }])
  t.equal(await requestsOf(ledger), 1_000)
  t.equal(await callsOf(server, 'hincrby') - before, 10, 'which adds to each of its rows once')
})

t.test('a server that freezes loses nothing, and counts nothing twice', { skip }, async t => {
  const { ledgers: [one, other], lines } = await startTwo(t, server, 'frozen:')
  one.add([{ ...ANN, requests: 1 }])
  t.equal(await requestsOf(one), 1)
  // The batches reach its socket, and will be read some time; nobody hears of it.
  server.freeze()
  for (const ledger of [one, other]) ledger.add([{ ...ANN, requests: 1 }])
  await sleep(600)
  one.add([{ ...ANN, requests: 1 }])
  server.thaw()
  for (const ledger of [one, other]) await waitedFor(async () => !(await ledger.read(...DAY)).isPartial)
  t.equal(await requestsOf(one), 4)
  t.equal(await requestsOf(other), 4)
  t.strictSame(lines, [], 'who keeps the connection tells of it')
})

t.test('while it is away, what this process knows is told as what it is, and is added later', { skip }, async t => {
  const redis = await startRedisServer(t, DURABLE)
  const { ledgers: [one, other], lines } = await startTwo(t, redis, 'away:')
  one.add([{ ...ANN, requests: 1 }])
  other.add([{ ...ANN, requests: 1 }])
  t.equal(await requestsOf(other), await requestsOf(one))
  await redis.kill()
  one.add([{ ...ANN, requests: 1, microNeurons: 5 }])
  const startedAt = performance.now()
  const rows = await one.read(...DAY)
  t.match(rows, [{ requests: 2, microNeurons: 5 }])
  t.equal(rows.isPartial, true)
  t.ok(performance.now() - startedAt < 1_000, 'at once')
  for (let count = 0; count < 10_000; count++) one.add([{ ...ANN, requests: 1 }])
  await redis.start()
  await waitedFor(async () => await requestsOf(other) === 10_003 && !(await other.read(...DAY)).isPartial)
  t.equal(await requestsOf(one), 10_003)
  t.strictSame(lines, [])
})

t.test('killed, frozen and started again while two replicas book, it has everything once', { skip }, async t => {
  const redis = await startRedisServer(t, DURABLE)
  const { ledgers } = await startTwo(t, redis, 'faults:')
  let booked = 0
  const over = new AbortController()
  const booking = ledgers.map(async (ledger, index) => {
    while (!over.signal.aborted) {
      ledger.add([{ ...ANN, key: `key-${booked % 7}`, account: `account-${index}`, requests: 1, microNeurons: 1_234_567 }])
      booked++
      await sleep(1)
    }
  })
  for (let round = 0; round < 3; round++) {
    await sleep(150)
    await redis.kill()
    await sleep(150)
    await redis.start()
    await sleep(300)
    redis.freeze()
    await sleep(350)
    redis.thaw()
  }
  over.abort()
  await Promise.all(booking)
  for (const ledger of ledgers) await waitedFor(async () => !(await ledger.read(...DAY)).isPartial)
  for (const ledger of ledgers) {
    const rows = await ledger.read(...DAY)
    t.equal(rows.reduce((sum, { requests }) => sum + requests, 0), booked)
    t.equal(rows.reduce((sum, { microNeurons }) => sum + microNeurons, 0), booked * 1_234_567, 'to the micro-neuron')
  }
})

t.test('its end waits for what is not written, but not for long', { skip }, async t => {
  const redis = await startRedisServer(t, DURABLE)
  const { ledgers: [one, other], lines } = await startTwo(t, redis, 'end:')
  one.add([{ ...ANN, requests: 3 }])
  await one.close()
  t.equal(await requestsOf(other), 3)
  await redis.kill()
  other.add([{ ...ANN, requests: 2 }])
  const startedAt = performance.now()
  await other.close()
  t.ok(performance.now() - startedAt < 3_000)
  t.match(lines, [{ requests: 2, message: /may be lost/ }])
})

t.test('a server without memory is one that is away', { skip }, async t => {
  const { ledgers: [one, other] } = await startTwo(t, server, 'full:')
  await server.tell('CONFIG SET maxmemory 1')
  one.add([{ ...ANN, requests: 1 }])
  t.equal((await one.read(...DAY)).isPartial, true)
  await server.tell('CONFIG SET maxmemory 0')
  await waitedFor(async () => !(await one.read(...DAY)).isPartial)
  t.equal(await requestsOf(other), 1)
})

async function waitedFor (isSo: () => Promise<boolean>): Promise<void> {
  let is = false
  const asking = (async () => { while (!is) { is = await isSo(); await sleep(20) } })()
  await waited(() => is, 20_000)
  await asking
}
