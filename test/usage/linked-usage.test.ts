import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { UpstreamError } from '../../src/errors.ts'
import { RequestRecord } from '../../src/inference/request-record.ts'
import { PrimaryEnd, WorkerEnd, type LinkMessage } from '../../src/serve/links.ts'
import { MemoryLedger } from '../../src/stores/ledger/memory.ts'
import type { EndedRequest } from '../../src/telemetry/ended-requests.ts'
import { FreeAllocation } from '../../src/usage/free-allocation.ts'
import { FreeAllocations } from '../../src/usage/free-allocations.ts'
import { keepUsage, LinkedAllocation, LinkedLedger } from '../../src/usage/linked-usage.ts'
import type { ModelId } from '../../src/workers-ai/models/model.ts'
import { UpstreamCall } from '../../src/workers-ai/transport/upstream-call.ts'

const NOON = Date.UTC(2026, 2, 1, 12)
const DAY = ['2026-03-01', '2026-03-01'] as const
const LLAMA = '@cf/meta/llama-3.2-1b-instruct'
const booking = { account: 'default', model: LLAMA, key: 'ann', requests: 1, microNeurons: 3_000_000 }
const now = () => NOON

function allocation (warnings: string[] = [], now: () => number = () => NOON): FreeAllocations {
  const log = { warn: (_: object, message: string) => warnings.push(message) }
  return new FreeAllocations(['default', 'other'].map(account => new FreeAllocation({ account, limit: 10, guard: 'warn', now, log })))
}

/** A primary with two workers; what passes between them is JSON. */
function start () {
  const primary = new PrimaryEnd()
  const ledger = new MemoryLedger(now)
  const warnings: string[] = []
  const told: LinkMessage[] = []
  keepUsage(primary, ledger, allocation(warnings))
  const workers = [1, 2].map(id => {
    const worker = new WorkerEnd(message => {
      told.push(message)
      primary.receive(JSON.parse(JSON.stringify(message)), id)
    })
    const send = (message: LinkMessage) => worker.receive(JSON.parse(JSON.stringify(message)))
    primary.add(id, send)
    const own = allocation()
    return { ledger: new LinkedLedger(worker, now), own, linked: new LinkedAllocation(worker, own) }
  })
  const [one, other] = workers as [typeof workers[number], typeof workers[number]]
  return { ledger, warnings, told, one, other }
}

function ended (call?: UpstreamCall): EndedRequest {
  return { record: new RequestRecord(call ? [call] : []) } as EndedRequest
}

t.test('the primary adds up what its workers add, once a tick', async t => {
  const { ledger, told, one, other } = start()
  for (let count = 0; count < 100; count++) one.ledger.add([booking])
  other.ledger.add([booking])
  t.equal(told.length, 0)
  await turn()
  t.equal(told.length, 2)
  t.match(ledger.read(...DAY), [{ requests: 101, microNeurons: 303_000_000 }])
  t.strictSame(await other.ledger.read(...DAY), ledger.read(...DAY), 'and each of them knows')
  one.ledger.add([booking])
  t.match(await one.ledger.read(...DAY), [{ requests: 102 }], 'also what it has not told yet')
  one.ledger.add([booking])
  one.ledger.close()
  t.match(ledger.read(...DAY), [{ requests: 103 }], 'one that ends tells the rest')
})

t.test('each worker knows what is left of the free neurons', async t => {
  const { one, other } = start()
  for (const { ledger, linked } of [one, other, other]) {
    ledger.add([booking])
    await turn()
    linked.onBooked([booking], ended())
    await turn()
  }
  t.match(other.own.of('default')?.warning(), { action: 'low' }, '9 of 10')
  t.equal(other.own.of('other')?.warning(), undefined, 'of another account nothing was used')
  t.match(await one.linked.facts(), [{ usedMicroNeurons: 9_000_000, state: { name: 'default', freeLimit: 10 } }, { usedMicroNeurons: 0 }])
})

t.test('what the primary says of yesterday is not counted today', async t => {
  const clock = { ms: Date.UTC(2026, 2, 1, 23, 59, 59) }
  const own = allocation([], () => clock.ms)
  let answer: (facts: unknown) => void = () => {}
  const primary = allocation([], () => clock.ms)
  const link = { tell: () => {}, hear: () => {}, answer: () => {}, ask: () => new Promise(resolve => { answer = resolve }) }
  const linked = new LinkedAllocation(link, own)
  primary.count([{ ...booking, microNeurons: 9_000_000 }])
  linked.onBooked([], ended())
  const asked = primary.facts
  clock.ms += 2_000
  answer(asked)
  await turn()
  t.equal(own.of('default')?.remaining, 10)
  primary.count([booking])
  linked.onBooked([], ended())
  answer(primary.facts)
  await turn()
  t.equal(own.of('default')?.remaining, 7, 'what it says of today is')
})

t.test('what Cloudflare says to one of them is told once, and known to all', async t => {
  const { one, other, warnings } = start()
  for (const { linked } of [one, other]) {
    const call = new UpstreamCall(LLAMA as ModelId, 1)
    call.fail(new UpstreamError('x', { kind: 'refused', status: 429, code: 4006 }), 5)
    linked.onBooked([], ended(call))
  }
  t.equal(warnings.length, 1)
  t.match(await other.linked.facts(), [{ state: { out: { reason: 'cloudflare' } } }, { state: { out: undefined } }])
})

t.test('what the primary cannot read whole, its workers know to be partial', async t => {
  const { ledger, one } = start()
  ledger.add([booking])
  t.notOk((await one.ledger.read(...DAY)).isPartial)
  const { read } = ledger
  ledger.read = (first, last) => Object.assign(read.call(ledger, first, last), { isPartial: true as const })
  const rows = await one.ledger.read(...DAY)
  t.equal(rows.isPartial, true)
  t.match([...rows], [{ requests: 1 }])
})
