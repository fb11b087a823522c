import t from 'tap'
import { waited } from '../http-client.ts'
import { ask, GLM, KIMI, LLAMA, saying, startProxy, startUpstream, toChunks } from '../start-proxy.ts'

const weather = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }
const color = { type: 'json_schema', json_schema: { name: 'color', strict: true, schema: { type: 'object', properties: { color: { enum: ['red', 'blue'] } }, required: ['color'], additionalProperties: false } } }

t.test('when one of several calls fails, the others are closed', async t => {
  const proxy = await startProxy(t, { MAX_RETRIES: '0' })
  for (const stream of [true, false]) {
    const response = await ask(proxy, saying('fail 1 times with code 8001 then slowly say 100 words', { n: 2, stream }))
    t.equal(response.status, 400, stream ? 'streamed' : 'plain')
    await waited(() => proxy.simulator.requests.at(-1)?.closedEarly === true && proxy.simulator.openStreams === 0)
  }
})

t.test('a failure that passes is tried again, and the log counts it', async t => {
  const proxy = await startProxy(t)
  const response = await ask(proxy, saying('fail 1 times with 503 then say hi'))
  t.match(await response.json(), { choices: [{ message: { content: 'hi' } }] })
  await waited(() => proxy.lines().some(({ attempts }) => attempts === 2))
})

t.test('the bill of several calls is one', async t => {
  const proxy = await startProxy(t)
  const one = await ask(proxy, saying('say hi', { seed: 1 }))
  const three = await ask(proxy, saying('say hi', { seed: 1, n: 3 }))
  t.equal(Number(three.headers.get('cf-ai-neurons')).toFixed(4), (3 * Number(one.headers.get('cf-ai-neurons'))).toFixed(4))
})

t.test('only one call is told when the caller wants no parallel ones', async t => {
  const proxy = await startProxy(t)
  const body = saying('call tool get_weather with {"city":"Oslo"} and call tool get_weather with {"city":"Rome"}', { tools: [weather], parallel_tool_calls: false })
  for (const model of [LLAMA, KIMI]) {
    const { choices: [choice] } = await (await ask(proxy, { ...body, model })).json() as { choices: Array<{ message: { tool_calls: unknown[] } }> }
    t.equal(choice?.message.tool_calls.length, 1, model)
  }
})

t.test('a structured output is asked for in another form when the first is refused', async t => {
  const proxy = await startProxy(t)
  const response = await ask(proxy, saying('fail 1 times with code 5025 then say {"color":"blue"}', { response_format: color }))
  t.match(await response.json(), { choices: [{ message: { content: '{"color":"blue"}' } }] })
  t.match(response.headers.get('x-proxy-warnings'), 'response_format emulated')
  t.equal(proxy.simulator.requests.length, 2)
  t.match(JSON.stringify(proxy.simulator.requests[1]?.body), /JSON Schema/, 'it is asked for in words')
})

t.test('a structured output that does not fit is asked for once more', async t => {
  const upstream = await startUpstream(t, [
    { response: '{"color":"green"}', usage: { prompt_tokens: 1, completion_tokens: 2 } },
    { response: '{"color":"red"}', usage: { prompt_tokens: 3, completion_tokens: 4 } },
    { response: '{"color":"green"}' },
    { response: 'green' }
  ])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream })
  t.match(await (await ask(proxy, saying('Which?', { response_format: color }))).json(), {
    choices: [{ message: { content: '{"color":"red"}' } }],
    usage: { prompt_tokens: 4, completion_tokens: 6 }
  }, 'both answers are billed')
  const response = await ask(proxy, saying('Which?', { response_format: color }))
  t.equal(response.status, 502)
  t.equal(response.headers.get('x-should-retry'), 'false')
  t.match(await response.json(), { error: { code: 'json_schema_mismatch', param: 'response_format' } })
})

t.test('a forced call that did not come is asked for once more', async t => {
  const upstream = await startUpstream(t, [
    { response: 'It is warm.' },
    { tool_calls: [{ name: 'get_weather', arguments: { city: 'Oslo' } }] }
  ])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream })
  const response = await ask(proxy, saying('Weather?', { tools: [weather], tool_choice: 'required', stream: true }))
  const chunks = toChunks(await response.text())
  t.match(chunks.slice(0, -1).at(-1), { choices: [{ finish_reason: 'tool_calls' }] })
  t.match(chunks, [{}, { choices: [{ delta: { tool_calls: [{ function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } }] } }] }])
})

t.test('a call the model wrote into its text is a call', async t => {
  const proxy = await startProxy(t)
  for (const stream of [false, true]) {
    const answer = await (await ask(proxy, saying('leak tool get_weather with {"city":"Oslo"}', { tools: [weather], stream }))).text()
    t.match(answer, /"name":"get_weather","arguments":"\{\\"city\\":\\"Oslo\\"\}"/, stream ? 'streamed' : 'plain')
    t.match(answer, /"finish_reason":"tool_calls"/)
  }
})

t.test('thinking is no content', async t => {
  const proxy = await startProxy(t)
  for (const model of [GLM, '@cf/deepseek-ai/deepseek-r1-distill-qwen-32b', '@cf/qwen/qwq-32b']) {
    const answer = await (await ask(proxy, saying('think hard then say yes', { model }))).json()
    t.match(answer, { choices: [{ message: { content: /^\s*yes$/, reasoning_content: /hard/ } }] }, model)
  }
})
