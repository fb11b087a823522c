import t from 'tap'
import { waited } from '../../../servers/http-client.ts'
import { startRecordedUpstream, toAnswer, toEvents } from '../../../servers/recorded-upstream.ts'
import { API_TOKEN, ask, GLM, GPT_OSS, KIMI, LLAMA, MISTRAL, saying, startProxy, toChunks } from '../../../servers/start-proxy.ts'

interface Answer {
  choices: Array<{ message: { content: string | null }, finish_reason: string }>
  usage: { prompt_tokens: number, completion_tokens: number }
}

/** The text of a stream, all choices together. */
function toText (stream: string): string {
  return (toChunks(stream).slice(0, -1) as Array<{ choices: Array<{ delta: { content?: string } }> }>)
    .flatMap(({ choices }) => choices).map(({ delta }) => delta.content ?? '').join('')
}

t.test('what was changed is told in a header, without the values', async t => {
  const proxy = await startProxy(t)
  const cases = [
    { name: 'nothing changed', body: {}, expected: null },
    { name: 'dropped and clamped', body: { top_p: 0, user: 'someone' }, expected: 'top_p clamped, user dropped' },
    { name: 'emulated', body: { n: 2 }, expected: 'n emulated' },
    { name: 'names that no header could carry', body: { 'ключ\r\nx': 1 }, expected: '??????x dropped' }
  ]
  for (const { name, body, expected } of cases) {
    for (const stream of [false, true]) {
      const response = await ask(proxy, saying('say hi', { ...body, stream }))
      t.equal(response.headers.get('x-proxy-warnings'), expected, `${name}, ${stream ? 'streamed' : 'plain'}`)
      await response.text()
    }
  }
})

t.test('a dry run tells what would be sent, and sends nothing', async t => {
  const proxy = await startProxy(t)
  const headers = { 'x-dry-run': 'true' }
  const response = await ask(proxy, saying('hi', { user: 'someone', stream: true }), { headers })
  t.equal(response.status, 200)
  t.match(response.headers.get('content-type'), /^application\/json/)
  t.strictSame(await response.json(), {
    object: 'workers_ai.dry_run',
    model: LLAMA,
    url: `/ai/run/${LLAMA}`,
    body: { messages: [{ role: 'user', content: 'hi' }], max_tokens: 4096, stream: true },
    changes: [{ param: 'user', action: 'dropped', from: 'someone', reason: 'Workers AI does not take it' }]
  })
  t.equal((await ask(proxy, saying('hi', { n: 0 }), { headers })).status, 400, 'what is wrong stays wrong')
  t.strictSame(proxy.simulator.requests, [])
  await ask(proxy, saying('say hi'), { headers: { 'x-dry-run': 'false' } })
  t.equal(proxy.simulator.requests.length, 1, 'another value asks for no dry run')
})

t.test('what would be dropped can be refused instead', async t => {
  const proxy = await startProxy(t, { UNSUPPORTED_PARAMS: 'reject' })
  const response = await ask(proxy, saying('say hi', { logit_bias: { 1: 2 } }))
  t.equal(response.status, 400)
  t.match(await response.json(), { error: { type: 'invalid_request_error', code: 'unsupported_parameter', param: 'logit_bias' } })
  t.strictSame(proxy.simulator.requests, [])
  t.equal((await ask(proxy, saying('say hi', { top_p: 0.5 }))).status, 200, 'what is taken passes')
})

t.test('Cloudflare\'s ids and bill are passed on, and no other header of theirs', async t => {
  const proxy = await startProxy(t)
  const plain = await ask(proxy, saying('say hi'))
  t.match(plain.headers.get('cf-ai-req-id'), /^[\d-]{36}$/)
  t.match(plain.headers.get('cf-ai-neurons'), /^0\.\d+$/)
  const streamed = await ask(proxy, saying('say hi', { stream: true }))
  t.match(streamed.headers.get('cf-ai-req-id'), /^[\d-]{36}$/)
  await streamed.text()
  const names: string[] = []
  plain.headers.forEach((_value, name) => names.push(name))
  const expected = ['cf-ai-neurons', 'cf-ai-req-id', 'cf-ray', 'connection', 'content-length', 'content-type', 'date', 'keep-alive', 'x-proxy-attempts', 'x-proxy-model', 'x-request-id']
  t.strictSame(names.sort(), expected)
})

