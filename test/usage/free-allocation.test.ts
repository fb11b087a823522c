import t from 'tap'
import { UpstreamError } from '../../src/errors.ts'
import { RequestRecord } from '../../src/inference/request-record.ts'
import { MemoryLedger } from '../../src/stores/ledger/memory.ts'
import { FreeAllocation } from '../../src/usage/free-allocation.ts'
import type { ModelId } from '../../src/workers-ai/models/model.ts'
import { UpstreamCall } from '../../src/workers-ai/transport/upstream-call.ts'

const NOON = Date.UTC(2026, 2, 1, 12)
const MIDNIGHT = Date.UTC(2026, 2, 2)
const LLAMA = '@cf/meta/llama-3.3-70b-instruct-fp8-fast' as ModelId
const booking = { account: 'default', model: LLAMA, key: 'ann' }
const quiet = { record: new RequestRecord() }

function start (limit = 10) {
  const clock = { ms: NOON }
  const warnings: Array<{ fields: object, message: string }> = []
  const free = new FreeAllocation({ limit, now: () => clock.ms, log: { warn: (fields, message) => warnings.push({ fields, message }) } })
  return { free, clock, warnings }
}

function refused (code: number | undefined, message: string): { record: RequestRecord } {
  const call = new UpstreamCall(LLAMA, 1)
  call.fail(new UpstreamError(message, { kind: 'refused', status: 429, code }))
  return { record: new RequestRecord([call]) }
}

t.test('it counts what is used, estimated too, and begins again at 00:00 UTC', t => {
  const { free, clock } = start()
  free.onBooked([{ ...booking, requests: 1 }, { ...booking, microNeurons: 3_000_000 }, { ...booking, estimatedMicroNeurons: 500_000 }], quiet)
  t.equal(free.usedMicroNeurons, 3_500_000)
  t.strictSame(free.state, { name: 'default', freeLimit: 10, out: undefined })
  clock.ms = MIDNIGHT
  t.equal(free.usedMicroNeurons, 0)
  t.end()
})

t.test('it knows what was used before the start', async t => {
  const { free } = start()
  const ledger = new MemoryLedger(() => NOON)
  ledger.add([{ ...booking, microNeurons: 4_000_000, estimatedMicroNeurons: 1 }])
  await free.recall(ledger)
  t.equal(free.usedMicroNeurons, 4_000_001)
})

t.test('Cloudflare knows better, until 00:00 UTC', t => {
  for (const [code, words] of [[4006, 'you have used up'], [3036, 'You have used up'], [undefined, 'daily free allocation of 10,000 neurons']] as const) {
    const { free, clock, warnings } = start()
    free.onBooked([{ ...booking, requests: 1, errors: 1, microNeurons: 3_000_000 }], refused(code, words))
    free.onBooked([], refused(code, words))
    t.strictSame(free.state.out, { reason: 'cloudflare', untilMs: MIDNIGHT }, String(code))
    t.match(warnings, [{ fields: { account: 'default', counted: 3, limit: 10 }, message: /fewer were counted here/ }])
    t.equal(warnings.length, 1, 'told once')
    clock.ms = MIDNIGHT
    t.equal(free.state.out, undefined)
  }
  const { free, warnings } = start()
  free.onBooked([{ ...booking, microNeurons: 11_000_000 }], refused(4006, ''))
  t.match(warnings, [{ message: /are used up$/ }], 'no surprise when as many were counted')
  free.onBooked([], refused(3040, 'Capacity temporarily exceeded'))
  t.end()
})
