import t from 'tap'
import { InvalidRequestError, ProxyError, UpstreamError, type UpstreamErrorOptions } from '../../../src/errors.ts'
import { toErrorBody, toProxyError } from '../../../src/surfaces/openai/errors.ts'

const NOW = new Date('2026-11-20T21:30:00.500Z')
const TO_MIDNIGHT = '9000'

function told (message: string, options: UpstreamErrorOptions, current: string[] = []): ProxyError {
  return toProxyError(new UpstreamError(message, options), NOW, current) as ProxyError
}

function refused (code: number | undefined, status: number, message = 'words'): ProxyError {
  return told(message, { kind: 'refused', status, ...(code !== undefined && { code }) })
}

t.test('Cloudflare\'s codes mean what OpenAI\'s clients act on', t => {
  const cases: Array<{ code: number, from: number, status: number, type: string, as: string | null, retry?: string }> = [
    { code: 10000, from: 401, status: 401, type: 'authentication_error', as: 'upstream_authentication', retry: 'false' },
    { code: 9109, from: 403, status: 403, type: 'permission_error', as: 'upstream_authentication', retry: 'false' },
    { code: 6003, from: 400, status: 401, type: 'authentication_error', as: 'upstream_authentication', retry: 'false' },
    { code: 6111, from: 400, status: 401, type: 'authentication_error', as: 'upstream_authentication', retry: 'false' },
    { code: 7003, from: 404, status: 404, type: 'invalid_request_error', as: 'upstream_account', retry: 'false' },
    { code: 7000, from: 400, status: 404, type: 'invalid_request_error', as: 'model_not_found' },
    { code: 7001, from: 404, status: 404, type: 'invalid_request_error', as: 'model_not_found' },
    { code: 5007, from: 400, status: 404, type: 'invalid_request_error', as: 'model_not_found' },
    { code: 5028, from: 400, status: 404, type: 'invalid_request_error', as: 'model_not_found' },
    { code: 3042, from: 404, status: 404, type: 'invalid_request_error', as: 'model_not_found' },
    { code: 5004, from: 400, status: 400, type: 'invalid_request_error', as: null },
    { code: 5005, from: 405, status: 400, type: 'invalid_request_error', as: null },
    { code: 5006, from: 400, status: 400, type: 'invalid_request_error', as: null },
    { code: 5019, from: 405, status: 400, type: 'invalid_request_error', as: null },
    { code: 5023, from: 400, status: 400, type: 'invalid_request_error', as: null },
    { code: 5025, from: 400, status: 400, type: 'invalid_request_error', as: 'unsupported_value' },
    { code: 8001, from: 400, status: 400, type: 'invalid_request_error', as: null },
    { code: 8006, from: 400, status: 400, type: 'invalid_request_error', as: null },
    { code: 8007, from: 400, status: 400, type: 'invalid_request_error', as: null },
    { code: 3006, from: 413, status: 413, type: 'invalid_request_error', as: null },
    { code: 3010, from: 413, status: 400, type: 'invalid_request_error', as: 'context_length_exceeded' },
    { code: 5021, from: 413, status: 400, type: 'invalid_request_error', as: 'context_length_exceeded' },
    { code: 3023, from: 403, status: 403, type: 'permission_error', as: null },
    { code: 5016, from: 403, status: 403, type: 'permission_error', as: null },
    { code: 5018, from: 403, status: 403, type: 'permission_error', as: null },
    { code: 5035, from: 403, status: 403, type: 'permission_error', as: null },
    { code: 2003, from: 429, status: 429, type: 'rate_limit_error', as: 'rate_limit_exceeded' },
    { code: 2009, from: 401, status: 401, type: 'authentication_error', as: 'upstream_authentication', retry: 'false' },
    { code: 3007, from: 408, status: 504, type: 'server_error', as: 'upstream_timeout', retry: 'false' },
    { code: 3008, from: 408, status: 504, type: 'server_error', as: 'upstream_timeout', retry: 'false' },
    { code: 3046, from: 408, status: 504, type: 'server_error', as: 'upstream_timeout', retry: 'false' },
    { code: 3046, from: 200, status: 504, type: 'server_error', as: 'upstream_timeout', retry: 'false' },
    { code: 5012, from: 422, status: 400, type: 'invalid_request_error', as: null },
    { code: 5025, from: 403, status: 400, type: 'invalid_request_error', as: 'unsupported_value' },
    { code: 3040, from: 429, status: 429, type: 'rate_limit_error', as: 'rate_limit_exceeded', retry: 'true' },
    { code: 3040, from: 200, status: 429, type: 'rate_limit_error', as: 'rate_limit_exceeded', retry: 'true' },
    { code: 3036, from: 429, status: 429, type: 'insufficient_quota', as: 'insufficient_quota', retry: 'false' },
    { code: 4006, from: 429, status: 429, type: 'insufficient_quota', as: 'insufficient_quota', retry: 'false' },
    { code: 1000, from: 200, status: 502, type: 'server_error', as: 'upstream_error' }
  ]
  for (const { code, from, status, type, as, retry } of cases) {
    const error = refused(code, from)
    t.strictSame([error.status, error.type, error.code, error.headers['x-should-retry']], [status, type, as, retry], `${code} with ${from}`)
    t.ok(error.cause instanceof UpstreamError, `${code} keeps its cause`)
  }
  t.end()
})

