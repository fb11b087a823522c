import t from 'tap'
import { CounterFamily, HistogramFamily } from '../../../src/telemetry/metrics/family.ts'

t.test('a counter adds up by its labels', async t => {
  const family = new CounterFamily('a_total', 'About a.', ['model', 'key'])
  t.strictSame(await family.get(), { name: 'a_total', help: 'About a.', type: 'counter', aggregator: 'sum', values: [] })
  family.add(['m', 'k'], 1)
  family.add(['m', 'k'], 2.5)
  family.add(['m', ''], 1)
  t.match(await family.get(), { values: [{ labels: { model: 'm', key: 'k' }, value: 3.5 }, { labels: { model: 'm', key: undefined }, value: 1 }] })
})

t.test('a histogram counts what is up to each bound', async t => {
  const family = new HistogramFamily('a', 'About a.', ['model'], [1, 2])
  for (const value of [0.5, 1, 1.5, 7]) family.add(['m'], value)
  t.strictSame(((await family.get()) as { values: unknown[] }).values, [
    { metricName: 'a_bucket', labels: { model: 'm', le: 1 }, value: 2 },
    { metricName: 'a_bucket', labels: { model: 'm', le: 2 }, value: 3 },
    { metricName: 'a_bucket', labels: { model: 'm', le: '+Inf' }, value: 4 },
    { metricName: 'a_sum', labels: { model: 'm' }, value: 10 },
    { metricName: 'a_count', labels: { model: 'm' }, value: 4 }
  ])
})

t.test('beyond its bound a family counts under `other`', async t => {
  const family = new CounterFamily('a_total', 'About a.', ['model', 'key'], 2)
  for (const model of ['a', 'b', 'c', 'd', 'a', 'c']) family.add([model, 'k'], 1)
  t.strictSame(((await family.get()) as { values: unknown[] }).values, [
    { labels: { model: 'a', key: 'k' }, value: 2 },
    { labels: { model: 'b', key: 'k' }, value: 1 },
    { labels: { model: 'other', key: 'other' }, value: 3 }
  ])
  const histogram = new HistogramFamily('a', 'About a.', ['model'], [1], 1)
  for (const model of ['a', 'b']) histogram.add([model], 1)
  t.match(await histogram.get(), { values: [{ labels: { model: 'a' } }, {}, {}, {}, { labels: { model: 'other' } }] }, 'of either kind')
  const many = new CounterFamily('a_total', 'About a.', ['model'])
  for (let index = 0; index < 1_200; index++) many.add([String(index)], 1)
  t.equal(((await many.get()) as { values: unknown[] }).values.length, 1_001)
})
