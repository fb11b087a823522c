import { Readable } from 'node:stream'
import t from 'tap'

interface Outcome {
  passed: number
  failed: number
  skipped: number
  failures: Array<{ place: string, names: string[], details: string[] }>
  ended: string[]
}

// It is JavaScript, which runs without being built.
const { readOutcome, toReport } = await import(String(new URL('outcome.mjs', import.meta.url))) as {
  readOutcome: (tap: Readable) => Promise<Outcome>
  toReport: (outcome: Outcome, exitCode: number) => string
}

const FAILED = `TAP version 14
1..3
# Subtest: .tap/built/all/01-stages.mjs
    # Subtest: test/stages/ending.test.ts
        # Subtest: a stream ends
            ok 1 - should be equal
            not ok 2 - its reason
              ---
              compare: ===
              at:
                fileName: test/stages/ending.test.ts
                lineNumber: 12
                columnNumber: 5
              diff: |
                --- expected
                +++ actual
                @@ -1,1 +1,1 @@
                -stop
                +length
              ...
            1..2
        not ok 1 - a stream ends # time=1ms
        ok 2 - not here # SKIP there is none
        1..2
    not ok 1 - test/stages/ending.test.ts # time=2ms
    1..1
not ok 1 - .tap/built/all/01-stages.mjs # time=3ms
# Subtest: .tap/built/all/02-json.mjs
    ok 1 - should be equal
    1..1
not ok 2 - .tap/built/all/02-json.mjs # time=4ms
  ---
  exitCode: 7
  ...
# Subtest: .tap/built/all/last/faults-load.test.mjs
    ok 1 - should be equal
    ok 2 - should be equal
    1..2
ok 3 - .tap/built/all/last/faults-load.test.mjs # time=5ms
`

t.test('each failure is listed once, by its place, its tests and how it failed', async t => {
  const outcome = await readOutcome(Readable.from([Buffer.from(FAILED)]))
  t.strictSame(outcome, {
    passed: 4,
    failed: 2,
    skipped: 1,
    failures: [
      { place: 'test/stages/ending.test.ts:12', names: ['a stream ends', 'its reason'], details: ['-stop', '+length'] },
      { place: '', names: ['.tap/built/all/02-json.mjs'], details: ['exitCode: 7'] }
    ],
    ended: ['.tap/built/all/01-stages.mjs', '.tap/built/all/02-json.mjs', '.tap/built/all/last/faults-load.test.mjs']
  })
  t.equal(toReport(outcome, 1), `
== what failed

test/stages/ending.test.ts:12  a stream ends > its reason
    -stop
    +length

.tap/built/all/02-json.mjs
    exitCode: 7

4 passed, 2 failed, 1 skipped`)
})

t.test('the last line says how many passed; a run that fails without a failure says so', async t => {
  const outcome = await readOutcome(Readable.from([Buffer.from('TAP version 14\n1..1\nok 1 - fine\n')]))
  t.equal(toReport(outcome, 0), '1 passed, 0 failed, 0 skipped')
  t.equal(toReport(outcome, 3), 'The run ended with exit code 3, and nothing that failed.\n1 passed, 0 failed, 0 skipped')
})

t.test('of very many failures the first are listed', t => {
  const failures = Array.from({ length: 45 }, (_, index) => ({ place: `test/a.test.ts:${index}`, names: ['a'], details: [] }))
  t.match(toReport({ passed: 0, failed: 45, skipped: 0, failures, ended: [] }, 1), /test\/a\.test\.ts:39 {2}a\n\nand 5 more\n\n0 passed, 45 failed, 0 skipped$/)
  t.end()
})
