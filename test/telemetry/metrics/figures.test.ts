import t from 'tap'
import { InvalidRequestError, ProxyError, UpstreamError } from '../../../src/errors.ts'
import { RequestRecord } from '../../../src/inference/request-record.ts'
import type { EndedRequest } from '../../../src/telemetry/ended-requests.ts'
import { toFigures, type FigureSources } from '../../../src/telemetry/metrics/figures.ts'
import type { ModelId } from '../../../src/workers-ai/models/model.ts'
import { UpstreamCall } from '../../../src/workers-ai/transport/upstream-call.ts'

const sources: FigureSources = {
  isListed: id => id.startsWith('@cf/known/'),
  toBill: ({ neurons, usage }) => neurons === undefined ? { microNeurons: usage ? 250_000 : 0, source: 'computed' } : { microNeurons: neurons * 1_000_000, source: 'billed' }
}

const USAGE = { promptTokens: 10, completionTokens: 21, cachedTokens: 4, reasoningTokens: 2 }
const TOKENS = { input: 10, output: 21, cached_input: 4, reasoning: 2 }

function ended (record: Partial<RequestRecord>, rest: Partial<EndedRequest> = {}): EndedRequest {
  const whole = Object.assign(new RequestRecord(), record)
  return { record: whole, request: {} as EndedRequest['request'], route: '/v1/chat/completions', method: 'POST', status: 200, elapsedMs: 2_500, isAborted: false, isCounted: true, ...rest }
}

function call (rest: Partial<UpstreamCall> = {}, model = '@cf/known/a', attempt = 1): UpstreamCall {
  return Object.assign(new UpstreamCall(model as ModelId, attempt), { outcome: 'ok' }, rest)
}

