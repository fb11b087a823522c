import t from 'tap'
import { toResponseUsage, toUsage } from '../../../src/surfaces/openai/usage.ts'

t.test('usage has every field OpenAI sends', t => {
  const cases = [
    {
      name: 'all that is known',
      given: { promptTokens: 10, completionTokens: 5, cachedTokens: 4, reasoningTokens: 3 },
      expected: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, cached: 4, reasoning: 3 }
    },
    {
      name: 'what is not known is 0',
      given: { promptTokens: 10, completionTokens: 5, estimated: true },
      expected: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, cached: 0, reasoning: 0 }
    }
  ]
  for (const { name, given, expected: { cached, reasoning, ...counts } } of cases) {
    t.strictSame(toUsage(given), {
      ...counts,
      prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: reasoning, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 }
    }, name)
  }
  t.end()
})

t.test('the Responses API has other words for the same', t => {
  t.strictSame(toResponseUsage({ promptTokens: 10, completionTokens: 5, cachedTokens: 4, reasoningTokens: 3 }), {
    input_tokens: 10,
    input_tokens_details: { cached_tokens: 4, cache_write_tokens: 0 },
    output_tokens: 5,
    output_tokens_details: { reasoning_tokens: 3 },
    total_tokens: 15
  })
  t.match(toResponseUsage({ promptTokens: 1, completionTokens: 1 }), { input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } }, 'what is not known is 0')
  t.end()
})
