import t from 'tap'
import { toEmbeddingList } from '../../../../src/surfaces/openai/embeddings/list.ts'
import { faultsOf } from '../../../openai-schemas.ts'

const USAGE = { promptTokens: 7, completionTokens: 0 }

t.test('vectors become a list in the order of the inputs', t => {
  const list = toEmbeddingList([[0.25, -1], [0.5, 0]], USAGE, { model: 'my name', input: ['a', 'b'] })
  t.strictSame(list, {
    object: 'list',
    data: [{ object: 'embedding', index: 0, embedding: [0.25, -1] }, { object: 'embedding', index: 1, embedding: [0.5, 0] }],
    model: 'my name',
    usage: { prompt_tokens: 7, total_tokens: 7 }
  })
  t.strictSame(faultsOf('CreateEmbeddingResponse', list), [])
  t.end()
})

t.test('base64 is the same numbers in 32 bits, the lowest byte first', t => {
  const list = toEmbeddingList([[1, -0.1, 1e-8]], USAGE, { model: 'm', input: 'a', encoding_format: 'base64' })
  t.strictSame(faultsOf('CreateEmbeddingResponse', list), [])
  const bytes = Buffer.from(list.data[0]?.embedding as string, 'base64')
  t.strictSame([...bytes.subarray(0, 4)], [0, 0, 128, 63])
  t.strictSame([0, 4, 8].map(at => bytes.readFloatLE(at)), [1, -0.1, 1e-8].map(Math.fround))
  t.end()
})

t.test('embeddings that are cut have the length 1 again', t => {
  const vector = Array.from({ length: 1_024 }, (_, index) => index % 2 === 0 ? 0.3 : -0.4)
  const { data: [cut] } = toEmbeddingList([vector], USAGE, { model: 'm', input: 'a', dimensions: 64 })
  const numbers = cut?.embedding as number[]
  t.equal(numbers.length, 64)
  t.ok(Math.abs(Math.hypot(...numbers) - 1) < 1e-12)
  t.ok(Math.abs((numbers[1] ?? 0) / (numbers[0] ?? 0) - -0.4 / 0.3) < 1e-12, 'and the direction of their beginning')
  t.strictSame(toEmbeddingList([vector], USAGE, { model: 'm', input: 'a', dimensions: 1_024 }).data[0]?.embedding, vector, 'what is not cut stays as it is')
  t.strictSame(toEmbeddingList([Array.from({ length: 64 }, () => 0)], USAGE, { model: 'm', input: 'a', dimensions: 32 }).data[0]?.embedding, Array.from({ length: 32 }, () => 0), 'nothing has no direction')
  t.end()
})
