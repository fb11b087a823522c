import t from 'tap'
import { LimitError } from '../../src/errors.ts'
import { KeyAllowance } from '../../src/inference/key-allowance.ts'
import { RequestRecord } from '../../src/inference/request-record.ts'
import type { KeyLimits } from '../../src/settings/key-limits.ts'
import type { Demand, Limits, Refusal, Reservation, Spent, Standing } from '../../src/stores/limits/limits.ts'
import { CATALOGUE } from '../../src/workers-ai/models/catalogue.ts'
import { MemoryLimits } from '../../src/stores/limits/memory.ts'
import { guessModel } from '../../src/workers-ai/models/model-list.ts'
import type { Model, ModelId } from '../../src/workers-ai/models/model.ts'

const NOON = Date.parse('2026-11-29T12:00:00Z')
const names = { toId: (name: string) => ({ small: '@cf/meta/llama-3.2-1b-instruct' })[name] ?? name }
const SMALL = known('@cf/meta/llama-3.2-1b-instruct')
const OTHER = known('@cf/meta/llama-3.2-3b-instruct')
const UNKNOWN = guessModel('@cf/new/model' as ModelId)
const RETIRED = known('@hf/meta-llama/meta-llama-3-8b-instruct')

function known (id: string): Model {
  const model = CATALOGUE.get(id as ModelId)
  if (model === undefined) throw new Error(`no ${id}`)
  return model
}

function start (own: KeyLimits, limits: Limits = new MemoryLimits(() => NOON)) {
  const record = new RequestRecord()
  const heard: Standing[] = []
  const allowance = new KeyAllowance({ limits, key: { id: 'alice', limits: own }, owner: "the key 'alice'", record, onReserved: standing => heard.push(standing) })
  return { allowance, record, heard, limits }
}

t.test('a key with models may use no others, by whatever name', async t => {
  const { allowance, record } = start({ models: ['small', '@cf/x/y'] })
  t.equal(allowance.mayUse(SMALL, names), true)
  t.equal(allowance.mayUse(OTHER, names), false)
  t.doesNotThrow(() => allowance.checkModel(SMALL, names))
  t.throws(() => allowance.checkModel(OTHER, names), new LimitError({ limit: 'models', model: OTHER.id, models: ['small', '@cf/x/y'] }, "the key 'alice'"))
  t.equal(record.refusedBy, undefined, 'no limit is used up')
})

t.test('what takes over must be allowed, but for the successor of an allowed model', async t => {
  const { allowance } = start({ models: ['small'] })
  t.equal(allowance.withholds(OTHER, names, false), true)
  t.equal(allowance.withholds(OTHER, names, true), false)
  t.equal(allowance.withholds(SMALL, names, false), false)
})

t.test('a budget wants to know what a model costs', async t => {
  const { allowance } = start({ neurons_per_day: 5 })
  t.throws(() => allowance.checkModel(UNKNOWN, names), new LimitError({ limit: 'unpriced', model: UNKNOWN.id }, "the key 'alice'"))
  t.equal(allowance.mayUse(UNKNOWN, names), false)
  t.equal(allowance.withholds(UNKNOWN, names, true), true)
  t.doesNotThrow(() => allowance.checkModel(RETIRED, names), 'a retired model costs what its successor costs')
  t.doesNotThrow(() => start({ rpm: 5 }).allowance.checkModel(UNKNOWN, names), 'without a budget nobody asks')
})

/** Notes what is asked of it, and answers when it is told to. */
class SlowLimits implements Limits {
  readonly demands: Demand[] = []
  readonly spent: Spent[] = []
  answer: (outcome: Reservation | Refusal) => void = () => {}

  async reserve (_key: unknown, demand: Demand): Promise<Reservation | Refusal> {
    this.demands.push(demand)
    return new Promise(resolve => { this.answer = resolve })
  }

  grant (): void {
    this.answer({ kind: 'reserved', tokens: 0, standing: {}, settle: spent => { this.spent.push(spent) } })
  }

