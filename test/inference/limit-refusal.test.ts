import t from 'tap'
import { LimitError, type LimitFacts } from '../../src/errors.ts'
import { toLimitRefusal } from '../../src/inference/limit-refusal.ts'

const NOON = new Date('2026-11-29T12:00:00Z')

const cases: Array<{ facts: LimitFacts, isAboutModel?: boolean, isQuota?: boolean, isUnavailable?: boolean, text: RegExp, headers: object }> = [
  { facts: { limit: 'rpm', max: 2, used: 2, retryAfterMs: 60_000 }, text: /^your key on requests per minute \(rpm\): limit 2, used 2\. Please try again in 60s\./, headers: { 'x-should-retry': 'true', 'retry-after': '60' } },
  { facts: { limit: 'rpd', max: 2, used: 2, retryAfterMs: 60_001 }, text: /It starts anew at 2026-11-29T12:01:00Z\./, headers: { 'x-should-retry': 'false', 'retry-after': '61' } },
  { facts: { limit: 'neurons_per_month', max: 2, used: 2, retryAfterMs: 1 }, isQuota: true, text: /Please try again in 0\.01s/, headers: { 'x-should-retry': 'false', 'retry-after': '1' } },
  { facts: { limit: 'neurons_per_month', max: 2, used: 1, isHeld: true, retryAfterMs: 5_000 }, text: /requests in progress may use the rest/, headers: { 'x-should-retry': 'true' } },
  {
    facts: { limit: 'neurons_per_day', max: 9, isUnavailable: true, retryAfterMs: 5_000 },
    isUnavailable: true,
    text: /^your key on neurons per day \(neurons_per_day\): limit 9, and what replicas have used together cannot be asked at the moment\. Please try again in 5s\.$/,
    headers: { 'x-should-retry': 'true', 'retry-after': '5' }
  },
  { facts: { limit: 'models', model: 'm', models: ['a', 'b'] }, isAboutModel: true, text: /^Your key does not have access to the model `m`\. It may use: a, b\.$/, headers: {} },
  { facts: { limit: 'unpriced', model: 'm' }, isAboutModel: true, text: /^Your key has a budget of neurons/, headers: {} }
]
for (const { facts, isAboutModel = false, isQuota = false, isUnavailable = false, text, headers } of cases) {
  t.match(toLimitRefusal(new LimitError(facts, 'your key'), NOON), { isAboutModel, isQuota, isUnavailable, text, headers }, facts.limit)
}