t.test('a caller\'s headers and key do not go upstream', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'k' })
  const headers = { authorization: 'Bearer k', cookie: 'a=b', 'openai-organization': 'o', 'x-forwarded-for': '1.2.3.4', 'cf-aig-authorization': 'x' }
  await ask(proxy, saying('say hi'), { headers })
  const sent = proxy.simulator.requests[0]?.headers ?? {}
  t.equal(sent['user-agent'], 'workers-ai-proxy')
  t.strictSame(Object.keys(sent).filter(name => name in headers), ['authorization'])
  t.equal(sent.authorization, `Bearer ${API_TOKEN}`)
})

t.test('a conversation stays where its beginning is cached', async t => {
  const proxy = await startProxy(t)
  await ask(proxy, saying('say hi', { prompt_cache_key: 'key-1' }))
  await ask(proxy, saying('say hi', { prompt_cache_key: 'key-1', n: 2 }), { headers: { 'x-session-affinity': 'session-1' } })
  t.strictSame(proxy.simulator.requests.map(({ headers }) => headers['x-session-affinity']), ['key-1', 'session-1', 'session-1'])
  t.notMatch(JSON.stringify(proxy.simulator.requests.map(({ body }) => body)), 'key-1', 'it is no part of the body')
})

t.test('a stream that comes back as JSON is told as a stream', async t => {
  const proxy = await startProxy(t)
  const cases = [
    { name: 'empty JSON, asked again', body: saying('say one two', { model: GPT_OSS }), calls: 2 },
    { name: 'the answer as JSON', body: saying('answer json to stream, say one two', { model: KIMI }), calls: 1 }
  ]
  for (const { name, body, calls } of cases) {
    const before = proxy.simulator.requests.length
    const stream = await (await ask(proxy, { ...body, stream: true })).text()
    t.equal(toText(stream), 'one two', name)
    t.match(stream, /"finish_reason":"stop"[^\n]*\n\ndata: \[DONE\]\n\n$/, name)
    t.equal(proxy.simulator.requests.length - before, calls, name)
  }
})

t.test('a stream that is billed and empty is asked for once more, plainly', async t => {
  const proxy = await startProxy(t)
  const stream = await (await ask(proxy, saying('empty stream, say one two', { stream: true }))).text()
  t.equal(toText(stream), 'one two')
  t.match(proxy.simulator.requests.map(({ body }) => (body as { stream?: boolean }).stream), [true, undefined])
})

t.test('several choices come from calls with different seeds', async t => {
  const proxy = await startProxy(t)
  const seeds = () => proxy.simulator.requests.map(({ body }) => (body as { seed?: number }).seed)
  const { choices, usage } = await (await ask(proxy, saying('Hello', { n: 3, seed: 5 }))).json() as Answer
  t.equal(new Set(choices.map(({ message }) => message.content)).size, 3)
  t.strictSame(seeds(), [5, 6, 7], 'counted on from the caller\'s')
  const one = await (await ask(proxy, saying('Hello', { seed: 7 }))).json() as Answer
  t.equal(usage.prompt_tokens, 3 * one.usage.prompt_tokens, 'each was billed')
  await ask(proxy, saying('Hello', { n: 2 }))
  const [, , , , first = 0, second] = seeds()
  t.equal(second, first + 1, 'drawn by lot when the caller gives none')
  await ask(proxy, saying('Hello'))
  t.equal(seeds().at(-1), undefined, 'a single choice needs none')
})

t.test('several streams are one stream', async t => {
  const proxy = await startProxy(t)
  const stream = toChunks(await (await ask(proxy, saying('say one two three', { n: 2, stream: true, stream_options: { include_usage: true } }))).text())
  const chunks = stream.slice(0, -1) as Array<{ choices: Array<{ index: number, delta: { content?: string }, finish_reason: string | null }>, usage: Answer['usage'] | null }>
  for (const index of [0, 1]) {
    const own = chunks.flatMap(({ choices }) => choices).filter(choice => choice.index === index)
    t.equal(own.map(({ delta }) => delta.content ?? '').join(''), 'one two three')
    t.strictSame(own.map(choice => choice.finish_reason).filter(Boolean), ['stop'])
  }
  t.match(chunks.at(-1), { choices: [], usage: { completion_tokens: 6 } }, 'both are billed in the last chunk')
  t.equal(stream.at(-1), '[DONE]')
})

