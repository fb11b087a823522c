import t from 'tap'
import { toPrettyLine } from '../../src/telemetry/pretty-log.ts'

const time = new Date(2026, 0, 2, 3, 4, 5).getTime()
const request = { level: 30, time, pid: 1, hostname: 'h', requestId: 'req_1', method: 'POST', route: '/v1/chat/completions', status: 200, ms: 1234, msg: 'request' }
const LLAMA = '@cf/meta/llama-3.3-70b-instruct-fp8-fast'

const cases: Array<{ name: string, given: object, expected: string }> = [
  { name: 'a request', given: request, expected: 'POST /v1/chat/completions  200  1.2 s' },
  { name: 'a stream', given: { ...request, model: LLAMA, served: LLAMA, stream: true, firstTokenMs: 310, promptTokens: 12, completionTokens: 34, finishReason: 'stop', attempts: 1 }, expected: 'POST /v1/chat/completions  200  1.2 s  llama-3.3-70b-instruct-fp8-fast  12+34 tokens  streamed, first after 310 ms' },
  { name: 'another model than was asked for, by a named key', given: { ...request, ms: 12, model: 'gpt-4o-mini', served: LLAMA, finishReason: 'length', attempts: 3, key: 'ann', changes: 'user dropped' }, expected: 'POST /v1/chat/completions  200  12 ms  gpt-4o-mini → llama-3.3-70b-instruct-fp8-fast  ended by length  3 attempts  key ann  (user dropped)' },
  { name: 'a refusal', given: { ...request, status: 400, ms: 2, error: { name: 'InvalidRequestError', code: 'c', param: 'n', message: "Invalid 'n'." } }, expected: "POST /v1/chat/completions  400  2 ms  Invalid 'n'." },
  { name: 'a path nobody serves', given: { ...request, route: 'unknown', path: '/api/generate', status: 404, ms: 1, error: { name: 'E', message: 'Invalid URL (POST …)' } }, expected: 'POST /api/generate  404  1 ms  Invalid URL (POST …)' },
  { name: 'a failure of Cloudflare', given: { ...request, status: 502, error: { name: 'UpstreamError' }, upstreamKind: 'refused', upstreamStatus: 500, upstreamCode: 3040 }, expected: 'POST /v1/chat/completions  502  1.2 s  Cloudflare: refused 500 code 3040' },
  { name: 'a bug', given: { ...request, status: 500, error: { name: 'TypeError' } }, expected: 'POST /v1/chat/completions  500  1.2 s  TypeError' },
  { name: 'a client that left', given: { ...request, status: 499, aborted: true, msg: 'client gone' }, expected: 'POST /v1/chat/completions  client left  1.2 s' },
  { name: 'an event', given: { level: 30, time, pid: 1, hostname: 'h', msg: 'listening at http://127.0.0.1:1' }, expected: 'listening at http://127.0.0.1:1' },
  { name: 'a warning with fields', given: { level: 40, time, reason: 'none', names: ['a'], msg: 'no list' }, expected: 'WARN no list reason=none names=["a"]' },
  { name: 'an error with its stack', given: { level: 50, time, err: { type: 'TypeError', code: 'E', stack: '    at a\n    at b' }, msg: 'failed' }, expected: 'ERROR failed TypeError (E)\n    at a\n    at b' },
  { name: 'what would order a terminal about', given: { level: 30, time, msg: 'a\u001b[31m\nb\u2028c\u202ed', 'x\n': '\r' }, expected: 'a?[31m?b?c?d x?=?' },
  { name: 'a long list of changes', given: { ...request, changes: 'x'.repeat(300) }, expected: `POST /v1/chat/completions  200  1.2 s  (${'x'.repeat(120)}…)` }
]
for (const { name, given, expected } of cases) t.equal(toPrettyLine(`${JSON.stringify(given)}\n`, false), `03:04:05 ${expected}\n`, name)

t.equal(toPrettyLine('no JSON\n', false), 'no JSON\n', 'what is no line of the log is left alone')
t.equal(toPrettyLine('{"msg":"x"}', false), '--:--:-- x\n', 'nor is a time made up')

t.test('colours say how it went', t => {
  const colourOf = (fields: object) => toPrettyLine(JSON.stringify({ ...request, ...fields }), true).split('\u001b[').find(part => part.startsWith('3'))?.slice(0, 2)
  t.same([200, 404, 502].map(status => colourOf({ status })), ['32', '33', '31'])
  t.equal(toPrettyLine(JSON.stringify({ level: 40, time, msg: 'x' }), true), '\u001b[2m03:04:05\u001b[0m \u001b[33mWARN\u001b[0m x\n')
  t.end()
})
