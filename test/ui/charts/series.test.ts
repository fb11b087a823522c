import t from 'tap'
import { quantileOf, toBuckets, toScale } from '../../../src/ui/charts/series.ts'

const RANGE = { bucketMs: 1_000, count: 3 }
const record = (endedAt: number, facts: object = {}) => ({ id: String(endedAt), ended_at: endedAt, status: 200, operation: 'chat', ...facts })

t.test('records are counted in slices of time', t => {
  const buckets = toBuckets([
    record(999), record(1_000, { input_tokens: 5, output_tokens: 7, neurons: 0.5 }), record(1_999, { status: 500 }),
    record(3_500, { stream: true, first_token_ms: 100 }), record(3_600, { stream: true, first_token_ms: 300 }), record(3_700, { stream: true, first_token_ms: 200, neurons: null }),
    record(3_800, { stream: false, first_token_ms: 9_000 }), record(4_000),
    record(3_900, { dry_run: true }), record(3_900, { operation: null })
  ], RANGE, 3_999)
  t.strictSame(buckets, [
    { startMs: 1_000, succeeded: 1, failed: 1, inputTokens: 5, outputTokens: 7, neurons: 0.5, firstTokenMedianMs: undefined, firstTokenP95Ms: undefined },
    { startMs: 2_000, succeeded: 0, failed: 0, inputTokens: 0, outputTokens: 0, neurons: 0, firstTokenMedianMs: undefined, firstTokenP95Ms: undefined },
    { startMs: 3_000, succeeded: 4, failed: 0, inputTokens: 0, outputTokens: 0, neurons: 0, firstTokenMedianMs: 200, firstTokenP95Ms: 300 }
  ], 'what is older, newer or asks no model is in none')
  t.end()
})

t.equal(quantileOf([], 0.5), undefined)
t.equal(quantileOf([1], 0.95), 1)
t.equal(quantileOf([1, 2, 3, 4], 0.5), 2)

const scales: Array<[number[], number]> = [[[], 1], [[0, 0], 1], [[1], 1], [[3], 5], [[12, 99], 100], [[0.03], 0.05], [[201], 250], [[1_000_000], 1_000_000], [[101], 200]]
for (const [values, expected] of scales) t.equal(toScale(values), expected, String(values))
