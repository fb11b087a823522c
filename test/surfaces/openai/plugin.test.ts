import { AzureOpenAI } from 'openai'
import { pino } from 'pino'
import t from 'tap'
import { buildApp } from '../../../src/app.ts'
import { readSettings } from '../../../src/settings/reader.ts'
import { askRaw, exchange, waited } from '../../servers/http-client.ts'
import { LLAMA, MISTRAL, post, saying, startProxy, toChunks } from '../../servers/start-proxy.ts'

const EMBEDDER = '@cf/baai/bge-m3'
const ENCODED = encodeURIComponent(LLAMA)

/** A chat, a completion, vectors and a response, and what tells that each came. */
const OPERATIONS: Array<{ path: string, model: string, body: object, expected: object }> = [
  { path: '/chat/completions', model: LLAMA, body: { messages: [{ role: 'user', content: 'say hi there' }] }, expected: { object: 'chat.completion', model: LLAMA, choices: [{ message: { content: 'hi there' } }] } },
  { path: '/completions', model: LLAMA, body: { prompt: 'say hi there' }, expected: { object: 'text_completion', model: LLAMA, choices: [{ text: 'hi there' }] } },
  { path: '/embeddings', model: EMBEDDER, body: { input: 'hi' }, expected: { object: 'list', model: EMBEDDER, data: [{ embedding: Array }] } },
  { path: '/responses', model: LLAMA, body: { input: 'say hi there' }, expected: { object: 'response', model: LLAMA, status: 'completed' } },
  { path: '/responses/compact', model: LLAMA, body: { input: 'say hi there' }, expected: { object: 'response.compaction' } }
]

t.test('every endpoint answers below each prefix that has all of them', async t => {
  const proxy = await startProxy(t)
  for (const prefix of ['/v1', '/openai/v1', '/openai', '//openai//v1/']) {
    for (const { path, model, body, expected } of OPERATIONS) {
      const response = await post(proxy, `${prefix}${path}?api-version=2025-04-01-preview`, { model, ...body })
      t.equal(response.status, 200, `${prefix}${path}`)
      t.notOk(isModelTold(response))
      t.match(await response.json(), expected)
    }
    const list = JSON.parse((await askRaw(proxy, `${prefix}/models?api-version=2024-10-21`)).body)
    t.ok(list.data.some(({ id }: { id: string }) => id === LLAMA), `${prefix}/models`)
    t.match(JSON.parse((await askRaw(proxy, `${prefix}/models/${LLAMA}`)).body), { id: LLAMA, object: 'model' })
    const { id } = await (await post(proxy, `${prefix}/responses`, { model: LLAMA, input: 'say kept' })).json() as { id: string }
    t.equal((await askRaw(proxy, `${prefix}/responses/${id}?api-version=x`)).status, 200)
    t.equal((await askRaw(proxy, `${prefix}/responses/${id}/input_items`)).status, 200)
    t.equal((await askRaw(proxy, `${prefix}/responses/${id}`, { method: 'DELETE' })).status, 200)
  }
})

t.test('a deployment is the model, its slashes raw or encoded, by any name it has', async t => {
  const proxy = await startProxy(t, { MODEL_ALIASES: JSON.stringify({ 'gpt-4o': LLAMA, 'my/own': LLAMA, embedder: EMBEDDER }) })
  for (const { path, model, body, expected } of OPERATIONS) {
    for (const deployment of [model, encodeURIComponent(model), model.replaceAll('/', '%2f'), model.replace('@cf/', ''), model.split('/').at(-1) as string]) {
      const response = await post(proxy, `/openai/deployments/${deployment}${path}?api-version=2024-10-21`, body)
      t.match({ status: response.status, told: isModelTold(response), served: response.headers.get('x-proxy-model') }, { status: 200, told: false, served: model }, `${deployment}${path}`)
      const asked = decodeURIComponent(deployment)
      t.match(await response.json(), { ...expected, ...('model' in expected && { model: asked }) })
    }
  }
  for (const deployment of ['gpt-4o', 'my/own', 'my%2Fown']) {
    const response = await post(proxy, `/openai/deployments/${deployment}/chat/completions`, saying('say hi', { model: undefined }))
    t.match(await response.json(), { model: decodeURIComponent(deployment), choices: [{ message: { content: 'hi' } }] }, deployment)
  }
  t.equal((await post(proxy, '/openai/deployments/embedder/embeddings', { input: 'hi' })).status, 200)
})

