import t from 'tap'
import { toSum } from '../../src/generation/usage.ts'

t.test('the bills of several generations are added up', t => {
  const cases = [
    { name: 'of none', given: [], expected: { promptTokens: 0, completionTokens: 0, cachedTokens: 0, reasoningTokens: 0 } },
    { name: 'of one', given: [{ promptTokens: 1, completionTokens: 2 }], expected: { promptTokens: 1, completionTokens: 2, cachedTokens: 0, reasoningTokens: 0 } },
    { name: 'of two, one of which told more', given: [{ promptTokens: 1, completionTokens: 2, cachedTokens: 3 }, { promptTokens: 10, completionTokens: 20, reasoningTokens: 30 }], expected: { promptTokens: 11, completionTokens: 22, cachedTokens: 3, reasoningTokens: 30 } },
    { name: 'of two, one of which is a guess', given: [{ promptTokens: 1, completionTokens: 2 }, { promptTokens: 1, completionTokens: 2, estimated: true }], expected: { promptTokens: 2, completionTokens: 4, cachedTokens: 0, reasoningTokens: 0, estimated: true } }
  ]
  for (const { name, given, expected } of cases) t.strictSame(toSum(given), expected, name)
  t.end()
})
