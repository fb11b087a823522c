import t from 'tap'
import { InvalidRequestError, LimitError, ProxyError, UpstreamError } from '../../../src/errors.ts'
import { toErrorBody, toProxyError, toStatus, type FailedRequest } from '../../../src/surfaces/anthropic/errors.ts'

const request: FailedRequest = { now: new Date('2026-11-29T23:00:00Z'), owner: 'proxy' }
const refused = (status: number, code?: number, message = 'Cloudflare says so') => new UpstreamError(message, { kind: 'refused', status, code })
const told = (error: unknown, about: Partial<FailedRequest> = {}) => {
  const proxyError = toProxyError(error, { ...request, ...about })
  return { status: toStatus(proxyError), headers: (proxyError as ProxyError).headers, ...toErrorBody(proxyError, 'req_1').error }
}

t.test('each failure of Cloudflare has a status and a type', t => {
  for (const { name, given, about = {}, expected } of [
    { name: 'the day\'s neurons', given: refused(429, 4006), expected: { status: 429, type: 'rate_limit_error', headers: { 'x-should-retry': 'false', 'retry-after': '3600' } } },
    { name: 'no capacity', given: refused(429, 3040), expected: { status: 529, type: 'overloaded_error', headers: { 'x-should-retry': 'true' } } },
    { name: 'a rate limit', given: new UpstreamError('slow down', { kind: 'refused', status: 429, retryAfter: 2.2 }), expected: { status: 429, type: 'rate_limit_error', headers: { 'retry-after': '3' } } },
    { name: 'our own token', given: refused(401, 10000), expected: { status: 500, type: 'api_error', message: /CLOUDFLARE_API_TOKEN/, headers: { 'x-should-retry': 'false' } } },
    { name: 'our own token that may not', given: refused(403, 9109), expected: { status: 500, type: 'api_error', headers: { 'x-should-retry': 'false' } } },
    { name: 'the caller\'s token', given: refused(401, 10000), about: { owner: 'caller' as const }, expected: { status: 401, type: 'authentication_error', message: /refused your API key/ } },
    { name: 'the caller\'s token that may not', given: refused(403, 9109), about: { owner: 'caller' as const }, expected: { status: 403, type: 'permission_error' } },
    { name: 'the gateway\'s token', given: refused(401, 2009), expected: { status: 500, type: 'api_error', message: /CLOUDFLARE_AI_GATEWAY_TOKEN/ } },
    { name: 'the account', given: refused(404, 7003), expected: { status: 500, type: 'api_error', message: /CLOUDFLARE_ACCOUNT_ID/ } },
    { name: 'no such model', given: refused(400, 5007), about: { current: ['@cf/a/b'] }, expected: { status: 404, type: 'not_found_error', message: /served now: @cf\/a\/b\. .*MODEL_ALIASES/ } },
    { name: 'the paid plan', given: refused(403, 5035), about: { current: ['@cf/a/b'] }, expected: { status: 403, type: 'permission_error', message: /run without it: @cf\/a\/b/ } },
    { name: 'a body that is too large', given: refused(413, 3006), expected: { status: 413, type: 'request_too_large' } },
    { name: 'a bad request', given: refused(400, 5006), expected: { status: 400, type: 'invalid_request_error', message: 'Cloudflare says so (Workers AI 5006)' } },
    { name: 'a timeout', given: new UpstreamError('slow', { kind: 'timeout' }), expected: { status: 504, type: 'timeout_error', headers: { 'x-should-retry': 'false' } } },
    { name: 'no connection', given: new UpstreamError('gone', { kind: 'unreachable' }), expected: { status: 502, type: 'api_error' } },
    { name: 'an overload', given: refused(503), expected: { status: 529, type: 'overloaded_error' } }
  ]) t.match(told(given, about), expected, name)
  t.end()
})

