import type { FastifyError } from 'fastify'
import t from 'tap'
import { InvalidRequestError, LimitError, ProxyError, UpstreamError } from '../../../src/errors.ts'
import { toCallerError, type FailureWords } from '../../../src/http/replies/caller-error.ts'
import { UnservedRouteError } from '../../../src/http/replies/unknown-routes.ts'

const WORDS: FailureWords = {
  notJson: 'no JSON',
  tooLarge: 'too large.',
  toUnservedRoute: ({ path }) => new InvalidRequestError(`no route ${path}`, { status: 404 }),
  toInvalidRequest: ([failure], body) => new InvalidRequestError(`${failure?.keyword} of ${JSON.stringify(body)}`)
}

t.test('what the caller has caused is told in the words of the API', t => {
  const cases: Array<[name: string, thrown: object, expected: { status: number, message: string }]> = [
    ['a route', new UnservedRouteError('path', 'GET', '/x'), { status: 404, message: 'no route /x' }],
    ['a body that does not fit', { validation: [{ keyword: 'type' }] }, { status: 400, message: 'type of {"a":1}' }],
    ['a large body', { code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }, { status: 413, message: 'too large. BODY_LIMIT_BYTES of the proxy sets the limit.' }],
    ['another type', { code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', statusCode: 415 }, { status: 415, message: "Unsupported content type. Send JSON with the header 'content-type: application/json'." }],
    ['nothing', { code: 'FST_ERR_CTP_EMPTY_JSON_BODY', statusCode: 400 }, { status: 400, message: 'no JSON' }],
    ['no JSON', Object.assign(new SyntaxError('sesame'), { statusCode: 400 }), { status: 400, message: 'no JSON' }],
    ['another refusal of Fastify\'s', Object.assign(new Error('sesame'), { statusCode: 431 }), { status: 431, message: 'The request could not be read.' }]
  ]
  for (const [name, thrown, expected] of cases) {
    const error = toCallerError(thrown as FastifyError, { a: 1 }, WORDS)
    t.ok(error instanceof InvalidRequestError, name)
    t.match(error, expected, name)
  }
  t.end()
})

t.test('everything else stays as it is', t => {
  const failures = [
    new ProxyError('x', { status: 503, type: 'server_error', code: null }),
    new UpstreamError('x', { kind: 'timeout' }),
    new LimitError({ limit: 'unpriced', model: 'm' }, 'the key'),
    new Error('a bug'),
    Object.assign(new Error('a bug'), { statusCode: 500 })
  ]
  for (const failure of failures) t.equal(toCallerError(failure as FastifyError, {}, WORDS), failure)
  t.end()
})
