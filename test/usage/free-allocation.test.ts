import t from 'tap'
import { UpstreamError } from '../../src/errors.ts'
import { RequestRecord } from '../../src/inference/request-record.ts'
import { MemoryLedger } from '../../src/stores/ledger/memory.ts'
import { FreeAllocation, type FreeAllocationOptions } from '../../src/usage/free-allocation.ts'
import { CATALOGUE } from '../../src/workers-ai/models/catalogue.ts'
import type { Model, ModelId } from '../../src/workers-ai/models/model.ts'
import { UpstreamCall } from '../../src/workers-ai/transport/upstream-call.ts'
import { waited } from '../servers/http-client.ts'
import { ask, LLAMA, post, saying, startProxy } from '../servers/start-proxy.ts'

const NOON = Date.UTC(2026, 2, 1, 12)
const MIDNIGHT = Date.UTC(2026, 2, 2)
const HALF_A_DAY = 43_200_000
const MODEL = CATALOGUE.get(LLAMA) as Model
const UNPRICED = CATALOGUE.get('@cf/swiss-ai/apertus-v1.5-8b') as Model
const booking = { account: 'default', model: LLAMA, key: 'ann' }
const quiet = { record: new RequestRecord() }
/** Costs 5.3336 neurons at most. */
const tokens = { promptTokens: 200, completionTokens: 0 }

function start (given: Partial<FreeAllocationOptions> = {}) {
  const clock = { ms: NOON }
  const warnings: Array<{ fields: object, message: string }> = []
  const log: FreeAllocationOptions['log'] = { warn: (fields, message) => warnings.push({ fields, message }) }
  const free = new FreeAllocation({ account: 'default', limit: 10, guard: 'refuse', now: () => clock.ms, log, ...given })
  return { free, clock, warnings, use: (neurons: number) => free.onBooked([{ ...booking, microNeurons: neurons * 1e6 }], quiet) }
}

/** What it was refused with. */
function refusalOf (work: () => void): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    return error
  }
}

function refused (code: number | undefined, message: string): { record: RequestRecord } {
  const call = new UpstreamCall(LLAMA as ModelId, 1)
  call.fail(new UpstreamError(message, { kind: 'refused', status: 429, code }), 5)
  return { record: new RequestRecord([call]) }
}

t.test('what is used is refused beyond the limit, and begins again at 00:00 UTC', t => {
  const { free, clock, use } = start()
  free.admit(new RequestRecord(), tokens, MODEL)
  use(9)
  free.onBooked([{ ...booking, estimatedMicroNeurons: 1_000_000 }], quiet)
  const record = new RequestRecord()
  t.match(refusalOf(() => free.admit(record, tokens, MODEL)), { facts: { limit: 'free_allocation', max: 10, used: 10, retryAfterMs: HALF_A_DAY }, owner: "the proxy's account" }, 'estimated neurons count')
  t.equal(record.refusedBy, 'free_allocation')
  t.strictSame(free.state, { name: 'default', freeLimit: 10, out: { reason: 'free_allocation', untilMs: MIDNIGHT } })
  clock.ms = MIDNIGHT
  free.admit(new RequestRecord(), tokens, MODEL)
  t.equal(free.state.out, undefined)
  t.end()
})

t.test('what requests in progress may use is held until they end', t => {
  const { free } = start()
  const [first, second, third] = [new RequestRecord(), new RequestRecord(), new RequestRecord()]
  free.admit(first, tokens, MODEL)
  free.admit(first, tokens, MODEL)
  free.admit(second, tokens, MODEL)
  t.match(refusalOf(() => free.admit(third, tokens, MODEL)), { facts: { limit: 'free_allocation', used: 0, isHeld: true, retryAfterMs: 5_000 } }, 'a burst does not pass together')
  free.release({ record: first })
  free.release({ record: first })
  free.admit(third, tokens, MODEL)
  t.throws(() => free.admit(new RequestRecord(), tokens, MODEL), 'what was freed is freed once')
  t.end()
})

t.test('a model without a price is refused', t => {
  const { free } = start()
  t.equal(free.mayAsk(UNPRICED), false)
  t.match(refusalOf(() => free.checkModel(UNPRICED)), { facts: { limit: 'unpriced', model: UNPRICED.id } })
  t.match(refusalOf(() => free.admit(new RequestRecord(), tokens, UNPRICED)), { facts: { limit: 'unpriced' } })
  for (const guard of ['off', 'warn'] as const) start({ guard }).free.checkModel(UNPRICED)
  t.end()
})

t.test('callers are warned from 80 % on', t => {
  const { free, use } = start({ guard: 'warn' })
  use(7.99)
  t.equal(free.warning(), undefined)
  use(0.01)
  t.match(free.warning(), { param: 'free_neurons', action: 'low', reason: /^8 of the 10 free neurons/ })
  use(2)
  t.match(free.warning(), { action: 'used_up' })
  free.admit(new RequestRecord(), tokens, MODEL)
  t.equal(free.state.out, undefined, 'and served')
  const quietOne = start({ guard: 'off' })
  quietOne.use(20)
  t.equal(quietOne.free.warning(), undefined)
  t.end()
})

t.test('it knows what was used before the start', async t => {
  const { free } = start()
  const ledger = new MemoryLedger(() => NOON)
  ledger.add([{ ...booking, microNeurons: 4_000_000, estimatedMicroNeurons: 6_000_000 }])
  await free.recall(ledger)
  t.match(refusalOf(() => free.admit(new RequestRecord(), tokens, MODEL)), { facts: { used: 10 } })
})

