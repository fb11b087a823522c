import t from 'tap'
import { toConnectionCode, toSentence, toFailureKind } from '../../../src/workers-ai/transport/failure-kind.ts'
import { UpstreamError } from '../../../src/errors.ts'
import { refusal, unreachable } from '../../cli/doctor/answers.ts'

const cases = [
  { name: 'an unknown account', given: refusal(7003, { status: 404 }), expected: 'account' },
  { name: 'a refused token', given: refusal(10000, { status: 401 }), expected: 'token' },
  { name: 'a token that is none', given: refusal(6003), expected: 'token' },
  { name: 'a token without the permission', given: refusal(9109, { status: 403 }), expected: 'token' },
  { name: 'a gateway that wants a token of its own', given: refusal(2009, { status: 401 }), expected: 'token' },
  { name: 'a refusal that only a status tells of', given: new UpstreamError('x', { kind: 'refused', status: 401 }), expected: 'token' },
  { name: 'a licence, which has the same status', given: refusal(5016, { status: 403 }), expected: 'other' },
  { name: 'a failure of the edge', given: new UpstreamError('x', { kind: 'refused', status: 502 }), expected: 'other' },
  { name: 'a connection that failed', given: unreachable('ECONNREFUSED'), expected: 'network' },
  { name: 'silence', given: new UpstreamError('x', { kind: 'timeout' }), expected: 'network' },
  { name: 'a web page', given: new UpstreamError('x', { kind: 'malformed', status: 200 }), expected: 'network' },
  { name: 'an empty list', given: new Error('Cloudflare listed no models'), expected: 'other' }
]
for (const { name, given, expected } of cases) t.equal(toFailureKind(given), expected, name)

t.equal(toConnectionCode(unreachable('EAI_AGAIN')), 'EAI_AGAIN', 'a connection that failed has a code')
t.equal(toConnectionCode(refusal(7003)), '', 'a refusal has none')
t.equal(toConnectionCode(new Error('x')), '')

t.equal(toSentence(refusal(5006)), 'in its own words (5006).', 'a refusal is told with its code')
t.equal(toSentence(new UpstreamError('Cloudflare answered 200 with a web page. ', { kind: 'malformed' })), 'Cloudflare answered 200 with a web page.', 'a sentence has one end')
