import fc from 'fast-check'
import t from 'tap'
import type { Change } from '../../../src/generation/change.ts'
import type { GenerationRequest } from '../../../src/generation/request.ts'
import { toNativeSeed, toSampling } from '../../../src/workers-ai/request/sampling.ts'
import { FAMILIES, type FamilyName } from '../../../src/workers-ai/models/family.ts'
import { runs } from '../../property-runs.ts'

type Sampling = Pick<GenerationRequest, 'temperature' | 'top_p' | 'top_k' | 'seed' | 'repetition_penalty' | 'frequency_penalty' | 'presence_penalty'>

function translated (given: Sampling, family: FamilyName): { native: unknown, changes: string[] } {
  const changes: Change[] = []
  const native = toSampling({ ...given }, FAMILIES[family], changes)
  return { native, changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

t.test('each parameter is brought into the range its family takes', t => {
  const cases: Array<{ name: string, family: FamilyName, given: Sampling, expected: Sampling, changes?: string[] }> = [
    { name: 'nothing', family: 'classic', given: {}, expected: {} },
    { name: 'null is nothing', family: 'classic', given: { temperature: null, top_p: null, seed: null }, expected: {} },
    { name: 'values in range, also 0', family: 'classic', given: { temperature: 0, frequency_penalty: 0 }, expected: { temperature: 0, frequency_penalty: 0 } },
    { name: 'a negative penalty, for the first models', family: 'classic', given: { frequency_penalty: -1, presence_penalty: -0.5 }, expected: { frequency_penalty: 0, presence_penalty: 0 }, changes: ['frequency_penalty clamped', 'presence_penalty clamped'] },
    { name: 'a negative penalty, for models since 2025', family: 'classic-2025', given: { frequency_penalty: -1, presence_penalty: -0.5 }, expected: { frequency_penalty: -1, presence_penalty: -0.5 } },
    { name: 'top_p of 0, for the first models', family: 'classic', given: { top_p: 0 }, expected: { top_p: 0.001 }, changes: ['top_p clamped'] },
    { name: 'top_p of 0, for models since 2025', family: 'classic-2025', given: { top_p: 0 }, expected: { top_p: 0.001 }, changes: ['top_p clamped'] },
    { name: 'top_p of 0, for OpenAI-shaped models', family: 'gpt-oss', given: { top_p: 0 }, expected: { top_p: 0.001 }, changes: ['top_p clamped'] },
    { name: 'a top_k that is too large', family: 'classic', given: { top_k: 100 }, expected: { top_k: 50 }, changes: ['top_k clamped'] },
    { name: 'a top_k that is no integer', family: 'classic', given: { top_k: 2.4 }, expected: { top_k: 2 }, changes: ['top_k clamped'] },
    { name: 'a top_k that turns it off for vLLM', family: 'classic', given: { top_k: -1 }, expected: {}, changes: ['top_k dropped'] },
    { name: 'a top_k that turns it off for OpenRouter and llama.cpp', family: 'llama-4', given: { top_k: 0 }, expected: {}, changes: ['top_k dropped'] },
    { name: 'a top_k that is nearly that', family: 'qwen3', given: { top_k: 0.4 }, expected: {}, changes: ['top_k dropped'] },
    { name: 'a repetition_penalty that is none', family: 'classic', given: { repetition_penalty: 1 }, expected: { repetition_penalty: 1 } },
    { name: 'a repetition_penalty that could be none', family: 'classic', given: { repetition_penalty: 0 }, expected: {}, changes: ['repetition_penalty dropped'] },
    { name: 'a repetition_penalty below that', family: 'guided', given: { repetition_penalty: -1 }, expected: {}, changes: ['repetition_penalty dropped'] },
    { name: 'a seed that is drawn anew elsewhere', family: 'classic', given: { seed: -1 }, expected: {}, changes: ['seed dropped'] },
    { name: 'the same, for OpenAI-shaped models', family: 'openai', given: { seed: -1 }, expected: {}, changes: ['seed dropped'] },
    { name: 'what OpenAI-shaped models do not take', family: 'openai', given: { top_k: 5, repetition_penalty: 1.1 }, expected: {}, changes: ['top_k dropped', 'repetition_penalty dropped'] },
    { name: 'what is off, where it is not taken', family: 'openai', given: { top_k: 0, repetition_penalty: 1 }, expected: {} },
    { name: 'the same, of llama-guard', family: 'guard', given: { top_k: -1, top_p: 1, seed: -1, frequency_penalty: 0, presence_penalty: 0, repetition_penalty: 0 }, expected: {} },
    { name: 'what llama-guard does not take', family: 'guard', given: { temperature: 1, top_p: 0.5, seed: 1 }, expected: { temperature: 1 }, changes: ['top_p dropped', 'seed dropped'] },
    { name: 'a seed of 0, for models that begin at 1', family: 'classic', given: { seed: 0 }, expected: { seed: 1 }, changes: ['seed clamped'] },
    { name: 'a seed of 0, for OpenAI-shaped models', family: 'openai', given: { seed: 0 }, expected: { seed: 1 }, changes: ['seed clamped'] },
    { name: 'a negative seed, for OpenAI-shaped models', family: 'openai', given: { seed: -7 }, expected: { seed: 9_999_999_993 }, changes: ['seed clamped'] },
    { name: 'a long seed, for gpt-oss', family: 'gpt-oss', given: { seed: 123_454_930_394_983 }, expected: { seed: 4_930_407_329 }, changes: ['seed clamped'] },
    { name: 'a seed that fits', family: 'classic', given: { seed: 9_999_999_999 }, expected: { seed: 9_999_999_999 } }
  ]
  for (const { name, family, given, expected, changes = [] } of cases) t.strictSame(translated(given, family), { native: expected, changes }, name)
  t.end()
})

t.test('a seed is folded into 1..9999999999, the same way each time', t => {
  const cases = [
    { given: 1, expected: 1 },
    { given: 42, expected: 42 },
    { given: 9_999_999_999, expected: 9_999_999_999 },
    { given: 0, expected: 1 },
    { given: -1, expected: 9_999_999_999 },
    { given: 10_000_000_000, expected: 2 },
    { given: 9_223_372_036_854_775_807n, expected: Number(9_223_372_036_854_775_807n % 9_999_999_999n) + 1 },
    { given: 9_223_372_036_854_775_806n, expected: Number(9_223_372_036_854_775_806n % 9_999_999_999n) + 1 }
  ]
  for (const { given, expected } of cases) t.equal(toNativeSeed(given), expected, String(given))
  t.doesNotThrow(() => fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }), seed => {
    const native = toNativeSeed(Number(seed))
    return Number.isInteger(native) && native >= 1 && native <= 9_999_999_999 && native === toNativeSeed(Number(seed))
  }), { numRuns: runs(500) }), 'whatever the seed')
  t.end()
})
