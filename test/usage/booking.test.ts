import t from 'tap'
import { UpstreamError } from '../../src/errors.ts'
import type { Usage } from '../../src/generation/event.ts'
import { RequestRecord } from '../../src/inference/request-record.ts'
import type { EndedRequest } from '../../src/telemetry/ended-requests.ts'
import { toBookings } from '../../src/usage/booking.ts'
import { addCounts, emptyRow, type Booking, type Row } from '../../src/stores/ledger/ledger.ts'
import { CATALOGUE } from '../../src/workers-ai/models/catalogue.ts'
import type { ModelId } from '../../src/workers-ai/models/model.ts'
import { UpstreamCall } from '../../src/workers-ai/transport/upstream-call.ts'

const LLAMA = '@cf/meta/llama-3.3-70b-instruct-fp8-fast' as ModelId
const GLM = '@cf/zai-org/glm-4.7-flash' as ModelId
const APERTUS = '@cf/swiss-ai/apertus-v1.5-8b' as ModelId
const UNKNOWN = '@cf/nobody/knows-it' as ModelId

const usage: Usage = { promptTokens: 100, completionTokens: 10, cachedTokens: 20, reasoningTokens: 4 }
const tokens = { inputTokens: 100, cachedInputTokens: 20, outputTokens: 10, reasoningTokens: 4 }
const ofLlama = { account: 'default', model: LLAMA, key: 'ann' }

type Given = Omit<Partial<EndedRequest>, 'record'> & { record?: Partial<RequestRecord> }

function ended ({ record, ...given }: Given = {}): EndedRequest {
  return {
    record: Object.assign(new RequestRecord([]), { kind: 'answer', keyLabel: 'ann', model: 'llama', servedModel: LLAMA }, record),
    request: undefined as unknown as EndedRequest['request'],
    route: '/v1/chat/completions',
    method: 'POST',
    status: 200,
    elapsedMs: 1,
    isAborted: false,
    isCounted: true,
    ...given
  }
}

function call (model: ModelId, told: Partial<UpstreamCall>): UpstreamCall {
  return Object.assign(new UpstreamCall(model, 1), { outcome: 'ok' }, told)
}

function failed (model: ModelId): UpstreamCall {
  const one = new UpstreamCall(model, 1)
  one.fail(new UpstreamError('no capacity', { kind: 'refused', status: 429, code: 3040 }), 5)
  return one
}

function bookingsOf (given: Given) {
  return toBookings(ended(given), id => CATALOGUE.get(id))
}

/** Every count of each model, which is one booking. */
function merged (bookings: ReadonlyArray<Partial<Booking>>): object[] {
  const sums = new Map<string, Booking>()
  for (const { account = '', model = '', key = '', ...counts } of bookings) {
    const { day: _, ...empty } = emptyRow('', { account, model, key })
    const sum = sums.get(model) ?? empty
    sums.set(model, sum)
    addCounts(sum as Row, counts)
  }
  return [...sums.values()]
}

const request = { ...ofLlama, requests: 1, errors: 0 }
/** 100 tokens of input and 10 of output. */
const COMPUTED = 100 * 26_668 + 10 * 204_805

t.test('what a request books', t => {
  const cases: Array<{ name: string, given: Given, expected: Array<Partial<Booking>> }> = [
    { name: 'neurons that Cloudflare states', given: { record: { calls: [call(LLAMA, { neurons: 1.98, usage })] } }, expected: [request, { ...ofLlama, ...tokens, microNeurons: 1_980_000, unpricedCalls: 0 }] },
    { name: 'neurons that are computed', given: { record: { calls: [call(LLAMA, { usage })] } }, expected: [request, { ...ofLlama, ...tokens, microNeurons: COMPUTED, unpricedCalls: 0 }] },
    { name: 'neurons of tokens that are estimated', given: { record: { calls: [call(LLAMA, { estimate: { promptTokens: 100, completionTokens: 10, estimated: true } })] } }, expected: [request, { ...ofLlama, ...tokens, cachedInputTokens: 0, reasoningTokens: 0, estimatedMicroNeurons: COMPUTED, unpricedCalls: 0 }] },
    { name: 'neurons of a stream that was cut', given: { record: { calls: [call(LLAMA, { usage, isCut: true, outcome: 'client_gone' })] }, status: 499, isAborted: true }, expected: [request, { ...ofLlama, ...tokens, estimatedMicroNeurons: COMPUTED, unpricedCalls: 0 }] },
    { name: 'every call that was billed, by its model', given: { record: { calls: [failed(LLAMA), call(GLM, { neurons: 1 }), call(LLAMA, { neurons: 2 })] } }, expected: [request, { ...ofLlama, model: GLM, microNeurons: 1_000_000, unpricedCalls: 0 }, { ...ofLlama, microNeurons: 2_000_000, unpricedCalls: 0 }] },
    { name: 'a failure', given: { status: 429, record: { calls: [failed(LLAMA)] } }, expected: [{ ...request, errors: 1 }] },
    { name: 'a stream that broke after its beginning', given: { record: { error: new Error('broken') } }, expected: [{ ...request, errors: 1 }] },
    { name: 'a model without a price', given: { record: { servedModel: APERTUS, calls: [call(APERTUS, { usage })] } }, expected: [{ ...request, model: APERTUS }, { ...ofLlama, ...tokens, model: APERTUS, microNeurons: 0, unpricedCalls: 1 }] },
    { name: 'a model nobody knows, by no name of its own', given: { record: { servedModel: UNKNOWN, calls: [call(UNKNOWN, { neurons: 3, usage })] } }, expected: [{ ...request, model: 'other' }, { ...ofLlama, ...tokens, model: 'other', microNeurons: 3_000_000, unpricedCalls: 0 }] },
    { name: 'a request that was refused before its model was found', given: { status: 400, record: { kind: undefined as unknown as 'answer', servedModel: undefined as unknown as string, error: new Error('bad') } }, expected: [{ ...request, model: 'other', errors: 1 }] },
    { name: 'an answer of AI Gateway\'s cache, which is free', given: { record: { calls: [call(LLAMA, { neurons: 0, usage, isCacheHit: true })] } }, expected: [request, { ...ofLlama, ...tokens, microNeurons: 0, unpricedCalls: 0, cacheHits: 1 }] },
    { name: 'an answer that was kept here', given: { record: { cache: 'hit', calls: [] } }, expected: [{ ...request, cacheHits: 1 }] },
    { name: 'nothing of a dry run', given: { record: { kind: 'dry-run' } }, expected: [] },
    { name: 'nothing of a question about models', given: { method: 'GET', status: 404, record: { kind: undefined as unknown as 'answer' } }, expected: [] },
    { name: 'nothing of a request without a key', given: { status: 401, record: { kind: undefined as unknown as 'answer', model: undefined } }, expected: [] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(bookingsOf(given), merged(expected), name)
  t.end()
})

t.test('it takes next to no time', t => {
  const one = ended({ record: { calls: [call(LLAMA, { usage })] } })
  const best = Math.min(...Array.from({ length: 20 }, () => {
    const start = performance.now()
    for (let count = 0; count < 5_000; count++) toBookings(one, id => CATALOGUE.get(id))
    return (performance.now() - start) / 5
  }))
  t.ok(best < 3, `${best.toFixed(2)} µs`)
  t.end()
})