t.test('without a known code the status decides', t => {
  const cases = [
    { from: 400, status: 400, type: 'invalid_request_error', as: null },
    { from: 401, status: 401, type: 'authentication_error', as: 'upstream_authentication' },
    { from: 403, status: 403, type: 'permission_error', as: null },
    { from: 404, status: 404, type: 'invalid_request_error', as: 'model_not_found' },
    { from: 408, status: 504, type: 'server_error', as: 'upstream_timeout' },
    { from: 413, status: 413, type: 'invalid_request_error', as: null },
    { from: 422, status: 400, type: 'invalid_request_error', as: null },
    { from: 429, status: 429, type: 'rate_limit_error', as: 'rate_limit_exceeded' },
    { from: 500, status: 502, type: 'server_error', as: 'upstream_error' },
    { from: 503, status: 503, type: 'server_error', as: 'upstream_overloaded' },
    { from: 504, status: 504, type: 'server_error', as: 'upstream_timeout' },
    { from: 524, status: 504, type: 'server_error', as: 'upstream_timeout' },
    { from: 529, status: 502, type: 'server_error', as: 'upstream_error' },
    { from: 200, status: 502, type: 'server_error', as: 'upstream_error' }
  ]
  for (const { from, status, type, as } of cases) {
    for (const code of [undefined, 400, 999_999]) {
      const error = refused(code, from)
      t.strictSame([error.status, error.type, error.code], [status, type, as], `${from} with code ${code ?? 'none'}`)
    }
  }
  t.end()
})

t.test('some failures are known by their words', t => {
  const cases = [
    { name: 'Cloudflare\'s window', message: 'The estimated number of input and maximum output tokens (24092) exceeded this model context window limit (24000).', code: undefined, status: 413, as: 'context_length_exceeded' },
    { name: 'a model server\'s window', message: "This model's maximum context length is 24000 tokens. However, you requested 256 output tokens", code: undefined, status: 400, as: 'context_length_exceeded' },
    { name: 'a model server\'s window behind a code that says less', message: "Requested token count exceeds the model's maximum context length of 262144 tokens.", code: 8007, status: 400, as: 'context_length_exceeded' },
    { name: 'the day\'s free neurons', message: 'you have used up your daily free allocation of 10,000 neurons', code: undefined, status: 429, as: 'insufficient_quota' }
  ]
  for (const { name, message, code, status, as } of cases) t.equal(refused(code, status, message).code, as, name)
  t.match(refused(undefined, 413, 'exceeded this model context window limit'), { status: 400, param: 'messages' }, 'an overflow is a bad request of its messages, as OpenAI has it')
  t.end()
})

t.test('failures of the wire are the server\'s', t => {
  const cases: Array<{ kind: UpstreamErrorOptions['kind'], status: number, code: string }> = [
    { kind: 'timeout', status: 504, code: 'upstream_timeout' },
    { kind: 'unreachable', status: 502, code: 'upstream_unreachable' },
    { kind: 'malformed', status: 502, code: 'upstream_malformed' },
    { kind: 'empty', status: 502, code: 'upstream_malformed' },
    { kind: 'truncated', status: 502, code: 'upstream_truncated' }
  ]
  for (const { kind, status, code } of cases) {
    const error = told('words', { kind, status: 200 })
    t.strictSame([error.status, error.type, error.code, error.message], [status, 'server_error', code, 'words'], kind)
    t.equal(error.headers['x-should-retry'], kind === 'timeout' ? 'false' : undefined, `${kind}: a wait that was long would be as long again`)
  }
  t.end()
})

t.test('clients learn when to come back', t => {
  const cases = [
    { name: 'what Cloudflare says', given: told('slow down', { kind: 'refused', status: 429, retryAfter: 7 }), expected: '7' },
    { name: 'a part of a second is one', given: told('slow down', { kind: 'refused', status: 429, retryAfter: 0.2 }), expected: '1' },
    { name: 'nothing, when Cloudflare says nothing', given: told('slow down', { kind: 'refused', status: 429 }), expected: undefined },
    { name: 'at midnight, when the quota of the day is used up', given: told('x', { kind: 'refused', status: 429, code: 4006 }), expected: TO_MIDNIGHT },
    { name: 'at midnight, whatever Cloudflare says', given: told('x', { kind: 'refused', status: 429, code: 3036, retryAfter: 1 }), expected: TO_MIDNIGHT }
  ]
  for (const { name, given, expected } of cases) t.equal(given.headers['retry-after'], expected, name)
  t.end()
})

