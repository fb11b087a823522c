import t from 'tap'
import { isOllamaPath } from '../../../src/http/replies/ollama-paths.ts'
import { askRaw, waited } from '../../servers/http-client.ts'
import { startProxy } from '../../servers/start-proxy.ts'

t.test('paths of Ollama\'s API are known', t => {
  for (const path of ['/api', '/api/', '/api/chat', '//api//chat', '/api/tags?x', '/api?x', '/api/v1/chat/completions']) t.ok(isOllamaPath(path), path)
  for (const path of ['/', '/apix', '/v1/api', '/v1/models/api/x', '/openai/v1/models', '/API/chat']) t.notOk(isOllamaPath(path), path)
  t.end()
})

t.test('who looks for an Ollama reads in its own form where OpenAI\'s API is', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'sk-key' })
  const authorization = 'Bearer sk-key'
  for (const [method, path] of [['POST', '/api/chat'], ['POST', '/api/generate'], ['GET', '/api/tags'], ['GET', '/api/version'], ['POST', '/api/embed'], ['GET', '//api//ps/?x=secret'], ['DELETE', '/api']] as const) {
    const { status, headers, body } = await askRaw(proxy, path, { method, headers: { authorization } })
    const { error } = JSON.parse(body)
    t.match({ status, headers }, { status: 404, headers: { 'content-type': /^application\/json/ } }, `${method} ${path}`)
    t.equal(error, `Ollama's API is not served here (${method} ${path.split('?')[0]}). OpenAI's is: have the client use an OpenAI-compatible provider, with /v1 of this address as its base URL (POST /v1/chat/completions, GET /v1/models).`)
    t.strictSame(Object.keys(JSON.parse(body)), ['error'])
  }
  t.match(JSON.parse((await askRaw(proxy, '/api/tags')).body), { error: /^You didn't provide an API key/ }, 'nor does a missing key print as an object')
  t.equal((await askRaw(proxy, '/api/tags')).status, 401)
  t.match(JSON.parse((await askRaw(proxy, '/nope')).body), { error: { message: String } }, 'everybody else reads OpenAI\'s form')
  await waited(() => proxy.lines().filter(({ msg }) => msg === 'request').length === 10)
  t.notMatch(proxy.log(), /secret/)
})

t.test('a foreign host and a body that is no JSON are told in the same form', async t => {
  const proxy = await startProxy(t)
  t.match(JSON.parse((await askRaw(proxy, '/api/tags', { headers: { host: 'evil.example' } })).body), { error: /^This host name/ })
  const response = await fetch(`${proxy.url}/api/chat`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"broken' })
  t.match({ status: response.status, body: await response.json() }, { status: 404, body: { error: /^Ollama's API/ } })
})