t.test('what a request adds to the figures', t => {
  const served = { kind: 'answer' as const, model: 'a', servedModel: '@cf/known/a', keyLabel: 'team' }
  const answer = { operation: 'chat', requestModel: '@cf/known/a', responseModel: '@cf/known/a' }
  const upstream = new UpstreamError('x', { kind: 'refused', status: 429, code: 4006 })
  const cases: Array<{ name: string, given: EndedRequest, expected: object }> = [
    {
      name: 'a plain answer',
      given: ended({ ...served, usage: USAGE, firstTokenMs: 2_400, stream: false, calls: [call({ usage: USAGE, neurons: 1.5 })] }),
      expected: { route: '/v1/chat/completions', status: 200, model: '@cf/known/a', key: 'team', seconds: 2.5, answer: { ...answer, tokens: TOKENS }, calls: [{ account: 'default', model: '@cf/known/a', outcome: 'ok', isRetry: false, tokens: TOKENS, neurons: 1.5, source: 'billed' }], fallbacks: [], repairs: [] }
    },
    {
      name: 'a stream',
      given: ended({ ...served, usage: USAGE, firstTokenMs: 500, stream: true, calls: [call({ usage: USAGE })] }),
      expected: { answer: { ...answer, firstTokenSeconds: 0.5, perTokenSeconds: 0.1, tokens: TOKENS }, calls: [{ neurons: 0.25, source: 'computed' }] }
    },
    {
      name: 'a stream of one token',
      given: ended({ ...served, usage: { promptTokens: 1, completionTokens: 1 }, firstTokenMs: 500, stream: true }),
      expected: { answer: { firstTokenSeconds: 0.5, perTokenSeconds: undefined } }
    },
    { name: 'a model nobody lists', given: ended({ ...served, servedModel: '@cf/made/up', calls: [call({}, '@cf/made/up')] }), expected: { model: 'other', answer: { requestModel: 'other' }, calls: [{ model: 'other' }] } },
    { name: 'a model that was not found', given: ended({ model: 'gpt-9' }, { status: 404 }), expected: { model: 'other', key: 'none', answer: { requestModel: 'none', responseModel: 'other', errorType: '404' } } },
    { name: 'no model', given: ended({}, { status: 401 }), expected: { model: 'none', key: 'none', status: 401, answer: { errorType: '401' } } },
    { name: 'a refusal of Cloudflare\'s', given: ended({ ...served, error: upstream }, { status: 429 }), expected: { answer: { errorType: 'code_4006' } } },
    { name: 'one behind an error', given: ended({ ...served, error: new ProxyError('x', { status: 502, type: 'server_error', cause: upstream }) }, { status: 502 }), expected: { answer: { errorType: 'code_4006' } } },
    { name: 'a stream that broke', given: ended({ ...served, error: new UpstreamError('x', { kind: 'truncated' }) }), expected: { status: 200, answer: { errorType: 'truncated' } } },
    { name: 'a stream that did not fit', given: ended({ ...served, error: new InvalidRequestError('x') }), expected: { status: 200, answer: { errorType: '400' } } },
    { name: 'a bug inside a stream', given: ended({ ...served, error: new TypeError('x') }), expected: { answer: { errorType: 'other' } } },
    { name: 'a client that left', given: ended(served, { status: 499, isAborted: true }), expected: { status: 499, answer: { errorType: 'client_gone' } } },
    { name: 'a dry run', given: ended({ ...served, kind: 'dry-run' }), expected: { status: 200, answer: undefined } },
    { name: 'a list of models', given: ended({}, { route: '/v1/models', method: 'GET' }), expected: { route: '/v1/models', answer: undefined } },
    { name: 'an unknown path', given: ended({}, { route: 'unknown', status: 404 }), expected: { route: 'unknown', answer: undefined } },
    { name: 'a response', given: ended(served, { route: '/openai/v1/responses' }), expected: { answer: { operation: 'chat' } } },
    { name: 'a text completion', given: ended(served, { route: '/v1/completions' }), expected: { answer: { operation: 'text_completion' } } },
    { name: 'embeddings', given: ended(served, { route: '/openai/deployments/:model/embeddings' }), expected: { answer: { operation: 'embeddings' } } },
    {
      name: 'a model that took over, after a retry',
      given: ended({ ...served, servedModel: '@cf/known/b', fallbacks: [{ from: '@cf/known/a', to: '@cf/known/b' }], calls: [call({ outcome: 'code_3040' }), call({ outcome: 'http_5xx' }, '@cf/known/a', 2), call({}, '@cf/known/b')] }),
      expected: { model: '@cf/known/b', answer: { requestModel: '@cf/known/a', responseModel: '@cf/known/b' }, fallbacks: [{ from: '@cf/known/a', to: '@cf/known/b' }], calls: [{ outcome: 'code_3040', isRetry: false, tokens: undefined, neurons: undefined }, { outcome: 'http_5xx', isRetry: true }, { outcome: 'ok', isRetry: false }] }
    },
    { name: 'a call whose tokens are a guess', given: ended({ ...served, calls: [call({ outcome: 'truncated', estimate: { promptTokens: 3, completionTokens: 4, estimated: true } })] }), expected: { calls: [{ tokens: { input: 3, output: 4, cached_input: 0, reasoning: 0 } }] } },
    { name: 'a repair', given: ended({ ...served, repairs: ['leaked_call'] }), expected: { repairs: ['leaked_call'] } },
    { name: 'a limit', given: ended({ ...served, refusedBy: 'tokens' }, { status: 429 }), expected: { refusedBy: 'tokens' } },
    { name: 'an answer that was kept', given: ended({ ...served, cache: 'hit' }), expected: { cache: 'hit' } },
    { name: 'too much at once', given: ended({ ...served, error: new ProxyError('x', { status: 503, type: 'server_error', code: 'overloaded' }) }, { status: 503 }), expected: { refusedBy: 'overload' } }
  ]
  for (const { name, given, expected } of cases) {
    const figures = toFigures(given, sources)
    t.match(figures, expected, name)
    t.same(JSON.parse(JSON.stringify(figures)), figures, `${name}: it is JSON`)
  }
  t.end()
})
