import t from 'tap'
import { askRaw, waited } from '../servers/http-client.ts'
import { ACCOUNT_ID, API_TOKEN, ask, GLM, LLAMA, MISTRAL, saying, startProxy } from '../servers/start-proxy.ts'

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
      expected: { status: 200, error: { name: 'UpstreamError' }, upstreamKind: 'truncated', upstreamStatus: 200, attempts: 1 }
    },
    {
      name: 'a refusal of Cloudflare',
      body: saying('fail with code 4006'),
      expected: { status: 429, error: { name: 'UpstreamError', code: 'insufficient_quota', param: null, message: /^… \(Workers AI 4006\)/ }, upstreamKind: 'refused', upstreamStatus: 429, upstreamCode: 4006 }
    },
    {
      name: 'a refusal of our own',
      body: saying('say hi', { n: 0 }),
      expected: { status: 400, method: 'POST', error: { name: 'InvalidRequestError', code: 'integer_below_min_value', param: 'n', message: "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead." } }
    },
    {
      name: 'a model nobody knows',
      body: saying('say hi', { model: 'gpt-9' }),
      expected: { status: 404, model: 'gpt-9', error: { name: 'ProxyError', code: 'model_not_found', param: null, message: /^The model `…` does not exist/ } }
    },
    {
      name: 'a failure of Cloudflare\'s, which is not for the caller to mend',
      body: saying('fail with code 8001, then 502', { model: LLAMA, stream: false, response_format: { type: 'xml-sesame' } }),
      expected: { status: 400, error: { param: 'response_format.type', code: 'invalid_value', message: /^Invalid value: '…'\. Supported values are: 'text'/ } }
    }
  ]
  for (const [index, { name, body, expected }] of cases.entries()) {
    await (await ask(proxy, body)).text()
    const lines = () => proxy.lines().filter(({ msg }) => msg === 'request')
    await waited(() => lines().length === index + 1)
    t.match(lines()[index], { level: 30, requestId: /^req_/, ms: Number, ...expected }, name)
  }
})

