import t from 'tap'
import { UpstreamError, type UpstreamErrorOptions } from '../../../src/errors.ts'
import { ERROR_CODES, isSumTooLong, MEANINGS, toFacts } from '../../../src/workers-ai/transport/error-codes.ts'

function refused (code: number | undefined, status: number, message = 'words'): UpstreamError {
  return new UpstreamError(message, { kind: 'refused', status, code })
}

t.test('each code stands once, by its number, and is told with a status', t => {
  const codes = ERROR_CODES.map(({ code }) => code)
  t.strictSame(codes, [...new Set(codes)].sort((one, other) => one - other))
  t.strictSame(ERROR_CODES.filter(({ status, sentence }) => status < 200 || status > 599 || sentence === ''), [])
  t.end()
})

t.test('a code means what the table says, whatever status it comes with', t => {
  for (const { code, meaning, isOfSuccess } of ERROR_CODES) {
    if (meaning === undefined || isOfSuccess) continue
    for (const status of [200, 400, 403, 404, 408, 429, 500]) t.match(toFacts(refused(code, status)), { meaning, ...MEANINGS[meaning] }, `${code} with ${status}`)
  }
  t.end()
})

t.test('what a code does not say, the status does', t => {
  const cases = [
    { status: 200, expected: 'failure' },
    { status: 400, expected: 'bad-request' },
    { status: 401, expected: 'token' },
    { status: 403, expected: 'forbidden' },
    { status: 404, expected: 'unknown-model' },
    { status: 408, expected: 'timeout' },
    { status: 413, expected: 'too-large' },
    { status: 422, expected: 'bad-request' },
    { status: 429, expected: 'rate-limit' },
    { status: 500, expected: 'internal' },
    { status: 502, expected: 'internal' },
    { status: 503, expected: 'overloaded' },
    { status: 504, expected: 'timeout' },
    { status: 524, expected: 'timeout' }
  ]
  for (const { status, expected } of cases) {
    for (const code of [undefined, 400, 8005, 999_999]) t.equal(toFacts(refused(code, status)).meaning, expected, `${status} with code ${code ?? 'none'}`)
  }
  t.equal(toFacts(refused(1000, 200)).meaning, 'internal', 'an internal failure under a status of success may pass')
  t.equal(toFacts(refused(1000, 400)).meaning, 'bad-request', 'under any other its status says more')
  t.end()
})

t.test('words say more than code and status', t => {
  const cases = [
    { code: 429, status: 429, message: 'you have used up your daily free allocation of 10,000 neurons', expected: 'quota' },
    { code: 3030, status: 400, message: 'Max context reached 85920 tokens but model supports only 60000', expected: 'overflow' },
    { code: 3030, status: 400, message: 'Sequence too long: 9003 > 8192', expected: 'overflow' },
    { code: 8007, status: 400, message: "Requested token count exceeds the model's maximum context length of 262144 tokens.", expected: 'overflow' },
    { code: undefined, status: 413, message: '`inputs` must have less than 512 tokens. Given: 1000', expected: 'overflow' },
    { code: undefined, status: 400, message: 'The decoder prompt (length 9000) is longer than the maximum model length of 8192.', expected: 'overflow' },
    { code: 3030, status: 400, message: 'Missing boundary in multipart', expected: 'bad-request' }
  ]
  for (const { code, status, message, expected } of cases) t.equal(toFacts(refused(code, status, message)).meaning, expected, message)
  t.end()
})

t.test('a call of several texts may be too long where each of them is not', t => {
  t.ok(isSumTooLong(refused(3030, 400, 'Max context reached 85920 tokens but model supports only 60000')))
  t.ok(isSumTooLong(refused(5021, 413)))
  t.notOk(isSumTooLong(refused(3030, 400, 'Sequence too long: 9003 > 8192')), 'this one is about one of them')
  t.notOk(isSumTooLong(refused(5006, 400)))
  t.end()
})

t.test('a model that is not there has one fate, however Cloudflare says so', t => {
  const facts = ([[7000, 400], [7001, 404], [5007, 400], [3042, 404], [undefined, 404]] as const).map(([code, status]) => toFacts(refused(code, status)))
  for (const one of facts) t.strictSame(one, { meaning: 'unknown-model', retry: false, fallback: true, fault: 'model' })
  t.end()
})

t.test('the model\'s own time limit is like any other timeout', t => {
  const timeouts: UpstreamErrorOptions[] = [
    { kind: 'timeout' },
    ...[3007, 3008, 3046, undefined].map(code => ({ kind: 'refused' as const, status: 408, code })),
    ...[504, 524].map(status => ({ kind: 'refused' as const, status }))
  ]
  for (const given of timeouts) t.strictSame(toFacts(new UpstreamError('x', given)), { meaning: 'timeout', retry: false, fallback: true, fault: 'model', account: 'broken' }, JSON.stringify(given))
  t.end()
})

t.test('what breaks on the way means what it is', t => {
  for (const kind of ['unreachable', 'malformed', 'empty', 'truncated'] as const) t.equal(toFacts(new UpstreamError('x', { kind, status: 429, code: 3040 })).meaning, kind)
  t.end()
})