t.test('what other accounts have used or heard is not its business', async t => {
  const { free } = start({ account: 'main' })
  const ledger = new MemoryLedger(() => NOON)
  ledger.add([{ ...booking, microNeurons: 4_000_000 }, { ...booking, account: 'main', microNeurons: 1_000_000 }])
  await free.recall(ledger)
  free.onBooked([{ ...booking, microNeurons: 4_000_000 }, { ...booking, account: 'main', microNeurons: 2_000_000 }], refused(4006, 'used up'))
  t.match(free.facts, { usedMicroNeurons: 3_000_000, refusedUntilMs: 0, state: { name: 'main', freeLimit: 10, out: undefined } })
})

t.test('Cloudflare knows better, until 00:00 UTC', t => {
  for (const [code, words] of [[4006, 'you have used up'], [3036, 'You have used up'], [undefined, 'daily free allocation of 10,000 neurons']] as const) {
    const { free, clock, warnings } = start()
    free.onBooked([{ ...booking, requests: 1, errors: 1, microNeurons: 3_000_000 }], refused(code, words))
    free.onBooked([], refused(code, words))
    t.strictSame(free.state.out, { reason: 'cloudflare', untilMs: MIDNIGHT }, String(code))
    t.match(warnings, [{ fields: { account: 'default', counted: 3, limit: 10 }, message: /fewer were counted here/ }])
    t.equal(warnings.length, 1, 'told once')
    t.match(refusalOf(() => free.admit(new RequestRecord(), tokens, MODEL)), { facts: { used: 3, retryAfterMs: HALF_A_DAY } })
    t.match(free.warning(), { action: 'used_up' })
    clock.ms = MIDNIGHT
    t.equal(free.state.out, undefined)
  }
  const { free, warnings, use } = start()
  use(11)
  free.onBooked([], refused(4006, ''))
  t.match(warnings, [{ message: /are used up$/ }], 'no surprise when as many were counted')
  free.onBooked([], refused(3040, 'Capacity temporarily exceeded'))
  t.end()
})

t.test('a guarded server refuses in OpenAI\'s words, and asks Cloudflare for nothing', async t => {
  const ledger = new MemoryLedger(Date.now)
  ledger.add([{ ...booking, microNeurons: 1_000_000_000 }])
  const proxy = await startProxy(t, { FREE_NEURONS_GUARD: 'refuse', FREE_NEURONS_PER_DAY: '1000' }, {}, { ledger })
  const response = await ask(proxy, saying('say hi', { stream: true }))
  const { error } = await response.json() as { error: Record<string, unknown> }
  t.equal(response.status, 429)
  t.match(error, { type: 'insufficient_quota', code: 'insufficient_quota', message: /^You exceeded your current quota for the proxy's account on free neurons per day .*limit 1000, used 1000\. It starts anew at \d{4}-\d\d-\d\dT00:00:00Z\. .*FREE_NEURONS_GUARD/ })
  t.equal(response.headers.get('x-should-retry'), 'false')
  const seconds = Number(response.headers.get('retry-after'))
  t.ok(Math.abs(seconds - (Math.ceil(Date.now() / 86_400_000) * 86_400 - Date.now() / 1_000)) < 60, `until 00:00 UTC: ${seconds} s`)
  const embeddings = await post(proxy, '/v1/embeddings', { model: '@cf/baai/bge-m3', input: 'hi' })
  t.equal(embeddings.status, 429)
  await embeddings.text()
  t.strictSame(proxy.simulator.requests.filter(({ path }) => path.includes('/run/')), [])
  await waited(() => ledger.read('2000-01-01', '2100-01-01').some(({ errors }) => errors === 1))
  t.match(await (await fetch(`${proxy.url}/usage`)).json(), { by_account: [{ free_remaining: 0, out_reason: 'free_allocation' }] })
})

t.test('a guarded server asks no model without a price, also in place of another one', async t => {
  const proxy = await startProxy(t, { FREE_NEURONS_GUARD: 'refuse', MODEL_FALLBACKS: JSON.stringify({ [LLAMA]: [UNPRICED.id] }) })
  const response = await ask(proxy, saying('hi', { model: UNPRICED.id }))
  t.match([response.status, await response.json()], [403, { error: { code: 'model_not_priced', param: 'model' } }])
  const fallback = await ask(proxy, saying('fail with code 3041'))
  t.equal(fallback.status, 403)
  await fallback.text()
  t.notMatch(proxy.simulator.requests.map(({ model }) => model), UNPRICED.id)
  const fine = await ask(proxy, saying('say hi'))
  t.equal(fine.status, 200)
  await fine.text()
})

t.test('a server that warns says so in a header', async t => {
  const ledger = new MemoryLedger(Date.now)
  ledger.add([{ ...booking, microNeurons: 900_000_000 }])
  const proxy = await startProxy(t, { FREE_NEURONS_GUARD: 'warn', FREE_NEURONS_PER_DAY: '1000' }, {}, { ledger })
  const response = await ask(proxy, saying('say hi'))
  await response.text()
  t.match(response.headers.get('x-proxy-warnings'), 'free_neurons low')
  const embeddings = await post(proxy, '/v1/embeddings', { model: '@cf/baai/bge-m3', input: 'hi' })
  await embeddings.text()
  t.match(embeddings.headers.get('x-proxy-warnings'), 'free_neurons low')
})
