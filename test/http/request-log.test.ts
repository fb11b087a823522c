import t from 'tap'
import { askRaw, waited } from '../http-client.ts'
import { ACCOUNT_ID, API_TOKEN, ask, GLM, LLAMA, saying, startProxy } from '../start-proxy.ts'

t.test('each request leaves one line that says what became of it', async t => {
  const proxy = await startProxy(t)
  const cases = [
    {
      name: 'a plain answer',
      body: saying('say one two', { user: 'someone' }),
      expected: { method: 'POST', route: '/v1/chat/completions', status: 200, model: LLAMA, served: LLAMA, stream: false, attempts: 1, completionTokens: 2, changes: 'user dropped' }
    },
    {
      name: 'a stream',
      body: saying('say one two', { model: 'glm-4.7-flash', stream: true }),
      expected: { status: 200, model: 'glm-4.7-flash', served: GLM, stream: true, attempts: 1, promptTokens: Number }
    },
    {
      name: 'a stream that broke',
      body: saying('break after 3 frames, say 10 words', { stream: true }),
      expected: { status: 200, error: 'UpstreamError', upstreamKind: 'truncated', upstreamStatus: 200, attempts: 1 }
    },
    {
      name: 'a refusal of Cloudflare',
      body: saying('fail with code 4006'),
      expected: { status: 429, error: 'UpstreamError', upstreamKind: 'refused', upstreamStatus: 429, upstreamCode: 4006 }
    },
    {
      name: 'a refusal of our own',
      body: saying('say hi', { n: 0 }),
      expected: { status: 400, method: 'POST' }
    }
  ]
  for (const [index, { name, body, expected }] of cases.entries()) {
    await (await ask(proxy, body)).text()
    const lines = () => proxy.lines().filter(({ msg }) => msg === 'request')
    await waited(() => lines().length === index + 1)
    t.match(lines()[index], { level: 30, requestId: /^req_/, ms: Number, ...expected }, name)
  }
})

t.test('a path that is not known is logged without its text, and health checks are not', async t => {
  const proxy = await startProxy(t)
  await askRaw(proxy, '/health')
  await askRaw(proxy, '/v1/secret-path?key=secret-key')
  await waited(() => proxy.lines().some(({ msg }) => msg === 'request'))
  t.match(proxy.lines().filter(({ msg }) => msg === 'request'), [{ route: 'unknown', status: 404 }])
  t.notMatch(proxy.log(), /secret/)
})

t.test('no line at any level has content, keys or the token', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'client-key-sesame' })
  const headers = { authorization: 'Bearer client-key-sesame', cookie: 'cookie-sesame', 'x-session-affinity': 'session-sesame' }
  const tools = [{ type: 'function', function: { name: 'lookup', description: 'tool-sesame', parameters: { type: 'object', properties: { key: { type: 'string', description: 'key-sesame', propertyNames: {} } } } } }]
  const bodies = [
    saying('say prompt-sesame', { tools, user: 'user-sesame', prompt_cache_key: 'cache-sesame', stop: ['stop-sesame'] }),
    saying('call tool lookup with {"key":"argument-sesame"}', { tools, stream: true }),
    saying('break after 3 frames, say prompt-sesame', { stream: true }),
    saying('fail with code 10000, prompt-sesame'),
    saying('fail with 502, prompt-sesame'),
    saying('bad frame after 1 frames, say prompt-sesame', { stream: true }),
    saying('say hi', { temperature: 'temperature-sesame' }),
    { model: 'unknown model-sesame', messages: 'messages-sesame' }
  ]
  for (const body of bodies) await (await ask(proxy, body, { headers })).text()
  await (await ask(proxy, saying('say hi'), { headers: { authorization: 'Bearer wrong-sesame' } })).text()
  await (await fetch(`${proxy.url}/v1/chat/completions`, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: '{"body-sesame' })).text()
  await waited(() => proxy.lines().filter(({ msg }) => msg === 'request').length === bodies.length + 2)
  t.notMatch(proxy.log().replaceAll(/"model":"[^"]*"/g, ''), /sesame/, 'of all values a client sent only the model\'s name')
  t.notMatch(proxy.log(), API_TOKEN)
  t.notMatch(proxy.log(), ACCOUNT_ID)
  t.notMatch(proxy.log(), Buffer.from(API_TOKEN).toString('base64'))
})

t.test('a failure of the upstream leaves no stack', async t => {
  const proxy = await startProxy(t)
  await (await ask(proxy, saying('fail with 524'))).text()
  await waited(() => proxy.lines().some(({ msg }) => msg === 'request'))
  t.notMatch(proxy.log(), /"stack"/)
})

t.test('every answer bears the id of its request, and so does its line', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'k' })
  for (const path of ['/health', '/nope', '/v1/%zz', '/v1/models']) {
    const { headers } = await askRaw(proxy, path, { headers: { 'x-request-id': 'mine-1' } })
    t.equal(headers['x-request-id'], 'mine-1', path)
  }
  const { headers } = await askRaw(proxy, '/nope', { headers: { 'x-request-id': '"; drop' } })
  t.match(headers['x-request-id'], /^req_\w{32}$/)
  t.equal(proxy.lines().filter(({ msg, requestId }) => msg === 'request' && requestId === 'mine-1').length, 3)
})
