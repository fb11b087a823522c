import t from 'tap'
import { readEmbeddings, sameLength } from '../../../src/workers-ai/answer/embedding-reader.ts'

const answers = [
  { name: 'vectors and their shape', given: { shape: [2, 2], data: [[1, 0], [0, -1.5e-8]] }, expected: { vectors: [[1, 0], [0, -1.5e-8]] } },
  { name: 'in Cloudflare\'s envelope', given: { result: { data: [[1], [2]], shape: [2, 1], pooling: 'cls' }, success: true, errors: [], messages: [] }, expected: { vectors: [[1], [2]] } },
  { name: 'a count of tokens', given: { data: [[1], [2]], usage: { prompt_tokens: 7, total_tokens: 7 } }, expected: { vectors: [[1], [2]], usage: { promptTokens: 7, completionTokens: 0 } } },
  { name: 'a shape of another kind', given: { data: [[1], [2]], shape: null }, expected: { vectors: [[1], [2]] } }
]
for (const { name, given, expected } of answers) t.strictSame(readEmbeddings(given, 2), expected, name)

const malformed = [
  { name: 'too few', given: { shape: [1, 2], data: [[1, 0]] }, message: '1 embeddings for 2 texts' },
  { name: 'too many', given: { data: [[1], [2], [3]] }, message: '3 embeddings for 2 texts' },
  { name: 'none', given: { data: [] }, message: '0 embeddings for 2 texts' },
  { name: 'another shape than told', given: { shape: [2, 3], data: [[1, 0], [0, 1]] }, message: 'another shape' },
  { name: 'another count than told', given: { shape: [3, 2], data: [[1, 0], [0, 1]] }, message: 'another shape' },
  { name: 'different lengths', given: { data: [[1, 0], [0]] }, message: 'different lengths' },
  { name: 'an empty one', given: { data: [[1], []] }, message: 'no list of numbers' },
  { name: 'not a number, as JSON has it', given: { data: [[1, null], [0, 1]] }, message: 'no list of numbers' },
  { name: 'not a number, in words', given: { data: [[1, 'NaN'], [0, 1]] }, message: 'no list of numbers' },
  { name: 'more than 32 bits hold', given: { data: [[1, 1e39], [0, 1]] }, message: 'no list of numbers' },
  { name: 'objects with an index, in an order of their own', given: { data: [{ index: 1, embedding: [0] }, { index: 0, embedding: [1] }] }, message: 'no list of numbers' },
  { name: 'one missing in between', given: { data: [null, [1]] }, message: 'no list of numbers' },
  { name: 'an answer to something else', given: { response: 'Hi' }, message: 'holds no embeddings' },
  { name: 'a list', given: [[1], [2]], message: 'holds no embeddings' }
]
for (const { name, given, message } of malformed) {
  t.throws(() => readEmbeddings(given, 2), { name: 'UpstreamError', kind: 'malformed', message: new RegExp(message) }, name)
}
t.throws(() => readEmbeddings({ result: null, success: false, errors: [{ code: 3040, message: 'busy' }] }, 1), { kind: 'refused', code: 3040 }, 'a failure inside is one')

t.equal(sameLength([[1, 2], [3, 4]]), 2)
t.equal(sameLength([]), 0)
t.throws(() => sameLength([[1, 2], [3]]), { kind: 'malformed' } as unknown as Error)
