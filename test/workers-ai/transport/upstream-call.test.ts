import t from 'tap'
import { ProxyError, UpstreamError } from '../../../src/errors.ts'
import { ClientDisconnectedError } from '../../../src/generation/client-disconnected.ts'
import type { ModelId } from '../../../src/workers-ai/models/model.ts'
import { toOutcome, UpstreamCall } from '../../../src/workers-ai/transport/upstream-call.ts'

const MODEL = '@cf/a/b' as ModelId
const USAGE = { promptTokens: 9, completionTokens: 7 }

t.test('each way a call ends has one word', t => {
  const cases: Array<[name: string, failure: unknown, outcome: string]> = [
    ['a code of the table', new UpstreamError('x', { kind: 'refused', status: 429, code: 4006 }), 'code_4006'],
    ['a code under a status of success', new UpstreamError('x', { kind: 'refused', status: 200, code: 1000 }), 'code_1000'],
    ['a code nobody knows', new UpstreamError('x', { kind: 'refused', status: 400, code: 987_654 }), 'other'],
    ['a code nobody knows, of a failure', new UpstreamError('x', { kind: 'refused', status: 500, code: 987_654 }), 'http_5xx'],
    ['a status alone', new UpstreamError('x', { kind: 'refused', status: 524 }), 'http_5xx'],
    ['a refusal alone', new UpstreamError('x', { kind: 'refused', status: 429 }), 'other'],
    ['no connection', new UpstreamError('x', { kind: 'unreachable' }), 'unreachable'],
    ['silence', new UpstreamError('x', { kind: 'timeout' }), 'timeout'],
    ['an answer that breaks the protocol', new UpstreamError('x', { kind: 'malformed' }), 'malformed'],
    ['an answer that holds nothing', new UpstreamError('x', { kind: 'empty' }), 'malformed'],
    ['an answer without its end', new UpstreamError('x', { kind: 'truncated' }), 'truncated'],
    ['a client that left', new ClientDisconnectedError(), 'client_gone'],
    ['another choice that failed', new Error('another generation has ended'), 'other'],
    ['a server that stops', new ProxyError('x', { status: 503, type: 'server_error' }), 'other']
  ]
  for (const [name, failure, outcome] of cases) t.equal(toOutcome(failure), outcome, name)
  t.end()
})

t.test('what a call cost is told by its head, by its usage, or is guessed', t => {
  const truncated = new UpstreamError('x', { kind: 'truncated' })
  const cases: Array<{ name: string, headers?: Record<string, string>, told?: { usage?: typeof USAGE & { cachedTokens?: number }, neurons?: number }, characters?: number, failure?: Error, expected: object }> = [
    { name: 'counted', told: { usage: USAGE }, characters: 28, expected: { outcome: 'ok', usage: USAGE, neurons: undefined, estimate: undefined } },
    { name: 'billed by the head', headers: { 'cf-ai-neurons': '1.5' }, told: { usage: USAGE, neurons: 2 }, expected: { neurons: 1.5 } },
    { name: 'billed by the usage', told: { usage: USAGE, neurons: 2 }, expected: { neurons: 2 } },
    { name: 'billed by no number', headers: { 'cf-ai-neurons': 'many' }, told: { usage: USAGE }, expected: { neurons: undefined } },
    { name: 'out of a cache', headers: { 'cf-ai-neurons': '1.5', 'cf-aig-cache-status': 'HIT' }, told: { usage: USAGE, neurons: 2 }, expected: { neurons: 0 } },
    { name: 'not out of a cache', headers: { 'cf-ai-neurons': '1.5', 'cf-aig-cache-status': 'MISS' }, expected: { neurons: 1.5 } },
    { name: 'not counted', characters: 9, expected: { outcome: 'ok', usage: undefined, estimate: { promptTokens: 5, completionTokens: 3, estimated: true } } },
    { name: 'cut after a count', told: { usage: USAGE }, characters: 100, failure: truncated, expected: { outcome: 'truncated', usage: USAGE, estimate: undefined } },
    { name: 'cut before a count', characters: 8, failure: truncated, expected: { outcome: 'truncated', usage: undefined, estimate: { promptTokens: 5, completionTokens: 2, estimated: true } } },
    { name: 'cut after the count of the prompt', told: { usage: { promptTokens: 9, completionTokens: 0, cachedTokens: 4 } }, characters: 8, failure: truncated, expected: { usage: undefined, estimate: { promptTokens: 9, cachedTokens: 4, completionTokens: 2, estimated: true } } },
    { name: 'cut before a word', failure: truncated, expected: { usage: undefined, estimate: undefined } },
    { name: 'left before a word', failure: new ClientDisconnectedError(), expected: { outcome: 'client_gone', usage: undefined, estimate: { promptTokens: 5, completionTokens: 0, estimated: true } } },
    { name: 'refused in its first frame', failure: new UpstreamError('x', { kind: 'refused', status: 200, code: 3040 }), expected: { outcome: 'code_3040', usage: undefined, estimate: undefined } },
    { name: 'empty, and counted', told: { usage: USAGE }, failure: new UpstreamError('x', { kind: 'empty' }), expected: { outcome: 'malformed', usage: USAGE } }
  ]
  for (const { name, headers = {}, told: { usage, neurons } = {}, characters = 0, failure, expected } of cases) {
    const call = new UpstreamCall(MODEL, 1)
    call.readHead(headers)
    call.end({ usage, neurons }, characters, 5, failure)
    const { outcome, estimate } = call
    const actual: Record<string, unknown> = { outcome, usage: call.usage, neurons: call.neurons, estimate }
    t.strictSame(Object.fromEntries(Object.keys(expected).map(key => [key, actual[key]])), expected, name)
  }
  t.end()
})

t.test('a call that brought no answer has no bill', t => {
  const call = new UpstreamCall(MODEL, 2)
  t.strictSame({ ...call }, { model: MODEL, account: 'default', attempt: 2, outcome: 'other', usage: undefined, neurons: undefined, estimate: undefined, isCut: false, isCacheHit: false, isOverQuota: false, details: undefined })
  call.fail(new UpstreamError('x', { kind: 'refused', status: 429, code: 4006 }), 5)
  t.strictSame({ ...call }, { model: MODEL, account: 'default', attempt: 2, outcome: 'code_4006', usage: undefined, neurons: undefined, estimate: undefined, isCut: false, isCacheHit: false, isOverQuota: true, details: undefined })
  t.end()
})

t.test('the prompt of a call that was given up may be billed', t => {
  const cases: Array<[failure: Error, promptTokens: number | undefined]> = [
    [new ClientDisconnectedError(), 5],
    [new UpstreamError('x', { kind: 'timeout' }), 5],
    [new UpstreamError('x', { kind: 'unreachable' }), undefined],
    [new UpstreamError('x', { kind: 'refused', status: 500 }), undefined]
  ]
  for (const [failure, promptTokens] of cases) {
    const call = new UpstreamCall(MODEL, 1)
    call.fail(failure, 5)
    t.strictSame(call.estimate, promptTokens === undefined ? undefined : { promptTokens, completionTokens: 0, estimated: true }, toOutcome(failure))
  }
  t.end()
})
