import t from 'tap'
import { startProxy } from '../../servers/start-proxy.ts'
import { sendMessage } from '../../streams/message-stream.ts'

t.test('the endpoint is at its path, whatever its query says', async t => {
  const proxy = await startProxy(t)
  const response = await fetch(`${proxy.url}/v1/messages?beta=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: '@cf/meta/llama-3.3-70b-instruct-fp8-fast', max_tokens: 10, messages: [{ role: 'user', content: 'say hi' }] })
  })
  t.equal(response.status, 200, 'also without a version')
  t.match(await response.json(), { content: [{ type: 'text', text: 'hi' }] })
})

t.test('an answer has the id of its request, and takes that of its caller', async t => {
  const proxy = await startProxy(t)
  const response = await sendMessage(proxy, {}, { headers: { 'x-request-id': 'mine-1' } })
  t.equal(response.headers.get('request-id'), 'mine-1')
  t.match(await response.json(), { request_id: 'mine-1' })
})
