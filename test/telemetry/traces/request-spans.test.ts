import t from 'tap'
import { UpstreamError } from '../../../src/errors.ts'
import { RequestRecord } from '../../../src/inference/request-record.ts'
import type { EndedRequest } from '../../../src/telemetry/ended-requests.ts'
import { toCallSpans, toMoments, toServerSpan, toServerSpanName, type SpanSources } from '../../../src/telemetry/traces/request-spans.ts'
import { CallDetails } from '../../../src/workers-ai/transport/call-details.ts'
import type { ModelId } from '../../../src/workers-ai/models/model.ts'
import { UpstreamCall } from '../../../src/workers-ai/transport/upstream-call.ts'

const MODEL = '@cf/meta/x' as ModelId
const SOURCES: SpanSources = { upstream: { address: 'api.cloudflare.com', port: 443 }, toBill: () => ({ microNeurons: 1_500_000, source: 'computed' }) }

function ended (rest: Partial<EndedRequest> = {}): EndedRequest {
  const request = { id: 'req_1', url: '/v1/chat/completions?key=sesame' } as EndedRequest['request']
  return { record: new RequestRecord([], 'facts'), request, route: '/v1/chat/completions', method: 'POST', status: 200, elapsedMs: 100, isAborted: false, isCounted: true, ...rest }
}

function called (attempt = 1): { call: UpstreamCall, details: CallDetails } {
  const details = new CallDetails({ stream: true }, false)
  return { call: new UpstreamCall(MODEL, attempt, details), details }
}

t.strictSame(toMoments({ elapsedMs: 100 }, 5_000, 1_000_000), { startMs: 999_900, endMs: 1_000_000, offsetMs: 995_000 })
t.equal(toServerSpanName(ended()), 'POST /v1/chat/completions')
t.equal(toServerSpanName(ended({ route: 'unknown' })), 'POST', 'what a client made up is no name')

const cached = ended()
cached.record.cache = 'hit'
t.match(toServerSpan(cached, { startMs: 1, endMs: 2, offsetMs: 0 }).attributes, { 'workers_ai_proxy.cache': 'hit' })

t.test('the status of a request says whose fault it was', t => {
  const moments = { startMs: 1, endMs: 2, offsetMs: 0 }
  const failed = new UpstreamError('secret words', { kind: 'timeout' })
  const cases: Array<[name: string, ended: Partial<EndedRequest>, error: Error | undefined, isError: boolean, errorType: string | undefined]> = [
    ['served', {}, undefined, false, undefined],
    ['refused', { status: 404 }, undefined, false, '404'],
    ['failed', { status: 504 }, failed, true, 'timeout'],
    ['broken behind its status', { status: 200 }, failed, true, 'timeout'],
    ['of a bug', { status: 500 }, new Error('secret words'), true, '500'],
    ['left', { status: 499, isAborted: true }, undefined, false, 'client_gone']
  ]
  for (const [name, rest, error, isError, errorType] of cases) {
    const one = ended(rest)
    if (error !== undefined) one.record.error = error
    const span = toServerSpan(one, moments)
    t.match(span, { isError, startMs: 1, endMs: 2 }, name)
    t.equal(span.attributes['error.type'], errorType, name)
    t.notMatch(JSON.stringify(span), /secret|sesame/)
  }
  t.end()
})

t.test('calls have their times, and end with the request at the latest', t => {
  const first = called()
  first.call.fail(new UpstreamError('secret words', { kind: 'refused', status: 502 }), 0)
  const second = called(2)
  Object.assign(second.call, { usage: { promptTokens: 5, completionTokens: 6, cachedTokens: 2, reasoningTokens: 3, estimated: true } })
  Object.assign(second.details, { startedAt: 1_000, firstPieceAt: 1_250 })
  const record = new RequestRecord([first.call, second.call, new UpstreamCall(MODEL, 1)], 'facts')
  const moments = { startMs: 0, endMs: 1_000_000, offsetMs: 10 }
  const spans = toCallSpans(ended({ record }), moments, SOURCES)
  t.equal(spans.length, 2, 'one without details is none')
  t.match(spans[0], {
    name: `chat ${MODEL}`,
    startMs: first.details.startedAt + 10,
    endMs: (first.details.endedAt ?? 0) + 10,
    isError: true,
    attributes: { 'error.type': 'http_5xx', 'gen_ai.provider.name': 'cloudflare.workers_ai', 'server.address': 'api.cloudflare.com', 'server.port': 443, 'workers_ai.neurons': 1.5 }
  })
  t.match(spans[1], {
    endMs: 1_000_000,
    isError: true,
    attributes: {
      'http.request.resend_count': 1,
      'gen_ai.response.time_to_first_chunk': 0.25,
      'gen_ai.usage.input_tokens': 5,
      'gen_ai.usage.output_tokens': 6,
      'gen_ai.usage.cache_read.input_tokens': 2,
      'gen_ai.usage.reasoning.output_tokens': 3,
      'workers_ai_proxy.usage_estimated': true
    }
  })
  t.notMatch(JSON.stringify(spans), /secret/)
  t.end()
})

t.test('neurons are told where they are known', t => {
  const bills: Array<[microNeurons: number, source: 'billed' | 'computed' | 'estimated' | 'unpriced', told: number | undefined]> = [
    [0, 'billed', 0], [0, 'computed', undefined], [0, 'unpriced', undefined], [2_000_000, 'estimated', 2]
  ]
  for (const [microNeurons, source, told] of bills) {
    const { call } = called()
    const [span] = toCallSpans(ended({ record: new RequestRecord([call], 'facts') }), { startMs: 0, endMs: 1, offsetMs: 0 }, { ...SOURCES, toBill: () => ({ microNeurons, source }) })
    t.equal(span?.attributes['workers_ai.neurons'], told, source)
  }
  t.end()
})
