import t from 'tap'
import { sustainedPressure } from '../../../src/http/connections/sustained-pressure.ts'

const cases = [
  { name: 'a moment is no flood', at: [0], expected: [false] },
  { name: 'nor are two close together', at: [0, 1_900], expected: [false, false] },
  { name: 'pressure that goes on is one', at: [0, 1_000, 2_000, 4_900], expected: [false, false, true, true] },
  { name: 'pressure that passed begins anew', at: [0, 2_000, 5_100, 6_000, 7_200], expected: [false, true, false, false, true] }
]
for (const { name, at, expected } of cases) {
  let now = 0
  const isLasting = sustainedPressure(() => now)
  t.strictSame(at.map(ms => { now = ms; return isLasting() }), expected, name)
}
