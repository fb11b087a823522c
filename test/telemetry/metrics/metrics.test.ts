import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { RequestRecord } from '../../../src/inference/request-record.ts'
import type { EndedRequest } from '../../../src/telemetry/ended-requests.ts'
import { newMetrics, TOPICS, type MetricsOptions } from '../../../src/telemetry/metrics/metrics.ts'

const options: MetricsOptions = {
  isListed: () => true,
  toBill: () => ({ microNeurons: 0, source: 'computed' }),
  countOpenAnswers: () => 3,
  log: { error: () => {} }
}

function ended (isCounted = true): EndedRequest {
  return { record: new RequestRecord(), request: {} as EndedRequest['request'], route: '/v1/models', method: 'GET', status: 200, elapsedMs: 1, isAborted: false, isCounted }
}

t.test('a process by itself counts from its first request on', async t => {
  const { reader, text, flush } = newMetrics(options)
  t.match(reader, { name: 'metrics', readsCalls: true })
  reader.read(ended())
  reader.read(ended())
  reader.read(ended(false))
  const first = await text()
  t.match(first, /^workers_ai_proxy_requests_total\{route="\/v1\/models",status="200",model="none",key="none"\} 2$/m, 'also those that ended while it was loaded')
  t.match(first, /^workers_ai_proxy_open_answers 3$/m)
  reader.read(ended())
  flush()
  t.match(await text(), /^workers_ai_proxy_requests_total\{.*\} 3$/m)
})

t.test('one of several tells the primary, a few requests at a time', async t => {
  const told: unknown[][] = []
  const answers = new Map<string, () => Promise<unknown>>()
  const { reader, text, flush } = newMetrics({
    ...options,
    link: {
      tell: (topic, message) => { told.push([topic, (message as unknown[]).length]) },
      ask: async topic => `asked ${topic}`,
      answer: (topic, answer) => { answers.set(topic, answer) },
      hear: () => {}
    }
  })
  reader.read(ended())
  reader.read(ended())
  t.strictSame(told, [])
  await sleep(200)
  t.strictSame(told.splice(0), [[TOPICS.figures, 2]])
  flush()
  t.strictSame(told, [], 'nothing is nothing')
  reader.read(ended())
  t.equal(await text(), `asked ${TOPICS.text}`)
  t.strictSame(told.splice(0), [[TOPICS.figures, 1]], 'what waits goes before the question')
  reader.read(ended())
  flush()
  t.strictSame(told.splice(0), [[TOPICS.figures, 1]])
  const own = JSON.stringify(await answers.get(TOPICS.process)?.())
  t.match(own, 'workers_ai_proxy_open_answers')
  t.match(own, 'process_cpu_seconds_total')
})
