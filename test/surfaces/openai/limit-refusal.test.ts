import t from 'tap'
import { LimitError, type LimitFacts } from '../../../src/errors.ts'
import { toErrorBody } from '../../../src/surfaces/openai/errors.ts'
import { toLimitError } from '../../../src/surfaces/openai/limit-refusal.ts'

const NOON = new Date('2026-11-29T12:00:00.250Z')
const RAISE = 'Whoever runs this proxy can raise it in KEY_LIMITS.'

interface Case {
  facts: LimitFacts
  owner?: string
  status?: number
  type: string
  code: string
  message: string
  headers: Record<string, string>
}

const cases: Case[] = [
  {
    facts: { limit: 'rpm', max: 60, used: 60, retryAfterMs: 990 },
    type: 'requests',
    code: 'rate_limit_exceeded',
    message: `Rate limit reached for the key 'alice' on requests per minute (rpm): limit 60, used 60. Please try again in 0.99s. ${RAISE}`,
    headers: { 'retry-after': '1', 'retry-after-ms': '990', 'x-should-retry': 'true' }
  },
  {
    facts: { limit: 'parallel', max: 2, used: 2, retryAfterMs: 5_000 },
    owner: 'your key',
    type: 'requests',
    code: 'rate_limit_exceeded',
    message: `Rate limit reached for your key on requests in progress (parallel): limit 2, in progress 2. Please try again in 5s. ${RAISE}`,
    headers: { 'retry-after': '5', 'retry-after-ms': '5000', 'x-should-retry': 'true' }
  },
  {
    facts: { limit: 'rpd', max: 9, used: 9, retryAfterMs: 43_199_750 },
    type: 'requests',
    code: 'rate_limit_exceeded',
    message: `Rate limit reached for the key 'alice' on requests per day (rpd): limit 9, used 9. It starts anew at 2026-11-30T00:00:00Z. ${RAISE}`,
    headers: { 'retry-after': '43200', 'retry-after-ms': '43199750', 'x-should-retry': 'false' }
  },
  {
    facts: { limit: 'tpm', max: 1_000, used: 990, inputTokens: 64, retryAfterMs: 3_201 },
    type: 'tokens',
    code: 'rate_limit_exceeded',
    message: `Rate limit reached for the key 'alice' on tokens per minute (tpm): limit 1000, used 990, requested about 64 of input. Please try again in 3.21s. ${RAISE}`,
    headers: { 'retry-after': '4', 'retry-after-ms': '3201', 'x-should-retry': 'true' }
  },
  {
    facts: { limit: 'tpm', max: 1_000, used: 0, inputTokens: 1_200 },
    type: 'tokens',
    code: 'rate_limit_exceeded',
    message: `Rate limit reached for the key 'alice' on tokens per minute (tpm): limit 1000, used 0, requested about 1200 of input. The input alone is more than the limit, so this request can never pass: shorten it. ${RAISE}`,
    headers: { 'x-should-retry': 'false' }
  },
  {
    facts: { limit: 'neurons_per_day', max: 100, used: 100.123456, retryAfterMs: 43_199_750 },
    type: 'insufficient_quota',
    code: 'insufficient_quota',
    message: `You exceeded your current quota for the key 'alice' on neurons per day (neurons_per_day): limit 100, used 100.12. It starts anew at 2026-11-30T00:00:00Z. ${RAISE}`,
    headers: { 'retry-after': '43200', 'retry-after-ms': '43199750', 'x-should-retry': 'false' }
  },
  {
    facts: { limit: 'neurons_per_month', max: 5, used: 2, isHeld: true, retryAfterMs: 5_000 },
    owner: 'the callers of this proxy together',
    type: 'tokens',
    code: 'rate_limit_exceeded',
    message: `Rate limit reached for the callers of this proxy together on neurons per month (neurons_per_month): limit 5, used 2, and requests in progress may use the rest. Please try again in 5s. ${RAISE}`,
    headers: { 'retry-after': '5', 'retry-after-ms': '5000', 'x-should-retry': 'true' }
  },
  {
    facts: { limit: 'neurons_per_day', max: 5, isUnavailable: true, retryAfterMs: 5_000 },
    status: 503,
    type: 'server_error',
    code: 'budget_unavailable',
    message: "No budget is available for the key 'alice' on neurons per day (neurons_per_day): limit 5, and what replicas have used together cannot be asked at the moment. Please try again in 5s.",
    headers: { 'retry-after': '5', 'retry-after-ms': '5000', 'x-should-retry': 'true' }
  },
  {
    facts: { limit: 'models', model: '@cf/a/b', models: ['fast', '@cf/c/d'] },
    status: 403,
    type: 'invalid_request_error',
    code: 'model_not_found',
    message: "The key 'alice' does not have access to the model `@cf/a/b`. It may use: fast, @cf/c/d.",
    headers: {}
  },
  {
    facts: { limit: 'unpriced', model: '@cf/a/b' },
    owner: 'your token',
    status: 403,
    type: 'invalid_request_error',
    code: 'model_not_priced',
    message: 'Your token has a budget of neurons, and the price of the model `@cf/a/b` is not known. Use a model with "pricing" in GET /v1/models.',
    headers: {}
  }
]

for (const { facts, owner = "the key 'alice'", status = 429, type, code, message, headers } of cases) {
  t.test(`a refusal by ${facts.limit}: ${message}`, async t => {
    const refusal = toLimitError(new LimitError(facts, owner), NOON)
    t.equal(refusal.status, status)
    t.strictSame(toErrorBody(refusal), { error: { message, type, code, param: status === 403 ? 'model' : null } })
    t.strictSame(refusal.headers, headers)
  })
}

t.test('clients can read the wait out of the message', async t => {
  // As Codex does.
  const pattern = /try again in\s*(\d+(?:\.\d+)?)\s*(s|ms|seconds?)/i
  for (const retryAfterMs of [1, 990, 3_201, 59_999, 61_000]) {
    const { message } = toLimitError(new LimitError({ limit: 'tpm', max: 1, used: 1, inputTokens: 1, retryAfterMs }, 'your key'), NOON)
    const [, seconds, unit] = pattern.exec(message) ?? []
    t.equal(unit, 's')
    t.ok(Number(seconds) * 1_000 >= retryAfterMs && Number(seconds) * 1_000 < retryAfterMs + 10, message)
  }
})
