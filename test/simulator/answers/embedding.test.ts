import t from 'tap'
import { refuseLongTexts, toEmbeddings, toTexts } from '../../../src/simulator/answers/embedding.ts'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'

const bge = CATALOGUE.get('@cf/baai/bge-small-en-v1.5')!
const gemma = CATALOGUE.get('@cf/google/embeddinggemma-300m')!

interface Embeddings { shape: number[], data: number[][], pooling?: string }

function embed (texts: string[], model = bge, body: object = {}): Embeddings {
  return toEmbeddings(texts, model, body) as Embeddings
}

function likeness (one: number[] = [], other: number[] = []): number {
  return one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0)
}

t.strictSame(toTexts({ text: 'Hi' }), ['Hi'], 'one text is a list of one')
t.strictSame(toTexts({ text: ['a', 'b'] }), ['a', 'b'])

const refusals = [
  { name: 'a body without text', given: {}, expected: "required properties at '/' are 'text'" },
  { name: 'an empty text', given: { text: ['a', ''] }, expected: "oneOf at '/text' not met, 0 matches: Length of '/text' must be >= 1 not met" },
  { name: 'no text at all', given: { text: [] }, expected: "oneOf at '/text' not met, 0 matches: Length of '/text' must be >= 1 not met" },
  { name: 'a number', given: { text: 5 }, expected: "oneOf at '/text' not met, 0 matches: Type mismatch of '/text', 'integer' not in 'string'" },
  { name: '101 texts', given: { text: Array.from({ length: 101 }, () => 'a') }, expected: "oneOf at '/text' not met, 0 matches: Length of '/text' must be <= 100" }
]
for (const { name, given, expected } of refusals) {
  t.throws(() => toTexts(given), { code: 5006, message: `AiError: Bad input: Error: ${expected}` }, `${name} is refused`)
}

const { shape, data: [cat, dog, tax], pooling } = embed(['a cat sat on the mat', 'a dog sat on the mat', 'income tax returns'])
t.strictSame(shape, [3, 384], 'the shape counts the texts and their dimensions')
t.equal(pooling, 'mean', 'bge says how it pools')
t.equal(embed(['a'], bge, { pooling: 'cls' }).pooling, 'cls', 'as it was told to')
t.strictSame(Object.keys(embed(['a'], gemma)), ['shape', 'data'], 'others do not')
t.ok(Math.abs(likeness(cat, cat) - 1) < 1e-6, 'vectors have the length 1')
t.ok(likeness(cat, dog) > 0.5 && likeness(cat, tax) < 0.5, 'texts that share words are alike')
t.strictSame(embed(['a cat sat on the mat']).data[0], cat, 'the same text has the same vector')
t.equal(embed(['?!']).data[0]?.length, 384, 'a text without words has one, too')

const m3 = CATALOGUE.get('@cf/baai/bge-m3')!
const qwen = CATALOGUE.get('@cf/qwen/qwen3-embedding-0.6b')!
const thousand = 'a'.repeat(4_000)
t.throws(() => refuseLongTexts(Array.from({ length: 61 }, () => thousand), m3, {}), { code: 3030, message: 'AiError: AiError: Max context reached 61000 tokens but model supports only 60000' }, 'the window of bge-m3 is that of a call')
t.doesNotThrow(() => refuseLongTexts(Array.from({ length: 60 }, () => thousand), m3, {}))
t.doesNotThrow(() => refuseLongTexts(Array.from({ length: 61 }, () => thousand), m3, { truncate_inputs: true }), 'unless it is to cut them')
t.doesNotThrow(() => refuseLongTexts(Array.from({ length: 61 }, () => thousand), qwen, {}), 'that of qwen3 is a text\'s')
t.throws(() => refuseLongTexts([thousand.repeat(9)], qwen, {}), { code: 3030, message: 'AiError: AiError: Sequence too long: 9000 > 8192' })
t.doesNotThrow(() => refuseLongTexts([thousand], bge, {}), 'the old ones cut it')
