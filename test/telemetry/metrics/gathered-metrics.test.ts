import t from 'tap'
import { GatheredMetrics } from '../../../src/telemetry/metrics/gathered-metrics.ts'
import type { Figures } from '../../../src/telemetry/metrics/figures.ts'
import type { ProcessMetrics } from '../../../src/telemetry/metrics/process-metrics.ts'

const FIGURES: Figures = { route: '/v1/models', status: 200, model: 'none', key: 'none', seconds: 1, calls: [], fallbacks: [], repairs: [] }

function toProcess (value: number): ProcessMetrics {
  return [
    { name: 'ticks_total', help: 'About it.', type: 'counter', aggregator: 'sum', values: [{ value, labels: {} }] },
    { name: 'load', help: 'About it.', type: 'gauge', aggregator: 'sum', values: [{ value, labels: {} }] }
  ] as unknown as ProcessMetrics
}

function valueOf (text: string, name: string): number {
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1])
}

t.test('sums never fall, whoever ends or is silent', async t => {
  let others = new Map([[1, toProcess(10)], [2, toProcess(20)]])
  const metrics = new GatheredMetrics(async () => others)
  metrics.add([FIGURES, FIGURES])
  const first = await metrics.text()
  t.equal(valueOf(first, 'workers_ai_proxy_requests_total'), 2)
  t.equal(valueOf(first, 'ticks_total'), 30)
  t.equal(valueOf(first, 'load'), 30)
  others = new Map([[2, toProcess(21)]])
  const second = await metrics.text()
  t.equal(valueOf(second, 'ticks_total'), 31, 'of one that does not answer the last is known')
  await metrics.forget(1)
  await metrics.forget(3)
  others = new Map([[2, toProcess(22)], [4, toProcess(1)]])
  const third = await metrics.text()
  t.equal(valueOf(third, 'ticks_total'), 33, 'of one that has ended what grows is kept')
  t.equal(valueOf(third, 'load'), 23, 'and nothing else')
  await metrics.forget(2)
  await metrics.forget(4)
  others = new Map()
  t.equal(valueOf(await metrics.text(), 'ticks_total'), 33, 'whoever has ended')
})
