import t from 'tap'
import { askRaw, waited } from '../../../servers/http-client.ts'
import { LLAMA, startProxy } from '../../../servers/start-proxy.ts'

t.test('a model that is asked about is named in the log, be it known or not', async t => {
  const proxy = await startProxy(t)
  const lines = () => proxy.lines().filter(({ msg }) => msg === 'request')
  for (const [index, { path, model, status }] of [
    { path: `/v1/models/${LLAMA}`, model: LLAMA, status: 200 },
    { path: `/v1/models/${encodeURIComponent(LLAMA)}`, model: LLAMA, status: 200 },
    { path: '/v1/models/gpt-9', model: 'gpt-9', status: 404 }
  ].entries()) {
    const answer = await askRaw(proxy, path)
    t.equal(answer.status, status, path)
    if (status === 200) t.match(JSON.parse(answer.body), { id: LLAMA, object: 'model', workers_ai: { family: String } })
    else t.match(JSON.parse(answer.body), { error: { code: 'model_not_found' } })
    await waited(() => lines().length === index + 1)
    t.match(lines()[index], { model, status })
  }
})
