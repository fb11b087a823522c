import t from 'tap'
import { ProcessFamilies, toLasting, toText, type ProcessMetrics } from '../../../src/telemetry/metrics/process-metrics.ts'

function family (name: string, type: string, value: number, aggregator = 'sum') {
  return { name, help: 'About it.', type, aggregator, values: [{ value, labels: {} }] }
}

t.test('a process tells of itself, and nothing that is misnamed or no number', async t => {
  const metrics = await new ProcessFamilies(() => 7).read()
  t.same(JSON.parse(JSON.stringify(metrics)), metrics, 'it is JSON')
  const text = await toText([metrics])
  t.match(text, /^workers_ai_proxy_open_answers 7$/m)
  for (const name of ['process_cpu_seconds_total', 'process_start_time_seconds', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds']) t.match(text, new RegExp(`^${name} [\\d.]+$`, 'm'))
  t.notMatch(text, /^nodejs_active_\w+_total/m, 'they are no counters')
  t.notMatch(text, /nan/i)
})

t.test('the primary answers nobody, and says so by silence', async t => {
  t.notMatch(await toText([await new ProcessFamilies().read()]), 'open_answers')
})

t.test('several processes are one', async t => {
  const processes: ProcessMetrics[] = [10, 30].map(value => [family('a_total', 'counter', value), family('b', 'gauge', value), family('c', 'gauge', value, 'average'), family('d', 'gauge', value, 'min')])
  const text = await toText(processes)
  for (const line of ['a_total 40', 'b 40', 'c 20', 'd 10']) t.match(text, new RegExp(`^${line}$`, 'm'))
})

t.test('of those that have ended only what grows is kept', async t => {
  const lasting = await toLasting([[family('a_total', 'counter', 10), family('b', 'gauge', 10)], [family('a_total', 'counter', 5)]])
  t.match(lasting, [{ name: 'a_total', values: [{ value: 15 }] }])
  t.equal(lasting.length, 1)
})