t.test('a text ends at a stop sequence, and the upstream with it', async t => {
  const proxy = await startProxy(t)
  const plain = await (await ask(proxy, saying('say one two three four', { stop: ['zzz', 'three'] }))).json()
  t.match(plain, { choices: [{ message: { content: 'one two ' }, finish_reason: 'stop' }], usage: { completion_tokens: 4 } })
  const stream = await (await ask(proxy, saying('slowly say one two three four five six seven eight nine ten', { stop: 'three', stream: true }))).text()
  t.equal(toText(stream), 'one two ')
  t.match(stream, /"finish_reason":"stop"[^\n]*\n\n(: [^\n]*\n\n)?data: \[DONE\]\n\n$/)
  t.ok(await waited(() => proxy.simulator.requests.at(-1)?.closedEarly === true) < 300, 'the words after it are not waited for')
})

t.test('usage that nobody told is guessed, and said to be', async t => {
  const classic = toEvents({ response: 'Hello' }, { response: ' there' }, '[DONE]')
  const { url } = await startRecordedUpstream(t, [toAnswer({ response: 'Hello there' }), classic, toAnswer({ response: 'Hello there', usage: { prompt_tokens: 9, completion_tokens: 2 } })])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  const plain = await ask(proxy, saying('Hi'))
  t.equal(plain.headers.get('x-proxy-warnings'), 'usage estimated')
  t.match(await plain.json(), { usage: { prompt_tokens: Number, completion_tokens: 3 } })
  const streamed = await ask(proxy, saying('Hi', { stream: true, stream_options: { include_usage: true } }))
  t.equal(streamed.headers.get('x-proxy-warnings'), null, 'not known yet')
  const stream = await streamed.text()
  t.match(stream, /\n\n: x-proxy-warnings: usage estimated\n\ndata: [^\n]*"completion_tokens":3[^\n]*\n\ndata: \[DONE\]\n\n$/)
  const told = await ask(proxy, saying('Hi'))
  t.equal(told.headers.get('x-proxy-warnings'), null)
  t.match(await told.json(), { usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 } })
})

t.test('a usage of zeros is none, and log probabilities that were not told are missing', async t => {
  const zeros = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
  const frames = [{ choices: [{ index: 0, delta: { content: 'Hello' } }], usage: zeros }, { choices: [{ index: 0, delta: { content: ' there' }, finish_reason: 'stop' }], usage: zeros }]
  const { url } = await startRecordedUpstream(t, [toAnswer({ choices: [{ message: { content: 'Hello there' }, finish_reason: 'stop' }], usage: zeros }), toEvents(...frames, '[DONE]')])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  const plain = await ask(proxy, saying('Hi', { model: KIMI, logprobs: true }))
  t.equal(plain.headers.get('x-proxy-warnings'), 'logprobs missing, usage estimated')
  t.match(await plain.json(), { choices: [{ logprobs: null }], usage: { prompt_tokens: 8, completion_tokens: 3 } })
  const streamed = await (await ask(proxy, saying('Hi', { model: KIMI, logprobs: true, stream: true, stream_options: { include_usage: true } }))).text()
  t.match(streamed, /\n\n: x-proxy-warnings: logprobs missing, usage estimated\n\ndata: [^\n]*"prompt_tokens":8,"completion_tokens":3/)
})

t.test('every answer of a model has its fingerprint, by whatever name it was asked', async t => {
  const proxy = await startProxy(t)
  const fingerprint = async (model: string) => (await (await ask(proxy, saying('say hi', { model }))).json() as { system_fingerprint: string }).system_fingerprint
  const llama = await fingerprint(LLAMA)
  t.match(llama, /^fp_[0-9a-f]{10}$/)
  t.equal(await fingerprint(LLAMA.slice('@cf/'.length)), llama)
  t.not(await fingerprint(KIMI), llama)
  const chunks = toChunks(await (await ask(proxy, saying('say one two', { stream: true }))).text()).slice(0, -1) as Array<{ system_fingerprint: string }>
  t.ok(chunks.length > 2 && chunks.every(chunk => chunk.system_fingerprint === llama))
})

