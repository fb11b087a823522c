import t from 'tap'
import type { Change } from '../../../src/generation/change.ts'
import type { GenerationRequest } from '../../../src/generation/request.ts'
import { toLimitFields, toPromptEstimate, toReserve, toTokenLimit, type PromptEstimate } from '../../../src/workers-ai/request/token-limit.ts'
import { modelOf } from './model-of.ts'

interface Given extends Pick<GenerationRequest, 'max_tokens' | 'max_completion_tokens'> {
  window?: number
  output?: number
  prompt?: Omit<PromptEstimate, 'likely'>
}

const SHORT: Omit<PromptEstimate, 'likely'> = { atMost: 100, asCloudflare: 50 }

function translated ({ window, output, prompt = SHORT, ...request }: Given, defaultMaxTokens = 4_096): { limit: number, changes: Change[] } {
  const changes: Change[] = []
  const model = modelOf('classic', { ...(window !== undefined && { contextWindow: window }), ...(output !== undefined && { maxOutputTokens: output }) })
  return { limit: toTokenLimit(request, model, prompt, defaultMaxTokens, changes), changes }
}

t.test('what the caller asks for is sent when it can fit', t => {
  const cases: Array<{ name: string, given: Given, expected: number }> = [
    { name: 'max_tokens', given: { max_tokens: 7, window: 1_000 }, expected: 7 },
    { name: 'max_completion_tokens', given: { max_completion_tokens: 7, window: 1_000 }, expected: 7 },
    { name: 'the same by both names', given: { max_tokens: 7, max_completion_tokens: 7 }, expected: 7 },
    { name: 'null by one name', given: { max_tokens: 7, max_completion_tokens: null }, expected: 7 },
    { name: 'all that Cloudflare would take', given: { max_tokens: 950, window: 1_000 }, expected: 950 },
    { name: 'any number, for a model of unknown window', given: { max_tokens: 1_000_000 }, expected: 1_000_000 },
    { name: 'more than the default', given: { max_tokens: 8_000, window: 10_000 }, expected: 8_000 },
    { name: 'one token, though the prompt alone is too long', given: { max_tokens: 1, window: 10 }, expected: 1 }
  ]
  for (const { name, given, expected } of cases) t.strictSame(translated(given), { limit: expected, changes: [] }, name)
  t.end()
})

t.test('a limit that cannot fit is cut to what does, and that is told', t => {
  const cases: Array<{ name: string, given: Given, expected: number, change: Partial<Change> }> = [
    { name: 'more than the window leaves', given: { max_tokens: 951, window: 1_000 }, expected: 900, change: { param: 'max_tokens', from: 951, to: 900, reason: "more than fits this model's context window of 1000 tokens" } },
    { name: 'the whole window', given: { max_completion_tokens: 1_000, window: 1_000 }, expected: 900, change: { param: 'max_completion_tokens', from: 1_000, to: 900 } },
    { name: 'more than the model may answer', given: { max_tokens: 501, window: 1_000, output: 500 }, expected: 500, change: { from: 501, to: 500, reason: "more than fits this model's output of at most 500 tokens" } },
    { name: 'more than the model may answer, its window unknown', given: { max_tokens: 501, output: 500 }, expected: 500, change: { from: 501, to: 500, reason: "more than fits this model's output of at most 500 tokens" } },
    { name: 'a little room, where the prompt may fill the window', given: { max_tokens: 500, window: 400, prompt: { atMost: 380, asCloudflare: 200 } }, expected: 200, change: { from: 500, to: 200 } },
    { name: 'one token, where the prompt alone is too long', given: { max_tokens: 50, window: 10 }, expected: 1, change: { from: 50, to: 1 } }
  ]
  for (const { name, given, expected, change } of cases) {
    const { limit, changes } = translated(given)
    t.equal(limit, expected, name)
    t.match(changes, [{ action: 'clamped', ...change }], `${name} (change)`)
    t.equal(changes.length, 1, `${name} (one change)`)
  }
  t.end()
})

t.test('without a limit of the caller the default is sent, cut to what fits, which is nothing to tell', t => {
  const cases: Array<{ name: string, given: Given, expected: number }> = [
    { name: 'the default', given: { window: 10_000 }, expected: 4_096 },
    { name: 'the default, for a model of unknown window', given: {}, expected: 4_096 },
    { name: 'what the window leaves', given: { window: 1_000 }, expected: 900 },
    { name: 'what the model may answer', given: { window: 10_000, output: 1_024 }, expected: 1_024 },
    { name: 'a little, where the prompt may fill the window', given: { window: 1_000, prompt: { atMost: 990, asCloudflare: 500 } }, expected: 256 },
    { name: 'what is left of a little', given: { window: 1_000, prompt: { atMost: 990, asCloudflare: 900 } }, expected: 100 },
    { name: 'one token, where the prompt alone is too long', given: { window: 1_000, prompt: { atMost: 2_000, asCloudflare: 1_500 } }, expected: 1 }
  ]
  for (const { name, given, expected } of cases) {
    t.strictSame(translated(given), { limit: expected, changes: [] }, name)
    t.strictSame(translated({ ...given, max_tokens: null, max_completion_tokens: null }), { limit: expected, changes: [] }, `${name}, null being no limit`)
  }
  t.equal(translated({ window: 100_000 }, 20).limit, 20, 'the default is a setting')
  t.end()
})

t.test('of two limits that differ the newer name wins, and that is told', t => {
  const { limit, changes } = translated({ max_tokens: 5, max_completion_tokens: 9, window: 1_000 })
  t.equal(limit, 9)
  t.match(changes, [{ param: 'max_tokens', action: 'dropped', from: 5 }])
  t.end()
})

t.test('a prompt is estimated from the size of its JSON', t => {
  const cases = [
    { name: 'English', given: { bytes: 300, characters: 300 }, expected: { atMost: 108, asCloudflare: 75, likely: 86 } },
    { name: 'a language of three bytes a letter', given: { bytes: 900, characters: 300 }, expected: { atMost: 308, asCloudflare: 75, likely: 286 } },
    { name: 'nothing', given: { bytes: 0, characters: 0 }, expected: { atMost: 8, asCloudflare: 0, likely: 0 } }
  ]
  for (const { name, given, expected } of cases) t.strictSame(toPromptEstimate(given, 1), expected, name)
  t.equal(toPromptEstimate({ bytes: 0, characters: 0 }, 10).atMost, 80, 'each message costs a little')
  t.end()
})

t.test('what is kept for an answer is what was asked for, half the window at most', t => {
  const cases = [
    { name: 'nothing was asked for', given: null, window: 10_000, expected: 256 },
    { name: 'a limit', given: 1_000, window: 10_000, expected: 1_000 },
    { name: 'a limit as large as the window', given: 10_000, window: 10_000, expected: 5_000 },
    { name: 'a window smaller than any answer', given: null, window: 100, expected: 50 }
  ]
  for (const { name, given, window, expected } of cases) t.equal(toReserve({ max_completion_tokens: given }, window), expected, name)
  t.end()
})

t.test('a limit has the name the family gives it', t => {
  const cases = [
    { family: 'classic', expected: { max_tokens: 5 } },
    { family: 'openai', expected: { max_completion_tokens: 5 } },
    { family: 'granite', expected: { max_completion_tokens: 5, max_tokens: 5 } }
  ] as const
  for (const { family, expected } of cases) t.strictSame(toLimitFields(5, modelOf(family).family), expected, family)
  t.end()
})
