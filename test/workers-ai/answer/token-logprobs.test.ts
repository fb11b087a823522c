import t from 'tap'
import { toTokenLogprobs } from '../../../src/workers-ai/answer/token-logprobs.ts'

const token = { token: 'Hi', logprob: -0.1, bytes: [72, 105], top_logprobs: [{ token: 'Ho', logprob: -2, bytes: null }] }
const cases: Array<{ name: string, given: unknown, expected: unknown }> = [
  { name: 'the list of a chat', given: { content: [token], refusal: null }, expected: [token] },
  {
    name: 'the lists of a text',
    given: { tokens: ['Hi', ' there'], token_logprobs: [-0.1, -0.2], top_logprobs: [{ Hi: -0.1, Ho: -2 }, null], text_offset: [0, 2] },
    expected: [
      { token: 'Hi', logprob: -0.1, bytes: null, top_logprobs: [{ token: 'Hi', logprob: -0.1, bytes: null }, { token: 'Ho', logprob: -2, bytes: null }] },
      { token: ' there', logprob: -0.2, bytes: null, top_logprobs: [] }
    ]
  },
  { name: 'a first token without any', given: { tokens: ['Once', ' upon'], token_logprobs: [null, -1], top_logprobs: null }, expected: [{ token: ' upon', logprob: -1, bytes: null, top_logprobs: [] }] },
  { name: 'nothing', given: null, expected: undefined },
  { name: 'nothing inside', given: { content: [] }, expected: undefined },
  { name: 'null inside', given: { content: null, tokens: null }, expected: undefined },
  { name: 'something else', given: 'x', expected: undefined },
  { name: 'lists of something else', given: { tokens: [1], token_logprobs: ['x'], top_logprobs: [{ a: 'b' }] }, expected: undefined }
]
for (const { name, given, expected } of cases) t.strictSame(toTokenLogprobs(given), expected, name)