t.test('a stream that did not end well never looks as if it had', async t => {
  const proxy = await startProxy(t, { UPSTREAM_IDLE_TIMEOUT_MS: '300' })
  const cases = [
    { name: 'broken', script: 'break after 3 frames, say 10 words', code: 'upstream_truncated' },
    { name: 'broken, two at once', script: 'break after 3 frames, say 10 words', code: 'upstream_truncated', n: 2 },
    { name: 'ended too early', script: 'end after 3 frames, say 10 words', code: 'upstream_truncated' },
    { name: 'ended by an error', script: 'error frame after 3 frames, say 10 words', code: 'rate_limit_exceeded' },
    { name: 'malformed', script: 'bad frame after 3 frames, say 10 words', code: 'upstream_malformed' },
    { name: 'silent', script: 'stall after 3 frames, say 10 words', code: 'upstream_timeout' }
  ]
  for (const { name, script, code, n = 1 } of cases) {
    const response = await ask(proxy, saying(script, { stream: true, n }))
    const stream = await response.text()
    t.equal(response.status, 200, name)
    t.match(stream, /"content":"alpha"/, 'what had come was passed on')
    t.match(toChunks(stream).at(-1), { error: { message: String, type: /_error$/, param: null, code } }, name)
    t.notMatch(stream, /\[DONE\]|"finish_reason":"/, name)
  }
})

t.test('a failure before the first word is a status, also of a stream', async t => {
  const proxy = await startProxy(t, { UPSTREAM_IDLE_TIMEOUT_MS: '300', UPSTREAM_HEADERS_TIMEOUT_MS: '300', MAX_RETRIES: '0' })
  const cases = [
    { script: 'stall', status: 504, code: 'upstream_timeout', type: 'server_error' },
    { script: 'break after 0 frames', status: 502, code: 'upstream_truncated', type: 'server_error', streamOnly: true },
    { script: 'error frame after 0 frames', status: 429, code: 'rate_limit_exceeded', type: 'rate_limit_error', streamOnly: true },
    { script: 'bad frame after 0 frames', status: 502, code: 'upstream_malformed', type: 'server_error', streamOnly: true },
    { script: 'fail with code 3040', status: 429, code: 'rate_limit_exceeded', type: 'rate_limit_error', retry: 'true' },
    { script: 'fail with code 3040 as 200', status: 429, code: 'rate_limit_exceeded', type: 'rate_limit_error', retry: 'true' },
    { script: 'fail with code 4006', status: 429, code: 'insufficient_quota', type: 'insufficient_quota', retry: 'false' },
    { script: 'fail with code 10000', status: 401, code: 'upstream_authentication', type: 'authentication_error', retry: 'false' },
    { script: 'fail with code 5028', status: 404, code: 'model_not_found', type: 'invalid_request_error' },
    { script: 'fail with code 5021', status: 400, code: 'context_length_exceeded', type: 'invalid_request_error' },
    { script: 'fail with 502', status: 502, code: 'upstream_error', type: 'server_error' },
    { script: 'fail with 429', status: 429, code: 'rate_limit_exceeded', type: 'rate_limit_error' }
  ]
  for (const { script, status, code, type, retry, streamOnly } of cases) {
    for (const stream of streamOnly ? [true] : [false, true]) {
      const response = await ask(proxy, saying(script, { stream }))
      const name = `${script}, ${stream ? 'streamed' : 'plain'}`
      t.equal(response.status, status, name)
      t.match(await response.json(), { error: { type, code } }, name)
      if (retry) t.equal(response.headers.get('x-should-retry'), retry, name)
    }
  }
})

t.test('custom tools are called by their input, plain and streamed, by every family', async t => {
  const proxy = await startProxy(t)
  const shout = { type: 'custom', custom: { name: 'shout', description: 'Shouts a text' } }
  const clock = { type: 'function', function: { name: 'clock', parameters: { type: 'object', properties: {} } } }
  const custom = { id: /^call_/, type: 'custom', custom: { name: 'shout', input: 'say "HEY"' } }
  for (const model of [LLAMA, MISTRAL, KIMI, GLM, GPT_OSS, '@cf/meta/llama-3.1-8b-instruct-fp8-fast']) {
    for (const choice of ['auto', { type: 'custom', custom: { name: 'shout' } }, { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [{ type: 'custom', custom: { name: 'shout' } }] } }]) {
      const body = saying('call tool shout with {"input":"say \\"HEY\\""}', { model, tools: [shout, clock], tool_choice: choice })
      const response = await ask(proxy, body)
      t.match(response.headers.get('x-proxy-warnings'), /tools\[0\] emulated/, model)
      const { choices: [plain] } = await response.json() as { choices: Array<{ message: object, finish_reason: string }> }
      t.match(plain, { message: { content: null, tool_calls: [custom] }, finish_reason: 'tool_calls' }, model)
      const chunks = toChunks(await (await ask(proxy, { ...body, stream: true })).text()).slice(0, -1) as Array<{ choices: Array<{ delta: { tool_calls?: object[] }, finish_reason: string | null }> }>
      t.match(chunks.flatMap(({ choices }) => choices.flatMap(({ delta }) => delta.tool_calls ?? [])), [{ index: 0, ...custom }], `${model} streamed`)
      t.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'tool_calls')
    }
  }
  const both = await ask(proxy, saying('call tool clock with {} and call tool shout with {"input":"HEY"}', { tools: [shout, clock] }))
  t.match(await both.json(), { choices: [{ message: { tool_calls: [{ type: 'function', function: { name: 'clock' } }, { type: 'custom', custom: { input: 'HEY' } }] } }] }, 'in the order of the calls')
  const next = await ask(proxy, {
    model: GLM,
    tools: [shout],
    messages: [
      { role: 'user', content: 'Shout!' },
      { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'custom', custom: { name: 'shout', input: 'HEY' } }] },
      { role: 'tool', tool_call_id: 'call_1', content: 'shouted' }
    ]
  })
  t.equal(next.status, 200, 'what came back goes out again')
  t.match(JSON.stringify(proxy.simulator.requests.at(-1)?.body), JSON.stringify({ name: 'shout', arguments: '{"input":"HEY"}' }))
  const unknown = await ask(proxy, saying('say hi', { tools: [shout], tool_choice: { type: 'custom', custom: { name: 'whisper' } } }))
  t.equal(unknown.status, 400)
  t.match(await unknown.json(), { error: { param: 'tool_choice', code: 'invalid_value', message: "Invalid value for 'tool_choice': the tool 'whisper' is not among the tools of this request." } })
  t.equal((await ask(proxy, saying('say hi', { tools: [clock], tool_choice: { type: 'custom', custom: { name: 'whisper' } } }))).status, 400)
})

