import t from 'tap'
import { TOPICS } from '../../../src/telemetry/metrics/metrics.ts'
import { PrimaryMetrics } from '../../../src/telemetry/metrics/primary-metrics.ts'
import type { Figures } from '../../../src/telemetry/metrics/figures.ts'

const FIGURES: Figures = { route: '/v1/models', status: 200, model: 'none', key: 'none', seconds: 1, calls: [], fallbacks: [], repairs: [] }

t.test('the primary adds up what its workers tell', async t => {
  let hear: (message: unknown, from: number) => void = () => {}
  let answer: (question: unknown) => Promise<unknown> = async () => undefined
  const asked: string[] = []
  const meanwhile: Array<() => Promise<void>> = []
  const metrics = new PrimaryMetrics({
    hear: (topic, heard) => { if (topic === TOPICS.figures) hear = heard },
    answer: (topic, answered) => { if (topic === TOPICS.text) answer = answered },
    tell: () => {},
    askAll: async topic => {
      asked.push(topic)
      await meanwhile.pop()?.()
      return new Map([[1, [{ name: 'ticks_total', help: 'About it.', type: 'counter', aggregator: 'sum', values: [{ value: 5, labels: {} }] }]]])
    }
  }, error => t.fail(String(error)))
  await metrics.forget(9)
  hear([FIGURES, FIGURES], 1)
  hear([FIGURES], 2)
  const text = await answer(undefined)
  t.match(text, /^workers_ai_proxy_requests_total\{.*\} 3$/m)
  t.match(text, /^ticks_total 5$/m)
  t.notMatch(text, 'workers_ai_proxy_open_answers', 'it serves nobody itself')
  t.strictSame(asked, [TOPICS.process])
  await metrics.forget(1)
  t.match(await answer(undefined), /^ticks_total 5$/m, 'what has ended is kept')
  meanwhile.push(async () => await metrics.forget(1))
  t.match(await answer(undefined), /^ticks_total 5$/m, 'and does not come back with an answer that was on its way')
})