t.test('the model of the path wins, and another one in the body is told', async t => {
  const proxy = await startProxy(t, { MODEL_ALIASES: JSON.stringify({ chat: MISTRAL }) })
  const asked = [
    { path: 'chat/completions', body: saying('say hi'), served: MISTRAL },
    { path: 'completions', body: { model: LLAMA, prompt: 'say hi' }, served: MISTRAL },
    { path: 'responses', body: { model: LLAMA, input: 'say hi' }, served: MISTRAL },
    { path: 'embeddings', deployment: 'bge-m3', body: { model: LLAMA, input: 'hi' }, served: EMBEDDER }
  ]
  for (const { path, deployment = 'chat', body, served } of asked) {
    const response = await post(proxy, `/openai/deployments/${deployment}/${path}`, body)
    t.match({ status: response.status, served: response.headers.get('x-proxy-model') }, { status: 200, served }, path)
    t.match(response.headers.get('x-proxy-warnings'), /(^|, )model renamed/)
    t.match(await response.json(), { model: deployment })
    const dry = await (await post(proxy, `/openai/deployments/${deployment}/${path}`, body, { headers: { 'x-dry-run': 'true' } })).json()
    t.match(dry, { changes: [{ param: 'model', action: 'renamed', from: LLAMA, to: deployment, reason: 'the model in the path counts, not the one in the body' }] })
  }
  for (const model of ['chat', null, undefined]) {
    const response = await post(proxy, '/openai/deployments/chat/chat/completions', saying('say hi', { model }))
    t.match({ status: response.status, told: isModelTold(response) }, { status: 200, told: false }, `${model}`)
  }
  const stream = await post(proxy, '/openai/deployments/chat/chat/completions', saying('say hi', { stream: true }))
  t.match(stream.headers.get('x-proxy-warnings'), /model renamed/)
  t.match(toChunks(await stream.text()).slice(-2), [{ model: 'chat', choices: [{ finish_reason: 'stop' }] }, '[DONE]'])
})

t.test('a deployment that is no model, and a body that is none, are told as anywhere', async t => {
  const proxy = await startProxy(t)
  const cases = [
    { name: 'nobody knows the model', path: 'nope/chat/completions', body: saying('hi'), expected: { status: 404, error: { code: 'model_not_found', message: /`nope`/ } } },
    { name: 'another path in its name', path: '..%2f..%2fx/chat/completions', body: saying('hi'), expected: { status: 404, error: { code: 'model_not_found' } } },
    { name: 'a model that does something else', path: 'bge-m3/chat/completions', body: saying('hi'), expected: { status: 400, error: { param: 'model' } } },
    { name: 'a body without its messages', path: `${ENCODED}/chat/completions`, body: {}, expected: { status: 400, error: { param: 'messages' } } },
    { name: 'a body that is a list', path: `${ENCODED}/chat/completions`, body: [], expected: { status: 400, error: { type: 'invalid_request_error' } } },
    { name: 'an operation that is none', path: `${ENCODED}/nope`, body: {}, expected: { status: 404, error: { message: /^Invalid URL/ } } },
    { name: 'one that has no deployments', path: `${ENCODED}/models`, body: {}, expected: { status: 404, error: { message: /^Invalid URL/ } } },
    { name: 'more slashes than a model has', path: 'a/b/c/d/chat/completions', body: saying('hi'), expected: { status: 404, error: { message: /^Invalid URL/ } } }
  ]
  for (const { name, path, body, expected } of cases) {
    const response = await post(proxy, `/openai/deployments/${path}?api-version=x`, body)
    t.match({ status: response.status, ...await response.json() as object }, expected, name)
  }
  t.strictSame(proxy.simulator.requests, [])
  for (const path of ['/openai/deployments/chat/chat/completions', `/openai/deployments/${LLAMA}/chat/completions`, '/openai/v1/responses', '/openai/responses']) {
    const { status, headers } = await askRaw(proxy, path)
    t.match({ status, headers }, { status: 405, headers: { allow: 'POST' } }, path)
  }
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket' }
  for (const path of ['/openai/v1/responses', '/openai/responses?api-version=x']) t.equal((await askRaw(proxy, path, { headers: upgrade })).status, 426, path)
})

