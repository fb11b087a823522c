import t from 'tap'
import { waited } from '../http-client.ts'
import { ask, GLM, LLAMA, MISTRAL, saying, startProxy, toChunks } from '../start-proxy.ts'

t.test('a fallback answers where the model failed, and the answer says so', async t => {
  const proxy = await startProxy(t, { MAX_RETRIES: '0', MODEL_FALLBACKS: JSON.stringify({ [LLAMA]: [MISTRAL, GLM], fast: [GLM] }), MODEL_ALIASES: JSON.stringify({ fast: LLAMA }) })
  const cases = [
    { name: 'by the id', model: LLAMA, script: 'fail 1 times with code 5028 then say hi', served: MISTRAL, attempts: '2' },
    { name: 'by the alias', model: 'fast', script: 'fail 1 times with 502 then say hi', served: GLM, attempts: '2' },
    { name: 'by the last of them', model: LLAMA, script: 'fail 2 times with code 3040 then say hi', served: GLM, attempts: '3' }
  ]
  for (const { name, model, script, served, attempts } of cases) {
    for (const stream of [false, true]) {
      const response = await ask(proxy, saying(script, { model, stream }))
      t.equal(response.status, 200, name)
      t.match(Object.fromEntries(['x-proxy-model', 'x-proxy-attempts', 'x-proxy-warnings'].map(header => [header, response.headers.get(header)])), {
        'x-proxy-model': served,
        'x-proxy-attempts': attempts,
        'x-proxy-warnings': /model renamed/
      }, name)
      t.match(await response.text(), `"model":"${model}"`, 'the answer bears the name that was asked for')
    }
  }
  t.match(proxy.log(), '"reason":"the model failed: refused, 400, Workers AI 5028"')
})

t.test('a long history is whole for whoever takes over, and for a second form of a structured output', async t => {
  const history = Array.from({ length: 80 }, (_, index) => ({ role: index % 2 === 0 ? 'user' : 'assistant', content: `${index} "süß"\n😀 ${'word '.repeat(200)}` }))
  const proxy = await startProxy(t, { MAX_RETRIES: '0', MODEL_FALLBACKS: JSON.stringify({ [LLAMA]: [MISTRAL, GLM] }) })
  const cases = [
    { name: 'a fallback', script: 'fail 2 times with code 5028 then say hi', rest: {}, models: [LLAMA, MISTRAL, GLM] },
    { name: 'a fallback, streamed', script: 'fail 1 times with 502 then say hi', rest: { stream: true }, models: [LLAMA, MISTRAL] },
    { name: 'two choices', script: 'say hi', rest: { n: 2 }, models: [LLAMA, LLAMA] },
    { name: 'another form', script: 'fail 1 times with code 5025 then say {}', rest: { response_format: { type: 'json_object' } }, models: [LLAMA, LLAMA] }
  ]
  for (const { name, script, rest, models } of cases) {
    const earlier = proxy.simulator.requests.length
    const messages = [...history, { role: 'user', content: script }]
    const response = await ask(proxy, { model: LLAMA, messages, ...rest })
    t.equal(response.status, 200, name)
    await response.text()
    const asked = proxy.simulator.requests.slice(earlier)
    t.strictSame(asked.map(({ model }) => model), models, name)
    for (const { body } of asked) t.strictSame((body as { messages: object[] }).messages.slice(-80), messages.slice(-80), name)
  }
})

t.test('no fallback helps against a wrong request or a used-up quota', async t => {
  const proxy = await startProxy(t, { MODEL_FALLBACKS: JSON.stringify({ [LLAMA]: [GLM] }) })
  for (const [script, status] of [['fail with code 4006', 429], ['fail with code 8001', 400], ['fail with code 10000', 401]] as const) {
    t.equal((await ask(proxy, saying(script))).status, status, script)
  }
  t.strictSame(proxy.simulator.requests.map(({ model }) => model), [LLAMA, LLAMA, LLAMA])
})

t.test('once a stream has begun, no fallback takes over', async t => {
  const proxy = await startProxy(t, { MODEL_FALLBACKS: JSON.stringify({ [LLAMA]: [GLM] }) })
  const chunks = toChunks(await (await ask(proxy, saying('break after 3 frames, say 10 words', { stream: true }))).text())
  t.match(chunks.at(-1), { error: { code: 'upstream_truncated' } })
  t.equal(proxy.simulator.requests.length, 1)
})

t.test('no more answers than the setting allows are under way', async t => {
  const proxy = await startProxy(t, { MAX_STREAMS: '1' })
  const controller = new AbortController()
  const first = ask(proxy, saying('stall'), { signal: controller.signal })
  await waited(() => proxy.simulator.requests.length === 1)
  const second = await ask(proxy, saying('say hi'))
  t.equal(second.status, 503)
  t.equal(second.headers.get('retry-after'), '1')
  t.match(await second.json(), { error: { type: 'server_error', code: 'overloaded' } })
  t.equal((await fetch(`${proxy.url}/v1/models`)).status, 200, 'what is quick is still answered')
  controller.abort()
  await t.rejects(first)
  await waited(() => proxy.simulator.requests[0]?.closedEarly === true)
  t.equal((await ask(proxy, saying('say hi'))).status, 200, 'there is room again')
})

t.test('the log says how long the first word took, and why the answer ended', async t => {
  const proxy = await startProxy(t)
  for (const stream of [false, true]) await (await ask(proxy, saying('say one two', { stream, max_tokens: 1 }))).text()
  const lines = () => proxy.lines().filter(({ msg }) => msg === 'request')
  await waited(() => lines().length === 2)
  for (const line of lines()) t.match(line, { firstTokenMs: Number, finishReason: 'length' })
})
