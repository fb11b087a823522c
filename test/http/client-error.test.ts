import t from 'tap'
import { exchange, startProxy } from '../start-proxy.ts'

const secret = 'Bearer sk-very-secret'
const cases = [
  { name: 'what is no HTTP', given: `GET / HTTP/1.1\r\nhost: localhost\r\nauthorization: ${secret}\r\nno header\r\n\r\n`, status: 400, message: 'The request could not be read.' },
  { name: 'headers that are too large', given: `GET / HTTP/1.1\r\nhost: localhost\r\nauthorization: ${secret}\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, status: 431, message: 'The headers of the request are too large.' }
]
for (const { name, given, status, message } of cases) {
  t.test(`${name} gets OpenAI's error object and is hung up on`, async t => {
    const proxy = await startProxy(t)
    const answer = await exchange(proxy, given, 'nothing that ever comes')
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    t.match(head, new RegExp(`^HTTP/1\\.1 ${status} [^]+\r\nconnection: close$`))
    t.strictSame(JSON.parse(body), { error: { message, type: 'invalid_request_error', param: null, code: null } })
    t.equal(head.includes(`content-length: ${Buffer.byteLength(body)}`), true)
    t.match(proxy.lines().at(-1), { msg: 'unreadable request', code: /^HPE_/ })
    t.notMatch(proxy.log(), Buffer.from(secret).join(','), 'the bytes are not logged')
    t.notMatch(proxy.log(), secret)
  })
}
