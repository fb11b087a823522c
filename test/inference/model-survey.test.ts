import t from 'tap'
import { toModelCount } from '../../src/inference/model-survey.ts'
import { startProxy } from '../servers/start-proxy.ts'

t.same(toModelCount([{ model: { task: 'text-generation' } }, { model: { task: 'text-embeddings' } }]), { all: 2, chat: 1 })
t.same(toModelCount([]), { all: 0, chat: 0 })

t.test('a proxy counts the models it lists, and says why there are none to count', async t => {
  const cases = [
    { name: 'a right token', env: {}, expected: { count: { all: Number, chat: Number } } },
    { name: 'a wrong token', env: { CLOUDFLARE_API_TOKEN: 'wrong' }, expected: { failure: 'token' } },
    { name: 'nobody there', env: { CLOUDFLARE_API_BASE_URL: 'http://127.0.0.1:1/client/v4', MAX_RETRIES: '0' }, expected: { failure: 'network' } }
  ]
  for (const { name, env, expected } of cases) {
    const proxy = await startProxy(t, env)
    const survey = await proxy.app.surveyModels()
    t.match(survey, expected, name)
    t.same(Object.keys(survey), Object.keys(expected), name)
    t.same(proxy.lines().filter(({ route }) => route !== undefined), [], 'without a request of its own')
  }
})
