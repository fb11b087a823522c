import t from 'tap'
import { ExportReport } from '../../../src/telemetry/traces/export-report.ts'

t.test('the first loss is told at once, others once a minute, and when there was none for a minute', t => {
  let now = 0
  const lines: unknown[] = []
  const note = (level: string) => (fields: object, message: string) => { lines.push([level, fields, message]) }
  const report = new ExportReport({ info: note('info'), warn: note('warn') }, () => now)
  const lost = 'spans were lost: the collector of traces did not take them'
  report.exported()
  t.strictSame(lines.splice(0), [], 'a success is nothing to tell of')
  report.dropped(3, 'ECONNREFUSED')
  t.strictSame(lines.splice(0), [['warn', { spans: 3, reason: 'ECONNREFUSED' }, lost]])
  for (let count = 0; count < 100; count++) {
    now += 500
    report.dropped(1, 'queue full')
  }
  t.strictSame(lines.splice(0), [])
  now = 60_000
  report.dropped(1, 'HTTP 401')
  t.strictSame(lines.splice(0), [['warn', { spans: 101, reason: 'HTTP 401' }, lost]])
  report.dropped(2, 'timeout')
  report.exported()
  now += 59_000
  report.exported()
  t.strictSame(lines, [], 'one that goes to and fro tells no more')
  now += 1_000
  report.exported()
  t.strictSame(lines.splice(0), [['warn', { spans: 2, reason: 'timeout' }, lost], ['info', {}, 'traces are exported again']])
  report.exported()
  report.end()
  t.strictSame(lines, [])
  t.end()
})