t.test('a model that judges is told what it takes of every conversation', async t => {
  const proxy = await startProxy(t)
  const model = '@cf/meta/llama-guard-3-8b'
  const tool = { type: 'function', function: { name: 'clock', parameters: { type: 'object', properties: {} } } }
  const messages = [
    { role: 'system', content: 'Be kind.' },
    { role: 'assistant', content: 'Hello!' },
    { role: 'user', content: 'What time is it?' },
    { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'clock', arguments: '{}' } }] },
    { role: 'tool', tool_call_id: 'a', content: 'noon' },
    { role: 'user', content: 'Thanks' }
  ]
  const schema = { type: 'json_schema', json_schema: { name: 'verdict', schema: { type: 'object' } } }
  for (const more of [{}, { tools: [tool] }, { response_format: { type: 'json_object' } }, { response_format: schema }]) {
    for (const stream of [false, true]) {
      const response = await ask(proxy, { model, messages, stream, ...more })
      t.equal(response.status, 200, JSON.stringify(more))
      t.match(await response.text(), /safe/)
      t.match(response.headers.get('x-proxy-warnings'), /messages\[0\] dropped, messages\[1\] dropped, messages emulated, messages repaired/)
    }
  }
  const nothing = await ask(proxy, { model, messages: messages.slice(0, 2) })
  t.equal(nothing.status, 400)
  t.match(await nothing.json(), { error: { param: 'messages', code: 'invalid_value' } })
})

t.test('deprecated functions are answered in their own words', async t => {
  const proxy = await startProxy(t)
  const functions = [{ name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } }]
  const body = saying('call tool get_weather with {"city":"Oslo"}', { functions })
  t.match(await (await ask(proxy, body)).json(), {
    choices: [{ message: { content: null, function_call: { name: 'get_weather', arguments: '{"city":"Oslo"}' } }, finish_reason: 'function_call' }]
  })
  const chunks = toChunks(await (await ask(proxy, { ...body, stream: true })).text()).slice(0, -1) as Array<{ choices: Array<{ delta: { function_call?: { name?: string, arguments: string } }, finish_reason: string | null }> }>
  const pieces = chunks.flatMap(({ choices }) => choices[0]?.delta.function_call ?? [])
  t.strictSame(pieces.map(({ name }) => name).filter(Boolean), ['get_weather'])
  t.equal(pieces.map(piece => piece.arguments).join(''), '{"city":"Oslo"}')
  t.equal(chunks.at(-1)?.choices[0]?.finish_reason, 'function_call')
})