t.test('a line has what Cloudflare bills for all answers of its request', async t => {
  const proxy = await startProxy(t)
  const color = { type: 'json_schema', json_schema: { name: 'color', strict: false, schema: { type: 'object', properties: { color: { enum: ['red'] } }, required: ['color'] } } }
  const cases: Array<{ name: string, path?: string, body: object, answers: number }> = [
    { name: 'a plain answer', body: saying('say one two'), answers: 1 },
    { name: 'a stream, of which it does not say', body: saying('say one two', { stream: true }), answers: 0 },
    { name: 'several choices', body: saying('say one two', { n: 3 }), answers: 3 },
    { name: 'an answer that was asked for twice', body: saying('say green', { response_format: color }), answers: 2 },
    { name: 'a text completion', path: '/completions', body: { model: LLAMA, prompt: 'say one two' }, answers: 1 },
    { name: 'a response', path: '/responses', body: { model: LLAMA, input: 'say one two' }, answers: 1 },
    { name: 'embeddings of several calls', path: '/embeddings', body: { model: '@cf/baai/bge-m3', input: Array.from({ length: 101 }, (_, index) => `text ${index}`) }, answers: 2 },
    { name: 'what Cloudflare refused', body: saying('fail with code 8001'), answers: 0 }
  ]
  for (const [index, { name, path = '/chat/completions', body, answers }] of cases.entries()) {
    const response = await fetch(`${proxy.url}/v1${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    await response.text()
    const lines = () => proxy.lines().filter(({ msg }) => msg === 'request')
    await waited(() => lines().length === index + 1)
    const { neurons } = lines()[index] as { neurons?: number }
    const header = response.headers.get('cf-ai-neurons')
    t.equal(neurons !== undefined, answers > 0, name)
    if (neurons !== undefined) t.ok(Math.abs(neurons - Number(header)) < 1e-9, `${name}: ${neurons}, and ${header} in its header`)
  }
  await (await ask(proxy, saying('say one two'), { headers: { 'x-dry-run': 'true' } })).text()
  const lines = () => proxy.lines().filter(({ msg }) => msg === 'request')
  await waited(() => lines().length === cases.length + 1)
  t.notOk('neurons' in (lines().at(-1) ?? {}), 'of what is not asked nothing is billed')
})

t.test('a path that is not known is logged as it was called, and health checks are not', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'k' })
  const authorization = 'Bearer k'
  const cases: Array<{ name: string, path: string, method?: string, headers?: Record<string, string>, expected: object }> = [
    { name: 'an unknown path, without its query', path: '/generate?key=secret-sesame', expected: { path: '/generate', status: 404, error: { message: 'Invalid URL (GET …)' } } },
    { name: 'an unknown method', path: '/v1/models', method: 'DELETE', expected: { method: 'DELETE', path: '/v1/models', status: 405 } },
    { name: 'an unknown path without a key', path: '/chat/completions', headers: {}, expected: { path: '/chat/completions', status: 401, error: { message: /^You didn't provide an API key/ } } },
    { name: 'a long path', path: `/${'x'.repeat(3_000)}`, expected: { path: `/${'x'.repeat(199)}`, status: 404 } },
    { name: 'what would break a line or order a terminal about', path: '/%0a%1b[31m/"{}', expected: { path: '/%0a%1b?31m/???', status: 404 } },
    { name: 'a URL with credentials', path: 'http://secret-sesame:x@localhost/v1/nope', expected: { path: '/v1/nope', status: 404 } },
    { name: 'a key of OpenAI\'s in a path', path: '/sk-sesame-1/v1/chat/completions', expected: { path: '/…/v1/chat/completions' } },
    { name: 'a token in a path', path: '/v1/Sesame0123456789abcdefABCDEF/models', expected: { path: '/v1/…/models' } },
    { name: 'the name of a model in a path', path: '/v1/engines/@cf/meta/llama-3.3-70b-instruct-fp8-fast', expected: { path: '/v1/engines/@cf/meta/llama-3.3-70b-instruct-fp8-fast' } },
    { name: 'a known path', path: '/v1/models?key=secret-sesame', expected: { route: '/v1/models', path: undefined, status: 200 } }
  ]
  await askRaw(proxy, '/health')
  for (const [index, { name, path, method = 'GET', headers = { authorization }, expected }] of cases.entries()) {
    await askRaw(proxy, path, { method, headers })
    const lines = () => proxy.lines().filter(({ msg }) => msg === 'request')
    await waited(() => lines().length === index + 1)
    t.match(lines()[index], { method, route: 'path' in expected && expected.path !== undefined ? 'unknown' : String, ...expected }, name)
  }
  t.notMatch(proxy.log(), /sesame/i)
})

t.test('what a refusal quotes of its caller is in no line', async t => {
  const proxy = await startProxy(t, { UNSUPPORTED_PARAMS: 'reject' })
  const tools = [{ type: 'function', function: { name: 'f' } }]
  const image = { type: 'image_url', image_url: { url: 'data:image/sesame;base64,AAAA' } }
  const bodies: Array<[path: string, body: unknown]> = [
    ['chat/completions', saying('say hi', { model: 'sesame' })],
    ['chat/completions', saying('say hi', { n: 'sesame' })],
    ['chat/completions', saying('say hi', { stop: 'sesame'.repeat(1_000) })],
    ['chat/completions', saying('say hi', { metadata: { sesame: 'x'.repeat(600) } })],
    ['chat/completions', saying('say hi', { logit_bias: { sesame: 'x' } })],
    ['chat/completions', saying('say hi', { reasoning_effort: 'sesame' })],
    ['chat/completions', saying('say hi', { tool_choice: 'sesame', tools })],
    ['chat/completions', saying('say hi', { tool_choice: { type: 'function', function: { name: 'sesame' } }, tools })],
    ['chat/completions', saying('say hi', { tools: [{ type: 'sesame' }] })],
    ['chat/completions', saying('say hi', { response_format: { type: 'sesame' } })],
    ['chat/completions', saying('say hi', { response_format: { type: 'json_schema', json_schema: { name: 'sesame', schema: { type: 'sesame' } } } })],
    ['chat/completions', saying('say sesame', { response_format: { type: 'json_schema', json_schema: { name: 'sesame', strict: true, schema: { type: 'object', required: ['sesame'], properties: { sesame: { const: 1 } }, additionalProperties: false } } } })],
    ['chat/completions', { model: LLAMA, messages: [{ role: 'sesame', content: 'x' }] }],
    ['chat/completions', { model: LLAMA, messages: [{ role: 'user', content: [{ type: 'sesame' }] }] }],
    ['chat/completions', { model: MISTRAL, messages: [{ role: 'user', content: [image] }] }],
    ['chat/completions', { model: LLAMA, messages: 'sesame' }],
    ['completions', { model: LLAMA, prompt: ['x', { sesame: 1 }] }],
    ['completions', { model: 'sesame', prompt: 'x' }],
    ['embeddings', { model: '@cf/baai/bge-m3', input: 'x', encoding_format: 'sesame' }],
    ['embeddings', { model: '@cf/baai/bge-m3', input: ['x', { sesame: 1 }] }],
    ['responses', { model: LLAMA, input: 'x', previous_response_id: 'resp_sesame' }],
    ['responses', { model: LLAMA, input: 'x', conversation: 'sesame' }],
    ['responses', { model: LLAMA, input: 'x', prompt: { id: 'sesame' } }],
    ['responses', { model: LLAMA, input: 'x', text: { format: { type: 'json_schema', name: 'sesame', schema: { type: 'sesame' } } } }],
    ['responses', { model: LLAMA, input: 'x', tool_choice: { type: 'function', name: 'sesame' }, tools: [{ type: 'function', name: 'f' }] }],
    ['responses', { model: LLAMA, input: [{ type: 'sesame', role: 'sesame', content: 'sesame' }] }],
    ['responses', { model: LLAMA, input: [{ role: 'user', content: [{ type: 'sesame', text: 'x' }] }] }],
    ['responses', { model: LLAMA, input: [{ type: 'item_reference', id: 'msg_sesame' }] }],
    ['responses', { model: LLAMA, input: 'x', metadata: { sesame: 1 } }],
    ['responses', { model: LLAMA, input: 'x', include: ['sesame'] }]
  ]
  for (const [path, body] of bodies) {
    const response = await fetch(`${proxy.url}/v1/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    const told = await response.text()
    const status = JSON.stringify(body)
    t.ok(response.status === 200 || (response.status >= 400 && response.status < 500), `${path} ${status}: ${response.status} ${told}`)
  }
  for (const path of ['/v1/responses/resp_sesame', '/v1/responses/resp_sesame/input_items?order=sesame', '/v1/models/sesame']) await askRaw(proxy, path)
  for (const coding of ['sesame', 'gzip']) await (await fetch(`${proxy.url}/v1/embeddings`, { method: 'POST', headers: { 'content-type': 'application/json', 'content-encoding': coding }, body: 'sesame' })).text()
  const lines = () => proxy.lines().filter(({ route }) => route !== undefined)
  await waited(() => lines().length === bodies.length + 5)
  for (const line of lines()) t.notMatch(JSON.stringify({ ...line, model: undefined }), /sesame/)
  t.equal(lines().filter(({ status, error }) => Number(status) < 500 && Number(status) >= 400 && (error as { message?: string } | undefined)?.message === undefined).length, 0, 'and each says what was wrong')
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
  const lines = () => proxy.lines().filter(({ msg, requestId }) => msg === 'request' && requestId === 'mine-1').length
  await waited(() => lines() >= 3)
  t.equal(lines(), 3)
})
