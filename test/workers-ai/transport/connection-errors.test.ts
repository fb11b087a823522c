import t from 'tap'
import { errors } from 'undici'
import { UpstreamError } from '../../../src/errors.ts'
import { toRequestError, toStreamError } from '../../../src/workers-ai/transport/connection-errors.ts'

const BUGS = [new Error('client left'), new DOMException('gone', 'AbortError'), new errors.InvalidArgumentError('a bug')]

t.test('a failure before the head of an answer', t => {
  const cases: Array<{ given: Error, expected: object }> = [
    { given: new errors.HeadersTimeoutError(), expected: { kind: 'timeout', message: 'Cloudflare did not begin to answer within 5 s' } },
    { given: Object.assign(new Error(), { code: 'ECONNREFUSED' }), expected: { kind: 'unreachable', message: 'No answer from Cloudflare: the connection failed (ECONNREFUSED)' } },
    { given: parserError('Invalid character'), expected: { kind: 'malformed', message: 'Cloudflare answered with broken HTTP' } },
    { given: new Error('bad upgrade'), expected: { kind: 'malformed' } }
  ]
  for (const { given, expected } of cases) t.match(toRequestError(given, 5_000), expected, given.name)
  for (const error of [...BUGS.slice(0, 1), ...BUGS.slice(2)]) t.equal(toRequestError(error), error, 'a bug stays what it is')
  t.end()
})

t.test('a failure inside an answer', t => {
  const cases: Array<{ given: Error, expected: object }> = [
    { given: new errors.BodyTimeoutError(), expected: { kind: 'timeout', message: 'Cloudflare went silent for 2 s inside the answer' } },
    { given: Object.assign(new Error(), { code: 'ECONNRESET' }), expected: { kind: 'truncated', message: 'Cloudflare ended the answer before its end' } },
    { given: parserError('Invalid EOF state'), expected: { kind: 'truncated' } },
    { given: parserError('Invalid chunk'), expected: { kind: 'malformed' } }
  ]
  for (const { given, expected } of cases) t.match(toStreamError(given, 2_000), expected, given.message)

  const known = new UpstreamError('known', { kind: 'truncated' })
  t.equal(toStreamError(known), known, 'an error that has its name already stays as it is')
  for (const error of [...BUGS, Object.assign(new Error('bug'), { code: 'ERR_INVALID_ARG_TYPE' })]) {
    t.throws(() => toStreamError(error), error, 'what is no failure of the connection is thrown on')
  }
  t.end()
})

t.test('the bytes that did not parse are not kept', t => {
  const error = toStreamError(parserError('Invalid chunk'))
  t.notMatch(JSON.stringify([error, error.cause], Object.getOwnPropertyNames(error.cause)), /secret bytes/)
  t.end()
})

/** undici's own, which carries the bytes. */
function parserError (message: string): Error {
  return Object.assign(new errors.HTTPParserError(message), { data: 'secret bytes' })
}
