import t from 'tap'
import type { FailureCategory, Finding } from '../../../src/cli/doctor/finding.ts'
import { toDoctorHelp, toExitCode, toJsonReport, toPreface, toReport } from '../../../src/cli/doctor/report.ts'

const ok: Finding = { check: 'network', verdict: 'ok', message: 'It answers.' }
const warning: Finding = { check: 'models', verdict: 'warning', message: 'It is slow.', next: 'Wait.' }
const skipped: Finding = { check: 'run', verdict: 'skipped', message: 'Left out.' }

function failing (blame: FailureCategory): Finding {
  return { check: 'token', verdict: 'failed', message: 'It is wrong.', next: 'Make one.', blame }
}

const exitCodes: Array<{ name: string, given: Finding[], expected: number }> = [
  { name: 'nothing failed', given: [ok, warning, skipped], expected: 0 },
  { name: 'something else', given: [ok, failing('other')], expected: 1 },
  { name: 'settings', given: [failing('settings')], expected: 2 },
  { name: 'credentials', given: [failing('credentials')], expected: 3 },
  { name: 'network', given: [failing('network')], expected: 4 },
  { name: 'model', given: [failing('model')], expected: 5 },
  { name: 'the first failure decides', given: [ok, failing('network'), failing('model')], expected: 4 }
]
for (const { name, given, expected } of exitCodes) t.equal(toExitCode(given), expected, name)

t.equal(toReport([ok, warning, failing('credentials'), skipped]), `ok       network   It answers.
warning  models    It is slow.
                   → Wait.
failed   token     It is wrong.
                   → Make one.
skipped  run       Left out.

FAILED (exit code 3)
`, 'a line for each, and what to do about it')

const summaries = [
  { given: [ok], expected: 'OK' },
  { given: [ok, skipped], expected: 'OK (1 check skipped)' },
  { given: [ok, warning, skipped], expected: 'OK, with 1 warning' },
  { given: [warning, warning], expected: 'OK, with 2 warnings' },
  { given: [failing('network')], expected: 'FAILED (exit code 4)' }
]
for (const { given, expected } of summaries) t.equal(toReport(given).trimEnd().split('\n').at(-1), expected, expected)

t.match(toReport([{ ...ok, message: 'one\u001b[31m\ntwo\u0000' }]), 'ok       network   one [31m two \n', 'what others say cannot give orders to a terminal')
t.same(JSON.parse(toJsonReport([ok, failing('model')])), { exitCode: 5, findings: [ok, failing('model')] })

t.match(toPreface('cloudflare', true), /bills a few neurons; --no-run skips the run/, 'it says what it costs before it does')
t.match(toPreface('cloudflare', false), /runs none of them/)
t.match(toPreface('simulator', true), /simulator.*Nothing is billed/)

t.same(toDoctorHelp().split('\n').filter(line => line.length > 100), [], '--help fits 100 columns')
for (const text of ['--model', '--no-run', '--json', ...exitCodes.map(({ expected }) => `\n  ${expected}   `)]) t.match(toDoctorHelp(), text)
