import t from 'tap'
import { toSpent } from '../../src/inference/spent.ts'
import { guessModel } from '../../src/workers-ai/models/model-list.ts'
import { CATALOGUE } from '../../src/workers-ai/models/catalogue.ts'
import type { ModelId } from '../../src/workers-ai/models/model.ts'

const LLAMA = '@cf/meta/llama-3.2-1b-instruct' as ModelId
const modelOf = (id: ModelId) => CATALOGUE.get(id) ?? guessModel(id)
const call = { model: LLAMA, usage: undefined, estimate: undefined, neurons: undefined }
const tokens = (promptTokens: number, completionTokens: number) => ({ promptTokens, completionTokens })

t.strictSame(toSpent(undefined, modelOf), { tokens: 0, microNeurons: 0 }, 'a request that asked nobody')
t.strictSame(toSpent([call], modelOf), { tokens: 0, microNeurons: 0 }, 'a call that failed')
t.strictSame(toSpent([{ ...call, usage: tokens(10, 20), neurons: 0.5 }], modelOf), { tokens: 30, microNeurons: 500_000 }, 'what Cloudflare bills counts')
t.strictSame(toSpent([{ ...call, usage: tokens(10, 20) }], modelOf), { tokens: 30, microNeurons: 10 * 2_457 + 20 * 18_252 }, 'else the price of its tokens')
t.strictSame(
  toSpent([{ ...call, estimate: { ...tokens(1, 1), estimated: true } }, { ...call, usage: tokens(2, 2), neurons: 0 }], modelOf),
  { tokens: 6, microNeurons: 2_457 + 18_252 },
  'every call counts, also one whose tokens are estimated'
)
t.strictSame(
  toSpent([{ ...call, usage: tokens(1e300, 1e300), neurons: 1e300 }], modelOf),
  { tokens: 1e9, microNeurons: 1e15 },
  'numbers that cannot be are held to what can be counted'
)
t.strictSame(
  toSpent([{ ...call, usage: { ...tokens(Infinity, Infinity), cachedTokens: Infinity } }], modelOf),
  { tokens: 1e9, microNeurons: 1e15 },
  'also those that are no numbers'
)
t.strictSame(toSpent([{ ...call, model: '@cf/new/model' as ModelId, usage: tokens(5, 5) }], modelOf), { tokens: 10, microNeurons: 0 }, 'an unknown price is 0')