t.test('a limit of the key is told as a rate, a quota, or a model it may not use', t => {
  for (const { given, expected } of [
    {
      given: { limit: 'rpm', max: 60, used: 60, retryAfterMs: 990 },
      expected: {
        status: 429,
        type: 'rate_limit_error',
        message: /^This request would exceed the rate limit for the key 'alice' on requests per minute \(rpm\): limit 60, used 60\. Please try again in 0\.99s\./,
        headers: { 'retry-after': '1', 'retry-after-ms': '990', 'x-should-retry': 'true' }
      }
    },
    {
      given: { limit: 'neurons_per_day', max: 5, used: 5, retryAfterMs: 3_600_000 },
      expected: {
        status: 429,
        type: 'rate_limit_error',
        message: /^The quota is used up for the key 'alice' on neurons per day \(neurons_per_day\): limit 5, used 5\. It starts anew at 2026-11-30T00:00:00Z\./,
        headers: { 'retry-after': '3600', 'x-should-retry': 'false' }
      }
    },
    {
      given: { limit: 'tpm', max: 1_000, used: 0, inputTokens: 4_000 },
      expected: { status: 400, type: 'invalid_request_error', message: /^prompt is too long: 4000 tokens > 1000 maximum\. This is a limit of the key 'alice' on tokens per minute \(tpm\)/ }
    },
    {
      given: { limit: 'neurons_per_month', max: 5, isUnavailable: true, retryAfterMs: 5_000 },
      expected: { status: 529, type: 'overloaded_error', message: /^No budget is available for the key 'alice' on neurons per month/, headers: { 'retry-after': '5' } }
    },
    {
      given: { limit: 'models', model: '@cf/a/b', models: ['fast'] },
      expected: { status: 403, type: 'permission_error', message: "The key 'alice' does not have access to the model `@cf/a/b`. It may use: fast." }
    }
  ] as const) t.match(told(new LimitError(given, "the key 'alice'")), expected, given.limit)
  t.end()
})

t.test('an overflow is told in the one sentence agents know, whatever Cloudflare says', t => {
  for (const { given, about = {}, expected } of [
    { given: 'Ai: The estimated number of input and maximum output tokens (94092) exceeded this model context window limit (64000).', expected: 'prompt is too long: 94092 tokens > 64000 maximum' },
    { given: 'The estimated number of input and maximum output tokens exceeded this model context window limit.', about: { promptTokens: 70_000, contextWindow: 64_000 }, expected: 'prompt is too long: 70000 tokens > 64000 maximum' },
    { given: 'The estimated number of input and maximum output tokens exceeded this model context window limit.', about: { promptTokens: 60_000, contextWindow: 64_000 }, expected: 'prompt is too long: 64001 tokens > 64000 maximum' },
    { given: "Requested token count exceeds the model's maximum context length of 262144 tokens. You requested a total of 270000 tokens", expected: 'prompt is too long: 270000 tokens > 262144 maximum' },
    { given: "This model's maximum context length is 24000 tokens. However, you requested 256 output tokens and your prompt contains at least 23745 input tokens", expected: 'prompt is too long: 24001 tokens > 24000 maximum. Agents such as Claude Code need a model with a window of 32000 tokens or more' },
    { given: 'The input is longer than the maximum model length', expected: 'prompt is too long: The input is longer than the maximum model length' }
  ]) {
    const error = told(refused(400, 8007, given), about)
    t.match(error, { status: 400, type: 'invalid_request_error' })
    t.equal(error.message, expected)
  }
  t.end()
})

t.test('what others refuse has a type by its status', t => {
  for (const [status, type] of [[400, 'invalid_request_error'], [401, 'authentication_error'], [402, 'billing_error'], [403, 'permission_error'], [404, 'not_found_error'], [405, 'invalid_request_error'], [408, 'timeout_error'],
    [409, 'conflict_error'], [413, 'request_too_large'], [415, 'invalid_request_error'], [429, 'rate_limit_error'], [500, 'api_error'], [502, 'api_error'], [504, 'timeout_error']] as const) {
    t.match(told(new InvalidRequestError('no', { status })), { status, type }, String(status))
  }
  t.match(told(new ProxyError('busy', { status: 503, type: 'server_error' })), { status: 529, type: 'overloaded_error', message: 'busy' })
  t.end()
})

t.test('a bug shows nothing of itself', t => {
  t.strictSame(toErrorBody(new TypeError('secret'), 'req_1'), { type: 'error', error: { type: 'api_error', message: 'Internal server error' }, request_id: 'req_1' })
  t.equal(toStatus(new TypeError('secret')), 500)
  t.end()
})

t.test('a thread that is not kept has the code by which SDKs send it in whole', t => {
  const error = new ProxyError('none', { status: 404, type: 'invalid_request_error', code: 'thread_not_found' })
  t.strictSame(toErrorBody(error, 'req_1').error, { type: 'not_found_error', message: 'none', details: { error_code: 'thread_not_found' } })
  t.end()
})