t.test('a log line names the path a request came by, and the model', async t => {
  const proxy = await startProxy(t)
  await (await post(proxy, `/openai/deployments/${LLAMA}/chat/completions?api-version=secret`, saying('say hi'))).text()
  await (await post(proxy, '/openai/v1/chat/completions', saying('say hi'))).text()
  const lines = () => proxy.lines().filter(({ msg }) => msg === 'request')
  await waited(() => lines().length === 2)
  t.match(lines(), [{ route: '/openai/deployments/:catalogue/:maker/:model/chat/completions', model: LLAMA, status: 200 }, { route: '/openai/v1/chat/completions', model: LLAMA }])
  t.notMatch(proxy.log(), /secret/)
})

t.test('a body that is too large is refused before it is read, at every path', async t => {
  const proxy = await startProxy(t, { BODY_LIMIT_BYTES: '2048' })
  for (const path of ['/openai/v1/chat/completions', `/openai/deployments/${ENCODED}/chat/completions`, `/openai/deployments/${LLAMA}/embeddings`, '/openai/responses']) {
    const head = `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\nconnection: close\r\n\r\n`
    t.match(await exchange(proxy, head, '}}'), /^HTTP\/1\.1 413 /, path)
  }
})

t.test('AzureOpenAI of the openai package works, with a deployment and without one', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'sk-key', MODEL_ALIASES: JSON.stringify({ 'gpt-4o': LLAMA }) })
  for (const deployment of [undefined, 'gpt-4o', LLAMA]) {
    const client = new AzureOpenAI({ endpoint: proxy.url, apiKey: 'sk-key', apiVersion: '2024-10-21', ...(deployment !== undefined && { deployment }) })
    const chat = await client.chat.completions.create({ model: LLAMA, messages: [{ role: 'user', content: 'say hi' }] })
    t.equal(chat.choices[0]?.message.content, 'hi', `${deployment}`)
    let text = ''
    for await (const chunk of await client.chat.completions.create({ model: LLAMA, messages: [{ role: 'user', content: 'say one two' }], stream: true })) text += chunk.choices[0]?.delta.content ?? ''
    t.equal(text, 'one two')
    t.equal((await client.completions.create({ model: LLAMA, prompt: 'say hi' })).choices[0]?.text, 'hi')
    t.equal((await client.responses.create({ model: LLAMA, input: 'say hi' })).output_text, 'hi')
    t.ok((await client.models.list()).data.length > 10)
  }
  const embedder = new AzureOpenAI({ endpoint: proxy.url, apiKey: 'sk-key', apiVersion: '2024-10-21' })
  t.equal((await embedder.embeddings.create({ model: EMBEDDER, input: 'hi' })).data.length, 1)
  const stranger = new AzureOpenAI({ endpoint: proxy.url, apiKey: 'wrong', apiVersion: '2024-10-21', maxRetries: 0 })
  await t.rejects(stranger.chat.completions.create({ model: LLAMA, messages: [{ role: 'user', content: 'hi' }] }), { status: 401, code: 'invalid_api_key' })
})

function isModelTold (response: Response): boolean {
  return /(^|, )model /.test(response.headers.get('x-proxy-warnings') ?? '')
}

t.test('an API that is registered beside it has its own words, for its routes and below its prefix', async t => {
  const app = await buildApp(readSettings({ env: { UPSTREAM: 'simulator', API_KEYS: 'k' }, readFile: () => '' }).settings, { logger: pino({ level: 'silent' }) })
  t.teardown(() => app.close())
  await app.register(async scope => {
    scope.setErrorHandler((error: Error & { status?: number }, _request, reply) => { reply.code(error.status ?? 500).send({ oops: error.name }) })
    scope.setNotFoundHandler(() => {})
    scope.get('/messages', async () => { throw new Error('broken') })
  }, { prefix: '/other' })
  const authorization = 'Bearer k'
  const cases = [
    { url: '/other/messages', headers: { authorization }, status: 500, body: { oops: 'Error' } },
    { url: '/other/messages', headers: {}, status: 401, body: { oops: 'ProxyError' } },
    { url: '/other/nope', headers: { authorization }, status: 404, body: { oops: 'UnservedRouteError' } },
    { url: '/v1/nope', headers: { authorization }, status: 404, body: { error: { message: 'Invalid URL (GET /v1/nope)' } } },
    { url: '/v1/models', headers: {}, status: 401, body: { error: { message: /^You didn't provide an API key/ } } }
  ]
  for (const { url, headers, status, body } of cases) {
    const answer = await app.inject({ url, headers: { host: 'localhost', ...headers } })
    t.equal(answer.statusCode, status, url)
    t.match(answer.json(), body, url)
  }
})
