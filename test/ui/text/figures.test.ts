import t from 'tap'
import { toCount, toDuration, toNeurons, toShortCount } from '../../../src/ui/text/figures.ts'

const cases = [
  { given: toCount(1234567.4), expected: '1,234,567' },
  { given: toShortCount(0), expected: '0' },
  { given: toShortCount(2.5), expected: '2.5' },
  { given: toShortCount(999), expected: '999' },
  { given: toShortCount(24_000), expected: '24k' },
  { given: toShortCount(48_824), expected: '48.8k' },
  { given: toShortCount(999_999), expected: '1M' },
  { given: toShortCount(1_048_576), expected: '1M' },
  { given: toNeurons(0), expected: '0' },
  { given: toNeurons(0.0004), expected: '< 0.001' },
  { given: toNeurons(0.227273), expected: '0.227' },
  { given: toNeurons(12.345), expected: '12.3' },
  { given: toNeurons(10_000), expected: '10,000' },
  { given: toDuration(0), expected: '0 ms' },
  { given: toDuration(999.4), expected: '999 ms' },
  { given: toDuration(1_000), expected: '1 s' },
  { given: toDuration(1_420), expected: '1.4 s' },
  { given: toDuration(59_999), expected: '59 s' },
  { given: toDuration(60_000), expected: '1 min' },
  { given: toDuration(185_000), expected: '3 min 5 s' },
  { given: toDuration(5 * 3_600_000 + 12 * 60_000), expected: '5 h 12 min' }
]
for (const { given, expected } of cases) t.equal(given, expected)
