import t from 'tap'
import { ProxyError, UpstreamError, type UpstreamErrorOptions } from '../../../src/errors.ts'
import { mayFallBack, saysRetired } from '../../../src/workers-ai/transport/fallback.ts'

const cases: Array<{ name: string, given: UpstreamErrorOptions, message?: string, expected: boolean }> = [
  { name: 'no capacity', given: { kind: 'refused', status: 429, code: 3040 }, expected: true },
  { name: 'too many requests', given: { kind: 'refused', status: 429 }, expected: true },
  { name: 'a retired model', given: { kind: 'refused', status: 400, code: 5028 }, expected: true },
  { name: 'an unknown model', given: { kind: 'refused', status: 400, code: 5007 }, expected: true },
  { name: 'a model no route leads to', given: { kind: 'refused', status: 400, code: 7000 }, expected: true },
  { name: 'a model that is not found', given: { kind: 'refused', status: 404, code: 7001 }, expected: true },
  { name: 'a 404 that says nothing', given: { kind: 'refused', status: 404 }, expected: true },
  { name: 'an unknown account', given: { kind: 'refused', status: 404, code: 7003 }, expected: false },
  { name: "the model's own time limit", given: { kind: 'refused', status: 408, code: 3046 }, expected: true },
  { name: 'a model of the paid plan', given: { kind: 'refused', status: 403, code: 5035 }, expected: true },
  { name: 'a broken server', given: { kind: 'refused', status: 500 }, expected: true },
  { name: 'a timeout of the model', given: { kind: 'refused', status: 408, code: 3007 }, expected: true },
  { name: 'silence', given: { kind: 'timeout' }, expected: true },
  { name: 'no connection', given: { kind: 'unreachable' }, expected: true },
  { name: 'a broken answer', given: { kind: 'malformed' }, expected: true },
  { name: 'an answer of nothing', given: { kind: 'empty' }, expected: true },
  { name: 'the daily quota', given: { kind: 'refused', status: 429, code: 4006 }, expected: false },
  { name: 'the daily quota by its words', given: { kind: 'refused', status: 429 }, message: 'you have used up your daily free allocation', expected: false },
  { name: 'a wrong request', given: { kind: 'refused', status: 400, code: 5006 }, expected: false },
  { name: 'a wrong token', given: { kind: 'refused', status: 401, code: 10000 }, expected: false }
]
for (const { name, given, message = 'x', expected } of cases) t.equal(mayFallBack(new UpstreamError(message, given)), expected, name)
t.equal(mayFallBack(new ProxyError('x', { status: 502, type: 'server_error' })), false, 'an error of ours')
t.equal(mayFallBack(new TypeError('x')), false, 'a bug')
t.equal(saysRetired(new UpstreamError('x', { kind: 'refused', status: 410, code: 5028 })), true)
t.equal(saysRetired(new UpstreamError('x', { kind: 'refused', status: 400, code: 5007 })), false, 'what there never was is not retired')
