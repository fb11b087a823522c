import t from 'tap'
import { UpstreamError, type UpstreamErrorOptions } from '../../src/errors.ts'
import { toFailure } from '../../src/inference/failure.ts'

const NOON = new Date('2026-05-30T12:00:00Z')
const cases: Array<{ name: string, given: UpstreamErrorOptions, expected: object }> = [
  { name: 'a code', given: { kind: 'refused', status: 429, code: 3040 }, expected: { meaning: 'capacity', retryAfter: undefined } },
  { name: 'a time to wait is told in whole seconds', given: { kind: 'refused', status: 429, retryAfter: 1.2 }, expected: { meaning: 'rate-limit', retryAfter: 2 } },
  { name: 'and is at least one', given: { kind: 'refused', status: 503, retryAfter: 0 }, expected: { meaning: 'overloaded', retryAfter: 1 } },
  { name: 'the daily quota is renewed at midnight, whatever else is said', given: { kind: 'refused', status: 429, code: 4006, retryAfter: 5 }, expected: { meaning: 'quota', retryAfter: 43_200 } },
  { name: 'the part it is about', given: { kind: 'refused', status: 400, code: 5025 }, expected: { about: 'format' } },
  { name: 'what to do about it', given: { kind: 'refused', status: 403, code: 5016 }, expected: { meaning: 'licence', next: /licence/ } },
  { name: 'no answer at all', given: { kind: 'unreachable' }, expected: { meaning: 'unreachable' } }
]
for (const { name, given, expected } of cases) t.match(toFailure(new UpstreamError('it failed', given), NOON), expected, name)
