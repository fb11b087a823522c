import t from 'tap'
import { toEmbeddingUsage } from '../../src/inference/embeddings.ts'

t.test('the bill is what was told, and a guess where nothing was', t => {
  const texts = ['a'.repeat(40)]
  const usage = { promptTokens: 5, completionTokens: 0 }
  const cases = [
    { name: 'told', given: [{ texts, usage }, { texts, usage: { ...usage, promptTokens: 6 } }], expected: { promptTokens: 11 } },
    { name: 'told by one', given: [{ texts, usage }, { texts: [...texts, ...texts] }], expected: { promptTokens: 25, estimated: true } },
    { name: 'told by none', given: [{ texts }, { texts: [...texts, ...texts] }], expected: { promptTokens: 30, estimated: true } }
  ]
  for (const { name, given, expected } of cases) t.match(toEmbeddingUsage(given), expected, name)
  t.notOk('estimated' in toEmbeddingUsage([{ texts, usage }]))
  t.end()
})
