import t from 'tap'
import { RequestRecord } from '../../src/inference/request-record.ts'
import { MemoryLedger } from '../../src/stores/ledger/memory.ts'
import { MemoryLimits } from '../../src/stores/limits/memory.ts'
import type { RedisLimits } from '../../src/stores/limits/redis.ts'
import { RedisUnavailable } from '../../src/stores/redis/redis.ts'
import type { EndedRequest } from '../../src/telemetry/ended-requests.ts'
import { FreeAllocation, type SharedBudget } from '../../src/usage/free-allocation.ts'
import { FreeAllocations, toFreeAllocations } from '../../src/usage/free-allocations.ts'
import { recallShared, SharedAllocations, toNeuronsKey, toSharedBudget } from '../../src/usage/shared-neurons.ts'
import { CATALOGUE } from '../../src/workers-ai/models/catalogue.ts'
import type { Model, ModelId } from '../../src/workers-ai/models/model.ts'

const NOON = Date.UTC(2026, 2, 1, 12)
const MIDNIGHT = Date.UTC(2026, 2, 2)
const MICRO = 1_000_000
const LLAMA = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'
const MODEL = CATALOGUE.get(LLAMA as ModelId) as Model
/** Costs 5.3336 neurons at most. */
const tokens = { promptTokens: 200, completionTokens: 0 }
const booking = { account: 'default', model: LLAMA, key: 'ann' }
const rest = { now: () => NOON, log: { warn: () => {} } }

/** Replicas that share a budget of 10 neurons. Limits in memory stand in for those in Redis, which redis.test.ts holds to be the same. */
function start () {
  const memory = new MemoryLimits(() => NOON)
  const key = toNeuronsKey('default', 10)
  const budget = toSharedBudget({
    reserve: async (...given) => memory.reserve(...given),
    budgets: async given => memory.budgets(given),
    add: async (given, microNeurons) => memory.recall(given, { day: microNeurons, month: 0 }),
    raise: async (given, microNeurons, resetsAt) => {
      const { used = 0, resetsAt: end } = memory.budgets(given).day ?? {}
      if (end === resetsAt) memory.recall(given, { day: Math.max(0, microNeurons - used), month: 0 })
    }
  } as Pick<RedisLimits, 'reserve' | 'budgets' | 'add' | 'raise'> as RedisLimits, key)
  const replicas = [1, 2].map(() => new FreeAllocation({ account: 'default', limit: 10, guard: 'refuse', shared: budget, ...rest }))
  return { budget, replicas: replicas as [FreeAllocation, FreeAllocation], state: () => memory.budgets(key).day }
}

async function refusalOf (allocation: FreeAllocation, record: RequestRecord): Promise<unknown> {
  try {
    await allocation.admit(record, tokens, MODEL)
    return undefined
  } catch (error) {
    return error
  }
}

t.test('what one replica holds or has used, another one does not use again', async t => {
  const { replicas: [one, other], state } = start()
  const [first, second] = [new RequestRecord(), new RequestRecord()]
  await one.admit(first, tokens, MODEL)
  await Promise.all([other.admit(second, tokens, MODEL), other.admit(second, tokens, MODEL)])
  t.equal(state()?.reserved, 2 * 5_333_600, 'once for each request')
  const refused = new RequestRecord()
  t.match(await refusalOf(one, refused), { facts: { limit: 'free_allocation', max: 10, used: 0, isHeld: true }, owner: "the proxy's account" })
  t.equal(refused.refusedBy, 'free_allocation')
  one.onBooked([{ ...booking, microNeurons: 3 * MICRO }, { ...booking, account: 'another', microNeurons: MICRO }], { record: first })
  one.release({ record: first })
  one.release({ record: first })
  other.release({ record: second })
  other.release({ record: refused })
  await new Promise(resolve => setImmediate(resolve))
  t.match(state(), { used: 3 * MICRO, reserved: 0 })
  one.onBooked([{ ...booking, estimatedMicroNeurons: 8 * MICRO }], { record: new RequestRecord() })
  await new Promise(resolve => setImmediate(resolve))
  t.match(state(), { used: 11 * MICRO }, 'what nobody had held counts as well')
  t.match(await refusalOf(other, new RequestRecord()), { facts: { used: 11, retryAfterMs: 43_200_000 } })
})

t.test('a request goes on with what it holds when others have used up the rest', async t => {
  const { replicas: [one, other] } = start()
  const record = new RequestRecord()
  t.equal(one.holds(record), false)
  await one.admit(record, tokens, MODEL)
  other.onBooked([{ ...booking, microNeurons: 10 * MICRO }], { record: new RequestRecord() })
  await one.learnShared()
  t.strictSame([one.isUsedUp, one.holds(record)], [true, true])
  t.equal(await refusalOf(one, record), undefined)
  const refused = new RequestRecord()
  await refusalOf(one, refused)
  t.equal(one.holds(refused), false)
})

t.test('what was asked before 00:00 UTC is not counted after it', async t => {
  const clock = { ms: NOON }
  const shared = {
    used: async () => {
      clock.ms += 43_200_000
      return { used: 9 * MICRO, resetsAt: MIDNIGHT }
    }
  } as unknown as SharedBudget
  const allocation = new FreeAllocation({ account: 'default', limit: 10, guard: 'refuse', shared, ...rest, now: () => clock.ms })
  await allocation.learnShared()
  t.equal(allocation.remaining, 10)
})

