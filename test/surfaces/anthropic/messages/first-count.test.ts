// In a process of its own: nothing before it may have loaded the checkers of schemas.
import t from 'tap'
import { post, startProxy } from '../../../servers/start-proxy.ts'

t.test('the first request of a process may count the tokens of one with a schema', async t => {
  const proxy = await startProxy(t)
  const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'], additionalProperties: false }
  const response = await post(proxy, '/v1/messages/count_tokens', {
    model: '@cf/zai-org/glm-4.7-flash',
    messages: [{ role: 'user', content: 'Who?' }],
    output_config: { format: { type: 'json_schema', schema } }
  })
  t.match(await response.json(), { input_tokens: Number })
  t.equal(response.status, 200)
})
