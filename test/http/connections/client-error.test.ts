import type { AddressInfo } from 'node:net'
import fastify from 'fastify'
import { pino } from 'pino'
import t from 'tap'
import { clientErrorHandler } from '../../../src/http/connections/client-error.ts'
import { toErrorBody } from '../../../src/surfaces/openai/errors.ts'
import { exchange } from '../../servers/http-client.ts'

const secret = 'Bearer sk-very-secret'
const cases = [
  { name: 'what is no HTTP', given: `GET / HTTP/1.1\r\nhost: localhost\r\nauthorization: ${secret}\r\nno header\r\n\r\n`, status: 400, message: 'The request could not be read.' },
  { name: 'headers that are too large', given: `GET / HTTP/1.1\r\nhost: localhost\r\nauthorization: ${secret}\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, status: 431, message: 'The headers of the request are too large.' },
  { name: 'what never comes', given: `GET / HTTP/1.1\r\nhost: localhost\r\nauthorization: ${secret}\r\n`, status: 408, message: 'The request took too long to arrive.' }
]
for (const { name, given, status, message } of cases) {
  t.test(`${name} gets OpenAI's error object and is hung up on`, async t => {
    const lines: string[] = []
    const logger = pino({ level: 'trace' }, { write: line => lines.push(line) })
    const app = fastify({ clientErrorHandler: clientErrorHandler(logger, error => toErrorBody(error)), http: { connectionsCheckingInterval: 50, headersTimeout: 50 } })
    t.teardown(() => app.close())
    await app.listen({ host: '127.0.0.1', port: 0 })
    const answer = await exchange(app.server.address() as AddressInfo, given, 'nothing that ever comes')
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    t.match(head, new RegExp(`^HTTP/1\\.1 ${status} [^]+\r\nconnection: close$`))
    t.strictSame(JSON.parse(body), { error: { message, type: 'invalid_request_error', param: null, code: null } })
    t.equal(head.includes(`content-length: ${Buffer.byteLength(body)}`), true)
    t.match(JSON.parse(lines.at(-1) ?? ''), { msg: 'unreadable request', code: /^(HPE|ERR_HTTP)_/ })
    t.notMatch(lines.join(''), Buffer.from(secret).join(','), 'the bytes are not logged')
    t.notMatch(lines.join(''), secret)
  })
}
