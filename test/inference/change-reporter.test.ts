import t from 'tap'
import type { Change } from '../../src/generation/change.ts'
import { ChangeReporter } from '../../src/inference/change-reporter.ts'

function reporterOf (changes: Change[], nameOf?: (param: string) => string) {
  const lines: unknown[] = []
  const call = { record: {} as { changes?: string | undefined }, log: { debug: (line: unknown) => lines.push(line) } }
  return { reporter: new ChangeReporter(changes, call as unknown as ConstructorParameters<typeof ChangeReporter>[1], nameOf), call, lines }
}

t.test('what is known at the beginning is a header, what comes later a comment, and all of it is logged', t => {
  const changes: Change[] = [{ param: 'user', action: 'dropped', from: 'secret', reason: 'r1' }]
  const { reporter, call, lines } = reporterOf(changes)
  t.strictSame(reporter.headers(), { 'x-proxy-warnings': 'user dropped' })
  t.equal(reporter.news(), undefined, 'nothing is told twice')
  reporter.add({ param: 'usage', action: 'estimated', reason: 'r2' })
  changes.push({ param: 'tools', action: 'repaired', reason: 'r3' })
  t.equal(reporter.news(), 'usage estimated, tools repaired')
  t.equal(call.record.changes, 'user dropped, usage estimated, tools repaired')
  t.strictSame(lines, [
    { changes: [{ param: 'user', action: 'dropped', reason: 'r1' }] },
    { changes: [{ param: 'usage', action: 'estimated', reason: 'r2' }, { param: 'tools', action: 'repaired', reason: 'r3' }] }
  ], 'without the values')
  t.end()
})

t.test('long names are cut', t => {
  const { reporter, lines } = reporterOf([{ param: 'x'.repeat(5_000), action: 'dropped', reason: 'r' }])
  t.strictSame(reporter.headers(), { 'x-proxy-warnings': `${'x'.repeat(100)} dropped` })
  t.strictSame(lines, [{ changes: [{ param: 'x'.repeat(100), action: 'dropped', reason: 'r' }] }])
  t.end()
})

t.test('parameters have the names their caller gave them', t => {
  const changes: Change[] = [{ param: 'messages', action: 'clamped', reason: 'r' }]
  const { reporter, call, lines } = reporterOf(changes, param => param.replace('messages', 'input'))
  t.strictSame(reporter.headers(), { 'x-proxy-warnings': 'input clamped' })
  t.equal(call.record.changes, 'input clamped')
  t.match(lines, [{ changes: [{ param: 'input' }] }])
  t.equal(changes[0]?.param, 'messages', 'the change itself stays')
  t.end()
})

t.test('nothing leaves no trace', t => {
  const { reporter, call, lines } = reporterOf([])
  t.strictSame({ ...reporter.headers(), news: reporter.news(), record: call.record, lines }, { news: undefined, record: {}, lines: [] })
  t.end()
})
