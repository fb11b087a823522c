import t from 'tap'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import { toEmbeddingFamily } from '../../../src/workers-ai/models/embedding-family.ts'

const models = [...CATALOGUE.values()].filter(({ task }) => task === 'text-embeddings')

t.ok(models.length >= 7 && models.every(({ dimensions }) => dimensions !== undefined), 'the length of every embedding of the catalogue is known')
for (const { id, dimensions = 0 } of models) {
  const { cuts } = toEmbeddingFamily(id)
  if (cuts === undefined) continue
  const most = 'range' in cuts ? cuts.range[1] : Math.max(...cuts.lengths)
  t.ok('range' in cuts ? most === dimensions : most < dimensions, `${id} is cut to no more than it has`)
}

const cases = [
  { name: 'bge pools', id: '@cf/baai/bge-base-en-v1.5', expected: { extras: ['pooling'] } },
  { name: 'bge-m3 can be told to cut, and has one window for all texts of a call', id: '@cf/baai/bge-m3', expected: { extras: ['truncate_inputs'], sharesWindow: true } },
  { name: 'qwen3 is instructed', id: '@cf/qwen/qwen3-embedding-0.6b', expected: { extras: ['instruction'], cuts: { range: [32, 1_024] } } },
  { name: 'gemma is trained for four lengths', id: '@cf/google/embeddinggemma-300m', expected: { extras: [], cuts: { lengths: [128, 256, 512] } } },
  { name: 'plamo takes texts', id: '@cf/pfnet/plamo-embedding-1b', expected: { extras: [] } },
  { name: 'one nobody knows takes texts', id: '@cf/new/embedder', expected: { extras: [] } }
]
for (const { name, id, expected } of cases) t.strictSame(toEmbeddingFamily(id), expected, name)