t.test('a client that leaves while it is asked for holds nothing', async t => {
  const { replicas: [one], state } = start()
  const record = new RequestRecord()
  const admitted = one.admit(record, tokens, MODEL)
  one.release({ record })
  await admitted
  await new Promise(resolve => setImmediate(resolve))
  t.match(state(), { used: 0, reserved: 0 })
})

t.test('a client that has left before it is asked for holds nothing', async t => {
  const { replicas: [one], state } = start()
  const record = new RequestRecord()
  one.release({ record })
  await one.admit(record, tokens, MODEL)
  t.equal(state()?.reserved ?? 0, 0)
  t.equal(one.holds(record), false)
})

t.test('a replica learns what the others have used', async t => {
  const { replicas: [one, other] } = start()
  const all = new FreeAllocations([other])
  const shared = new SharedAllocations(all, all, rest.log)
  one.onBooked([{ ...booking, microNeurons: 9 * MICRO }], { record: new RequestRecord() })
  await shared.learn()
  t.match(all.facts, [{ usedMicroNeurons: 9 * MICRO }])
  t.match(other.warning(), { action: 'low' })
  one.onBooked([{ ...booking, microNeurons: MICRO }], { record: new RequestRecord() })
  const ended = { record: new RequestRecord() } as EndedRequest
  shared.onBooked([], ended)
  shared.release(ended)
  await new Promise(resolve => setImmediate(resolve))
  t.equal(other.isUsedUp, true)
})

t.test('what was used before the guard is counted once, however many replicas do so', async t => {
  const { budget, state } = start()
  const ledger = new MemoryLedger(() => NOON)
  ledger.add([{ ...booking, microNeurons: 4 * MICRO }, { ...booking, account: 'another', microNeurons: MICRO }])
  await budget.add(MICRO)
  for (let count = 0; count < 3; count++) await recallShared(budget, 'default', { ledger, now: () => NOON })
  t.equal(state()?.used, 4 * MICRO)
  await budget.add(2 * MICRO)
  await recallShared(budget, 'default', { ledger, now: () => NOON })
  t.equal(state()?.used, 6 * MICRO, 'it is never lowered')
})

t.test('nothing is counted again where Redis does not answer in time', async t => {
  const added: number[] = []
  const late = async () => { throw new RedisUnavailable('timeout', true) }
  const budget = { raise: late, used: async () => ({ used: 0, resetsAt: MIDNIGHT }), add: async one => { added.push(one) } } as Partial<SharedBudget> as SharedBudget
  const ledger = new MemoryLedger(() => NOON)
  ledger.add([{ ...booking, microNeurons: 4 * MICRO }])
  await recallShared(budget, 'default', { ledger, now: () => NOON })
  t.strictSame(added, [])
  const broken = { ...budget, raise: async () => { throw new Error('a bug') } }
  await t.rejects(recallShared(broken, 'default', { ledger, now: () => NOON }), { message: 'a bug' })
})

t.test("what was used yesterday is no use of today where this host's clock is ahead of that of Redis", async t => {
  const now = MIDNIGHT + 3
  const known = { used: 9 * MICRO, resetsAt: MIDNIGHT }
  const shared = { used: async () => known } as Partial<SharedBudget> as SharedBudget
  const allocation = new FreeAllocation({ account: 'default', limit: 10, guard: 'refuse', shared, ...rest, now: () => now })
  await allocation.learnShared()
  t.equal(allocation.remaining, 10)
  known.resetsAt += 86_400_000
  await allocation.learnShared()
  t.equal(allocation.remaining, 1)
})

t.test('a failure that nobody waits for is told, and ends nothing', async t => {
  const warned: unknown[] = []
  const fail = async () => { throw new TypeError('secret') }
  const shared: SharedBudget = { reserve: fail, add: fail, raise: fail, used: fail }
  const log = { warn: (...args: unknown[]) => { warned.push(args) } }
  const all = new FreeAllocations([new FreeAllocation({ account: 'default', limit: 10, guard: 'refuse', shared, ...rest, log })])
  const record = new RequestRecord()
  new SharedAllocations(all, all, log).onBooked([{ ...booking, microNeurons: MICRO }], { record } as EndedRequest)
  t.ok(await refusalOf(all.all[0] as FreeAllocation, record))
  all.release({ record })
  await new Promise(resolve => setImmediate(resolve))
  t.equal(warned.length, 3)
  t.match(warned, Array.from(warned, () => [{ error: 'TypeError' }, /could not be/]))
  t.notMatch(JSON.stringify(warned), /secret/)
})

t.test('it is shared only where it is refused, and there is any', async t => {
  const made: string[] = []
  const toShared = (account: string) => {
    made.push(account)
    return start().budget satisfies SharedBudget
  }
  const accounts = [{ name: 'main', plan: 'free' }, { name: 'paid', plan: 'paid' }] as const
  for (const [freeNeuronsGuard, freeNeuronsPerDay] of [['off', 10], ['warn', 10], ['refuse', 0], ['refuse', 10]] as const) {
    toFreeAllocations({ accounts, freeNeuronsGuard, freeNeuronsPerDay }, { ...rest, toShared })
  }
  t.strictSame(made, ['main'])
})
