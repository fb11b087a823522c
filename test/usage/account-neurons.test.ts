import t from 'tap'
import { RequestRecord } from '../../src/inference/request-record.ts'
import { FreeNeuronsOfAccounts } from '../../src/usage/account-neurons.ts'
import { toFreeAllocations } from '../../src/usage/free-allocations.ts'
import { CATALOGUE } from '../../src/workers-ai/models/catalogue.ts'
import type { Model } from '../../src/workers-ai/models/model.ts'

const NOON = Date.UTC(2026, 2, 1, 12)
const LLAMA = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'
const MODEL = CATALOGUE.get(LLAMA) as Model
const UNPRICED = CATALOGUE.get('@cf/swiss-ai/apertus-v1.5-8b') as Model
const tokens = { promptTokens: 200, completionTokens: 0 }

function start (freeNeuronsGuard: 'off' | 'warn' | 'refuse', plans: ReadonlyArray<'free' | 'paid'> = ['free', 'free']) {
  const accounts = plans.map((plan, index) => ({ name: ['main', 'backup'][index] ?? '', plan, weight: 1, accountId: 'x', apiToken: 'x', apiBaseUrl: 'x' }))
  const allocations = toFreeAllocations({ accounts, freeNeuronsPerDay: 10, freeNeuronsGuard }, { now: () => NOON, log: { warn: () => {} } })
  const use = (account: string, neurons: number) => allocations.count([{ account, model: LLAMA, key: 'ann', microNeurons: neurons * 1e6 }])
  return { neurons: new FreeNeuronsOfAccounts(allocations, () => NOON), allocations, use }
}

t.test('a request is refused only when no account has any left', t => {
  const { neurons, use } = start('refuse')
  use('main', 10)
  const record = new RequestRecord()
  neurons.admit(record, tokens, MODEL)
  t.strictSame([neurons.mayServe('main', record), neurons.mayServe('backup', record)], [false, true])
  t.match(caught(() => neurons.hold('main', record)), { facts: { limit: 'free_allocation' } })
  neurons.hold('backup', record)
  t.equal(record.refusedBy, undefined, 'it was served after all')
  t.ok(neurons.remaining('backup') < 5, 'what it may use is held')
  use('backup', 4)
  t.match(caught(() => neurons.admit(new RequestRecord(), tokens, MODEL)), undefined)
  use('backup', 6)
  const refused = new RequestRecord()
  t.match(caught(() => neurons.admit(refused, tokens, MODEL)), { facts: { limit: 'free_allocation', max: 20, used: 20, retryAfterMs: 43_200_000 }, owner: "the proxy's accounts together" })
  t.equal(refused.refusedBy, 'free_allocation')
  t.end()
})

t.test('what is held may be left soon', t => {
  const { neurons, allocations } = start('refuse')
  for (const account of ['main', 'backup']) {
    for (let count = 0; count < 2; count++) {
      const record = new RequestRecord()
      neurons.admit(record, tokens, MODEL)
      neurons.hold(account, record)
      neurons.hold(account, record)
    }
  }
  t.match(caught(() => neurons.admit(new RequestRecord(), tokens, MODEL)), { facts: { isHeld: true, retryAfterMs: 5_000 } })
  t.strictSame([neurons.isHeld('main'), neurons.isHeld('backup'), neurons.isHeld('gone')], [true, true, false])
  t.equal(allocations.all.every(one => one.isUsedUp), false)
  t.end()
})

t.test('a request goes on with what it holds itself', t => {
  const { neurons, allocations, use } = start('refuse')
  const [one, other] = [new RequestRecord(), new RequestRecord()]
  for (const record of [one, other]) neurons.admit(record, { promptTokens: 2_000, completionTokens: 0 }, MODEL)
  neurons.hold('main', one)
  t.equal(neurons.remaining('main'), 0, 'it holds all there is')
  t.strictSame([neurons.mayServe('main', one), neurons.mayServe('main', other), neurons.mayServe('main', undefined)], [true, false, false])
  neurons.hold('main', one)
  use('backup', 10)
  t.strictSame([neurons.isHeld('main'), neurons.isHeld('backup')], [true, false], 'what is used up is not held')
  t.match(neurons.refuse(other), { facts: { isHeld: true, retryAfterMs: 5_000, max: 20, used: 10 } })
  t.strictSame([other.refusedBy, one.refusedBy], ['free_allocation', undefined])
  neurons.overlook(other)
  neurons.overlook(undefined)
  t.equal(other.refusedBy, undefined, 'something else has failed')
  allocations.release({ record: one })
  t.equal(neurons.mayServe('main', other), true)
  t.end()
})

t.test('nothing is held for a request that has ended', t => {
  const { neurons, allocations } = start('refuse')
  const record = new RequestRecord()
  neurons.admit(record, tokens, MODEL)
  allocations.release({ record })
  neurons.hold('main', record)
  t.equal(neurons.remaining('main'), 10, 'its client has left before an account was chosen')
  t.end()
})

t.test('an account of the paid plan serves beyond what is free, and models of unknown price', t => {
  const { neurons, use } = start('refuse', ['free', 'paid'])
  use('main', 10)
  use('backup', 20)
  neurons.admit(new RequestRecord(), tokens, MODEL)
  t.strictSame([neurons.mayServe('main', undefined), neurons.mayServe('backup', undefined), neurons.remaining('backup')], [false, true, 0])
  neurons.checkModel(UNPRICED)
  const record = new RequestRecord()
  neurons.admit(record, tokens, UNPRICED)
  t.match(caught(() => start('refuse').neurons.checkModel(UNPRICED)), { facts: { limit: 'unpriced' } })
  t.end()
})

t.test('callers are warned when it is low everywhere', t => {
  const { neurons, use } = start('warn')
  use('main', 9)
  t.equal(neurons.warning(), undefined)
  use('backup', 10)
  t.match(neurons.warning(), { param: 'free_neurons' })
  t.equal(neurons.mayServe('backup', undefined), true)
  neurons.hold('backup', undefined)
  neurons.hold('gone', {})
  t.equal(neurons.remaining('gone'), 0)
  t.equal(neurons.resetsAtMs(), Date.UTC(2026, 2, 2))
  t.end()
})

function caught (work: () => void): unknown {
  try {
    work()
    return undefined
  } catch (error) {
    return error
  }
}
