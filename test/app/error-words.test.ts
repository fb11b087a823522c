import t from 'tap'
import { toBrokenBody } from '../../src/app/error-words.ts'
import { ProxyError } from '../../src/errors.ts'
import { exchange } from '../servers/http-client.ts'
import { startProxy } from '../servers/start-proxy.ts'

t.test('bytes that are no request are answered in the words of the API they seem to be meant for', t => {
  const error = new ProxyError('No.', { status: 400, type: 'invalid_request_error' })
  t.match(toBrokenBody(error, Buffer.from('POST /v1/messages HTTP/1.1\r\nbroken')), { type: 'error', error: { message: 'No.' }, request_id: /^req_/ })
  t.match(toBrokenBody(error, Buffer.from('POST /v1/chat/completions HTTP/1.1\r\nbroken')), { error: { message: 'No.' } })
  t.end()
})

t.test('so is a path that nobody serves', async t => {
  const proxy = await startProxy(t)
  const asked = async (head: string) => await exchange(proxy, `GET /v1/nope HTTP/1.1\r\nhost: localhost\r\n${head}connection: close\r\n\r\n`, 'nothing that ever comes')
  t.match(await asked(''), /404 [^]+vary: anthropic-version[^]+\{"error":/i)
  t.match(await asked('anthropic-version: 2023-06-01\r\n'), /404 [^]+"type":"error"/)
})
