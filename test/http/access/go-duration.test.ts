import t from 'tap'
import { toGoDuration } from '../../../src/http/access/go-duration.ts'

const cases: Array<[ms: number, text: string]> = [
  [0, '0s'],
  [1, '1ms'],
  [20, '20ms'],
  [999, '999ms'],
  [1_000, '1s'],
  [1_500, '1.5s'],
  [59_939, '59.939s'],
  [60_000, '1m0s'],
  [360_000, '6m0s'],
  [432_120, '7m12.12s'],
  [3_600_000, '1h0m0s'],
  [43_200_001, '12h0m0.001s']
]
for (const [ms, text] of cases) t.equal(toGoDuration(ms), text, `${ms} ms`)