t.test('messages are Cloudflare\'s own, and say what to do where it is not the caller\'s fault', t => {
  t.equal(refused(5006, 400, "required properties at '/' are 'prompt'").message, "required properties at '/' are 'prompt' (Workers AI 5006)")
  t.equal(refused(undefined, 500, 'Internal server error').message, 'Internal server error')
  t.match(refused(10000, 401).message, /^Cloudflare refused the proxy's own API token\. Check CLOUDFLARE_API_TOKEN/)
  t.match(refused(7003, 404).message, /^Cloudflare does not know the proxy's account id\. Check CLOUDFLARE_ACCOUNT_ID/)
  t.equal(told('This model was deprecated on 2026-05-30.', { kind: 'refused', status: 400, code: 5028 }, ['@cf/a/b', '@cf/c/d']).message,
    'This model was deprecated on 2026-05-30. (Workers AI 5028). Models that are served now: @cf/a/b, @cf/c/d. GET /v1/models lists all.')
  t.equal(told('Model requires Workers Paid plan', { kind: 'refused', status: 403, code: 5035 }, ['@cf/a/b', '@cf/c/d']).message,
    'Model requires Workers Paid plan (Workers AI 5035). The account needs the Workers Paid plan for it. Models that run without it: @cf/a/b, @cf/c/d.')
  t.equal(refused(5035, 403, 'Model requires Workers Paid plan').message, 'Model requires Workers Paid plan (Workers AI 5035). The account needs the Workers Paid plan for it.', 'where none is known, none is named')
  t.equal(told('bad', { kind: 'refused', status: 400, code: 5006 }, ['@cf/a/b']).message, 'bad (Workers AI 5006)', 'other failures suggest no model')
  t.end()
})

t.test('a token that a caller brought is the caller\'s to mend', t => {
  for (const [code, from, status] of [[10000, 401, 401], [9109, 403, 403], [6003, 400, 401], [6111, 400, 401], [undefined, 401, 401]] as const) {
    const error = toProxyError(new UpstreamError('Authentication error', { kind: 'refused', status: from, code }), NOW, [], 'caller') as ProxyError
    t.strictSame([error.status, error.type, error.code, error.headers['x-should-retry']], [status, 'invalid_request_error', 'invalid_api_key', 'false'], `${code} with ${from}`)
    t.match(error.message, /^Cloudflare refused your API key: .* your Cloudflare API token/)
    t.notMatch(error.message, /CLOUDFLARE_API_TOKEN/)
  }
  const account = toProxyError(new UpstreamError('No route', { kind: 'refused', status: 404, code: 7003 }), NOW, [], 'caller') as ProxyError
  t.equal(account.code, 'upstream_account', 'the account is still the proxy\'s')
  const gateway = toProxyError(new UpstreamError('Unauthorized', { kind: 'refused', status: 401, code: 2009 }), NOW, [], 'caller') as ProxyError
  t.match(gateway, { code: 'upstream_authentication', message: /CLOUDFLARE_AI_GATEWAY_TOKEN/ }, 'and so is the token for the gateway')
  t.end()
})

t.test('what is no failure of Workers AI stays what it is', t => {
  for (const error of [new Error('bug'), new InvalidRequestError('bad'), 'text', undefined]) t.equal(toProxyError(error, NOW), error)
  t.end()
})

t.test('an error body has OpenAI\'s four keys, and tells nothing of a bug', t => {
  const unknown = { message: 'The server had an error while processing your request. Sorry about that!', type: 'server_error', param: null, code: null }
  const cases = [
    { name: 'an error meant for callers', given: new ProxyError('no', { status: 400, type: 'invalid_request_error', param: 'n', code: 'invalid_type' }), expected: { message: 'no', type: 'invalid_request_error', param: 'n', code: 'invalid_type' } },
    { name: 'one without param and code', given: new ProxyError('no', { status: 500, type: 'server_error' }), expected: { message: 'no', type: 'server_error', param: null, code: null } },
    { name: 'a bug', given: new TypeError('secret'), expected: unknown },
    { name: 'something else that was thrown', given: 'secret', expected: unknown }
  ]
  for (const { name, given, expected } of cases) t.strictSame(toErrorBody(given), { error: expected }, name)
  t.end()
})