  standing (): Standing { return {} }
  budgets () { return {} }
  recall (): void {}
}

t.test('the price of the most tokens is held, and only where there is a budget', async t => {
  for (const { own, microNeurons } of [{ own: { neurons_per_month: 5 }, microNeurons: 10 * 2_457 + 100 * 18_252 }, { own: { tpm: 5 }, microNeurons: 0 }]) {
    const limits = new SlowLimits()
    const { allowance } = start(own, limits)
    const reserved = allowance.reserve({ promptTokens: 10, completionTokens: 100 }, SMALL)
    limits.grant()
    await reserved
    t.strictSame(limits.demands, [{ inputTokens: 10, outputTokens: 100, microNeurons }])
  }
})

t.test('a model that takes over goes on with what is held', async t => {
  const { allowance, heard } = start({ rpm: 5 })
  await allowance.reserve({ promptTokens: 1, completionTokens: 1 }, SMALL)
  await allowance.reserve({ promptTokens: 1, completionTokens: 1 }, OTHER)
  t.strictSame(heard, [{ requests: { limit: 5, remaining: 4, resetMs: 12_000 } }])
})

t.test('a refusal says whose limit it is, and is noted', async t => {
  const { allowance, record, limits, heard } = start({ rpm: 1 })
  await limits.reserve({ id: 'alice', limits: { rpm: 1 } }, { inputTokens: 1, outputTokens: 1, microNeurons: 0 })
  t.throws(() => allowance.reserve({ promptTokens: 1, completionTokens: 1 }, SMALL), { name: 'LimitError', owner: "the key 'alice'", facts: { limit: 'rpm', max: 1 } })
  t.equal(record.refusedBy, 'requests')
  t.strictSame(heard, [])
  t.strictSame(await allowance.standing(undefined), { requests: { limit: 1, remaining: 0, resetMs: 60_000 } })
})

t.test('what comes after the client has left is given back at once', async t => {
  const limits = new SlowLimits()
  const { allowance, heard } = start({ rpm: 1 }, limits)
  const reserved = allowance.reserve({ promptTokens: 1, completionTokens: 1 }, SMALL)
  await allowance.settle({ tokens: 0, microNeurons: 0 })
  t.strictSame(limits.spent, [])
  limits.grant()
  await reserved
  t.strictSame(limits.spent, [{ tokens: 0, microNeurons: 0 }])
  t.strictSame(heard, [])
})

t.test('a request is settled once', async t => {
  const limits = new SlowLimits()
  const { allowance } = start({ rpm: 1 }, limits)
  const reserved = allowance.reserve({ promptTokens: 1, completionTokens: 1 }, SMALL)
  limits.grant()
  await reserved
  await allowance.settle({ tokens: 5, microNeurons: 7 })
  await allowance.settle({ tokens: 50, microNeurons: 70 })
  t.strictSame(limits.spent, [{ tokens: 5, microNeurons: 7 }])
})

t.test('a whole answer tells what is left after it', async t => {
  const { allowance } = start({ tpm: 1_000, rpm: 10 })
  const requests = { limit: 10, remaining: 9, resetMs: 6_000 }
  t.strictSame(await allowance.standing(0), { requests: { limit: 10, remaining: 10, resetMs: 0 }, tokens: { limit: 1_000, remaining: 1_000, resetMs: 0 } }, 'before anything is held')
  await allowance.reserve({ promptTokens: 10, completionTokens: 490 }, SMALL)
  t.strictSame(await allowance.standing(undefined), { requests, tokens: { limit: 1_000, remaining: 500, resetMs: 30_000 } }, 'while it goes on')
  t.strictSame(await allowance.standing(40), { requests, tokens: { limit: 1_000, remaining: 960, resetMs: 2_400 } })
  t.strictSame(await allowance.standing(5_000), { requests, tokens: { limit: 1_000, remaining: 0, resetMs: 300_000 } }, 'a debt')
})
