import t from 'tap'
import { ProxyError, UpstreamError } from '../../../src/errors.ts'
import { RequestRecord } from '../../../src/inference/request-record.ts'
import type { EndedRequest } from '../../../src/telemetry/ended-requests.ts'
import { toRequestEvent } from '../../../src/telemetry/events/request-event.ts'
import type { ModelId } from '../../../src/workers-ai/models/model.ts'
import { UpstreamCall } from '../../../src/workers-ai/transport/upstream-call.ts'

const SOURCES = { toBill: ({ neurons = 0 }: UpstreamCall) => ({ microNeurons: neurons * 1_000_000, source: 'billed' as const }), now: () => 1_700_000_000_000 }
const USAGE = { promptTokens: 10, completionTokens: 21, cachedTokens: 4, reasoningTokens: 2 }

function ended (record: Partial<RequestRecord> = {}, rest: Partial<EndedRequest> = {}, config: object = {}): EndedRequest {
  const request = { id: 'req_1', routeConfig: config } as EndedRequest['request']
  return { record: Object.assign(new RequestRecord(), record), request, route: '/v1/chat/completions', method: 'POST', status: 200, elapsedMs: 2_500.4, isAborted: false, isCounted: true, ...rest }
}

function call (rest: Partial<UpstreamCall> = {}, attempt = 1): UpstreamCall {
  return Object.assign(new UpstreamCall('@cf/known/a' as ModelId, attempt), { outcome: 'ok' }, rest)
}

const upstream = new UpstreamError('sesame', { kind: 'refused', status: 429, code: 4006 })
const told = new ProxyError('sesame', { status: 429, type: 'insufficient_quota', code: 'insufficient_quota', cause: upstream })

t.test('what is told of a request', t => {
  const nothing = { id: 'req_1', ended_at: 1_700_000_000_000, key: 'none', method: 'POST', route: '/v1/chat/completions', model: null, served: null, operation: 'chat', status: 200, stream: false, input_tokens: null, cached_input_tokens: null, output_tokens: null, reasoning_tokens: null, neurons: null, first_token_ms: null, duration_ms: 2_500, attempts: 0, retries: 0, changes: [], error: null, account: null }
  const cases: Array<{ name: string, given: EndedRequest, expected: object }> = [
    { name: 'nothing', given: ended(), expected: {} },
    {
      name: 'a stream with all there is',
      given: ended({ keyLabel: 'ann', model: 'a', servedModel: '@cf/known/a', stream: true, usage: USAGE, firstTokenMs: 80.7, attempts: 2, changes: 'top_p clamped, user dropped', calls: [call({ outcome: 'http_5xx' }), call({ neurons: 1.25 }, 2)] }),
      expected: { key: 'ann', model: 'a', served: '@cf/known/a', stream: true, input_tokens: 10, cached_input_tokens: 4, output_tokens: 21, reasoning_tokens: 2, neurons: 1.25, first_token_ms: 81, attempts: 2, retries: 1, changes: ['top_p clamped', 'user dropped'], account: 'default' }
    },
    { name: 'usage without its parts', given: ended({ usage: { promptTokens: 1, completionTokens: 0 } }), expected: { input_tokens: 1, output_tokens: 0 } },
    { name: 'several calls', given: ended({ calls: [call({ neurons: 1 }), call({ neurons: 2 })] }), expected: { neurons: 3, attempts: 2, account: 'default' } },
    { name: 'an account with a name', given: ended({ account: 'second' }), expected: { account: 'second' } },
    { name: 'a client that left', given: ended({ calls: [call({ estimate: { promptTokens: 5, completionTokens: 2, estimated: true } })] }, { status: 499, isAborted: true }), expected: { status: 499, error: 'client_gone', input_tokens: 5, output_tokens: 2, neurons: 0, attempts: 1, account: 'default' } },
    { name: 'a refusal of Cloudflare', given: ended({ error: upstream, told }, { status: 429 }), expected: { status: 429, error: 'code_4006' } },
    { name: 'the same in other words', given: ended({ error: told }, { status: 429 }), expected: { status: 429, error: 'code_4006' } },
    { name: 'a stream that broke', given: ended({ error: new UpstreamError('sesame', { kind: 'truncated', status: 200 }) }), expected: { error: 'truncated' } },
    { name: 'a refusal of our own', given: ended({ error: new Error('sesame'), told: new ProxyError('sesame', { status: 403, type: 'permission_error', code: 'admin_key_only' }) }, { status: 403 }), expected: { status: 403, error: 'admin_key_only' } },
    { name: 'one without a code', given: ended({ error: new ProxyError('sesame', { status: 400, type: 'invalid_request_error' }) }, { status: 400 }), expected: { status: 400, error: 'invalid_request_error' } },
    { name: 'a bug', given: ended({ error: new TypeError('sesame') }, { status: 500 }), expected: { status: 500, error: 'internal_error' } },
    { name: 'a dry run', given: ended({ kind: 'dry-run' }), expected: { operation: null, dry_run: true } },
    { name: 'a question about models', given: ended({}, { method: 'GET', route: '/v1/models' }), expected: { method: 'GET', route: '/v1/models', operation: null } },
    { name: 'names beyond all measure', given: ended({ model: 'm'.repeat(9_000), servedModel: 's'.repeat(9_000) }), expected: { model: 'm'.repeat(200), served: 's'.repeat(200) } }
  ]
  for (const { name, given, expected } of cases) {
    const event = toRequestEvent(given, SOURCES)
    t.strictSame(event, { ...nothing, ...expected }, name)
    t.notMatch(JSON.stringify(event), 'sesame', 'no message of an error is told')
  }
  t.end()
})

t.test('what is no use of the proxy is not told', t => {
  t.equal(toRequestEvent(ended({}, { isCounted: false }), SOURCES), undefined, 'pages and scrapes')
  t.equal(toRequestEvent(ended({}, {}, { figuresOf: 'own' }), SOURCES), undefined, 'figures')
  t.end()
})
