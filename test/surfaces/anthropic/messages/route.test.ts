import t from 'tap'
import type { ContentBlock, MessageObject } from '../../../../src/surfaces/anthropic/messages/wire.ts'
import { readMessageStream, sendMessage, toOrder } from '../../../streams/message-stream.ts'
import { GLM, GPT_OSS, KIMI, LLAMA, MISTRAL, post, startProxy, type Proxy } from '../../../servers/start-proxy.ts'
import { waited } from '../../../servers/http-client.ts'

const weather = { name: 'get_weather', description: 'The weather of a city', input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }
const asking = (content: unknown, rest: object = {}) => ({ model: LLAMA, max_tokens: 1_000, messages: [{ role: 'user', content }], ...rest })

async function answered (proxy: Proxy, body: object, headers: Record<string, string> = {}): Promise<MessageObject> {
  return await (await sendMessage(proxy, body, { headers })).json() as MessageObject
}

async function streamed (proxy: Pick<Proxy, 'url'>, body: object, headers: Record<string, string> = {}) {
  return readMessageStream(await (await sendMessage(proxy, { ...body, stream: true }, { headers })).text())
}

/** Without ids, which are made anew. */
function toComparable (content: ContentBlock[]): unknown[] {
  return content.map(block => block.type === 'tool_use' ? { ...block, id: '' } : block)
}

t.test('every stream keeps the grammar, and says what the plain answer says', async t => {
  const proxy = await startProxy(t)
  const bodies = [
    asking('say one two three'),
    asking('say one two three', { max_tokens: 1 }),
    asking('empty stream'),
    asking('think hard then say yes'),
    asking('think hard then say yes', { thinking: { type: 'enabled', budget_tokens: 2_000 } }),
    asking('think hard then say yes', { thinking: { type: 'adaptive', display: 'omitted' }, output_config: { effort: 'high' } }),
    asking('think hard then say yes', { thinking: { type: 'disabled' } }),
    asking('say one two END three', { stop_sequences: ['END', 'three'] }),
    asking('call tool get_weather with {"city":"Oslo"} and call tool get_weather with {"city":"Rome"}', { tools: [weather] }),
    asking('call tool get_weather with {"city":"Oslo"}', { tools: [weather], tool_choice: { type: 'tool', name: 'get_weather', disable_parallel_tool_use: true } }),
    asking('Good morning!', { tools: [weather], tool_choice: { type: 'any' } }),
    asking('A city, please', { output_config: { format: { type: 'json_schema', schema: weather.input_schema } } }),
    {
      ...asking(''),
      system: [{ type: 'text', text: 'Be kind.' }, { type: 'text', text: 'Be brief.' }],
      tools: [weather],
      messages: [
        { role: 'user', content: 'Weather?' },
        { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm.', signature: 'x' }, { type: 'tool_use', id: 'toolu_1', name: 'get_weather', input: { city: 'Oslo' } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: [{ type: 'text', text: 'sunny' }] }, { type: 'text', text: 'say thanks' }] }
      ]
    }
  ]
  for (const model of [LLAMA, MISTRAL, KIMI, GLM, GPT_OSS]) {
    for (const body of bodies) {
      const name = `${model}: ${JSON.stringify(body).slice(0, 120)}`
      const plain = await answered(proxy, { ...body, model })
      t.match(plain, { id: /^msg_\w{24}$/, type: 'message', role: 'assistant', model, stop_reason: String, usage: { input_tokens: Number, output_tokens: Number } }, name)
      const stream = await streamed(proxy, { ...body, model })
      t.strictSame(stream.complaints, [], `${name} streamed`)
      t.equal(stream.error, undefined)
      t.strictSame(toComparable(stream.message?.content ?? []), toComparable(plain.content), 'both say the same')
      t.strictSame([stream.message?.stop_reason, stream.message?.stop_sequence], [plain.stop_reason, plain.stop_sequence])
      if (body.messages[0]?.content !== 'empty stream') t.strictSame(stream.message?.usage, plain.usage)
    }
  }
})

t.test('an answer bears the headers of a chat, and Anthropic\'s', async t => {
  const proxy = await startProxy(t)
  const plain = await sendMessage(proxy, asking('say hi', { metadata: { user_id: 'u', other: 'x' }, future_member: 1 }), { headers: { 'anthropic-beta': 'x-2026-01-01' } })
  t.equal(plain.headers.get('content-type'), 'application/json; charset=utf-8')
  t.match(plain.headers.get('request-id'), /^req_\w+$/)
  t.equal(plain.headers.get('x-proxy-model'), LLAMA)
  t.equal(plain.headers.get('x-proxy-warnings'), 'future_member dropped, metadata.other dropped, anthropic-beta dropped')
  const stream = await sendMessage(proxy, asking('say hi', { stream: true }))
  t.equal(stream.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  t.match(stream.headers.get('request-id'), /^req_\w+$/)
  t.match(stream.headers.get('x-request-id'), stream.headers.get('request-id'))
  await stream.text()
  await waited(() => proxy.lines().filter(({ msg }) => msg === 'request').length === 2)
  t.match(proxy.lines().filter(({ msg }) => msg === 'request')[1], { route: '/v1/messages', model: LLAMA, stream: true, promptTokens: Number, finishReason: 'stop' })
})

t.test('what is changed is told in the caller\'s words', async t => {
  const proxy = await startProxy(t)
  const body = {
    ...asking('', { max_tokens: 1_000_000, top_k: 500, thinking: { type: 'enabled', budget_tokens: 31_999 }, tools: [{ type: 'web_search_20250305', name: 'web_search' }] }),
    system: [{ type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1; cch=abc;' }, { type: 'text', text: 'Be kind.', cache_control: { type: 'ephemeral' } }],
    messages: [
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm.', signature: 's' }, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }, { type: 'text', text: 'Hello' }] },
      { role: 'user', content: [{ type: 'text', text: 'say hi', citations: [{ cited_text: 'x' }] }] }
    ]
  }
  const warnings = (await sendMessage(proxy, body)).headers.get('x-proxy-warnings')
  for (const warning of ['system.0 dropped', 'messages.1.content.1 dropped', 'messages.2.content.0.citations dropped', 'tools.0 dropped', 'cache_control dropped', 'max_tokens clamped', 'top_k clamped', 'thinking.budget_tokens emulated', 'thinking dropped', 'messages.1 dropped']) {
    t.match(warnings, warning)
  }
  const dryRun = await (await sendMessage(proxy, { ...body, stream: true }, { headers: { 'x-dry-run': 'true' } })).json()
  t.match(dryRun, { object: 'workers_ai.dry_run', body: { messages: [{ role: 'system', content: 'Be kind.' }, { role: 'user', content: 'Hi' }, { role: 'assistant', content: 'Hello' }, { role: 'user', content: 'say hi' }] } })
  const rejecting = await startProxy(t, { UNSUPPORTED_PARAMS: 'reject' })
  t.match(await (await sendMessage(rejecting, body)).json(), { type: 'error', error: { type: 'invalid_request_error', message: /^Unsupported parameter: 'system\.0'/ } }, 'who wants to be refused is')
})

t.test('whole numbers in the input of an earlier call keep their digits', async t => {
  const proxy = await startProxy(t)
  const input = '{"id":1234567890123456789,"ids":[9223372036854775807],"ratio":0.5}'
  const body = `{"model":"${LLAMA}","max_tokens":10,"tools":[${JSON.stringify(weather)}],"messages":[{"role":"user","content":"go"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"get_weather","input":${input}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"sunny"}]}]}`
  const response = await fetch(`${proxy.url}/v1/messages`, { method: 'POST', headers: { 'content-type': 'application/json', 'x-dry-run': 'true' }, body })
  t.ok((await response.text()).replaceAll('\\', '').includes(input.slice(1, -1)))
})

t.test('what goes wrong before an answer has Anthropic\'s status, type and words', async t => {
  const proxy = await startProxy(t)
  for (const [code, status, type, message, headers] of [
    [4006, 429, 'rate_limit_error', /daily free allocation/, { 'x-should-retry': 'false', 'retry-after': /^\d+$/ }],
    [5021, 400, 'invalid_request_error', /^prompt is too long: 24092 tokens > 24000 maximum/, {}],
    [8007, 400, 'invalid_request_error', /^prompt is too long: 262145 tokens > 262144 maximum$/, {}],
    [3010, 400, 'invalid_request_error', /^prompt is too long: 24001 tokens > 24000 maximum/, {}],
    [10000, 500, 'api_error', /refused the proxy's own API token/, { 'x-should-retry': 'false' }],
    [5007, 404, 'not_found_error', /MODEL_ALIASES and DEFAULT_MODEL/, {}],
    [5028, 404, 'not_found_error', /deprecated/, {}],
    [5035, 403, 'permission_error', /Workers Paid plan/, {}],
    [5016, 403, 'permission_error', /licence/, {}],
    [5006, 400, 'invalid_request_error', /Bad input/, {}],
    [3040, 529, 'overloaded_error', /Capacity/, { 'x-should-retry': 'true' }],
    [3007, 504, 'timeout_error', /timeout/, { 'x-should-retry': 'false' }],
    [8005, 502, 'api_error', /Internal Server Error/, {}]
  ] as const) {
    for (const stream of [false, true]) {
      const response = await sendMessage(proxy, asking(`fail with code ${code}`, { stream }))
      t.equal(response.status, status, `${code}${stream ? ' streamed' : ''}`)
      t.match(Object.fromEntries(response.headers), { 'content-type': 'application/json; charset=utf-8', ...headers })
      const body = await response.json() as object
      t.match(body, { type: 'error', error: { type, message }, request_id: response.headers.get('request-id') })
    }
  }
})

t.test('a prompt that does not fit is told so, and that the window is small for an agent', async t => {
  const proxy = await startProxy(t)
  const response = await sendMessage(proxy, asking(`say hi, ${'word '.repeat(100_000)}`))
  t.equal(response.status, 400)
  t.match(await response.json(), { error: { message: /^prompt is too long: \d{6} tokens > 24000 maximum\. Agents such as Claude Code need a model with a window of 32000 tokens or more$/ } })
})

t.test('a stream that breaks ends with an error event, and with nothing behind it', async t => {
  const proxy = await startProxy(t)
  for (const [words, type] of [['error frame after 2 frames', 'overloaded_error'], ['break after 2 frames', 'api_error']] as const) {
    const stream = await streamed(proxy, asking(`${words}, say one two three four`))
    t.strictSame(stream.complaints, [], words)
    t.match(stream, { error: { type, message: String } })
    t.strictSame(toOrder(stream.events), ['message_start', 'content_block_start text', 'text_delta', 'error'])
  }
})

t.test('who waits long is given a sign of life, and then pings', async t => {
  const proxy = await startProxy(t, { UPSTREAM_IDLE_TIMEOUT_MS: '1000', UPSTREAM_HEADERS_TIMEOUT_MS: '1000', MAX_RETRIES: '0' }, {}, { keepAliveMs: 150 })
  for (const words of ['stall', 'stall after 0 frames']) {
    const response = await sendMessage(proxy, asking(`${words}, say hi`, { stream: true }))
    t.equal(response.status, 200, words)
    const stream = readMessageStream(await response.text())
    t.strictSame(stream.complaints, [])
    t.strictSame(toOrder(stream.events), ['message_start', 'error'])
    t.match(stream.error, { type: 'timeout_error' })
    t.ok(stream.events.filter(({ type }) => type === 'ping').length >= 3)
    t.strictSame(stream.comments.filter(comment => comment === 'keep-alive'), [])
  }
  const slow = await sendMessage(proxy, asking('stall', { stream: true, tools: [weather], tool_choice: { type: 'any' } }))
  t.equal(slow.status, 200, 'also where the whole answer is waited for')
  await slow.text()
})

t.test('tokens are counted without asking a model, and the count says that it is an estimate', async t => {
  const proxy = await startProxy(t)
  const count = (body: object) => post(proxy, '/v1/messages/count_tokens?beta=true', body, { headers: { 'anthropic-version': '2023-06-01' } })
  const { max_tokens: _, ...body } = asking('say hi', { tools: [] })
  const response = await count(body)
  t.equal(response.status, 200)
  t.equal(response.headers.get('x-proxy-warnings'), 'input_tokens estimated')
  t.match(response.headers.get('request-id'), /^req_/)
  const { input_tokens: few } = await response.json() as { input_tokens: number }
  t.ok(few > 0 && few < 30)
  const many = await Promise.all(Array.from({ length: 24 }, async () => (await (await count({ ...body, system: 'x'.repeat(35_000), tools: [weather] })).json() as { input_tokens: number }).input_tokens))
  t.ok(many.every(one => one > 10_000), 'all of 24 at once')
  t.equal((await count({ ...body, model: 'claude-x' })).status, 404)
  t.match(await (await count({ ...body, messages: 'x' })).json(), { type: 'error', error: { message: 'messages: Input should be a valid list' } })
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } }
  t.match(await (await count({ ...body, messages: [{ role: 'user', content: [image] }] })).json(), { error: { message: /messages\.0\.content\.0/ } }, 'in the caller\'s words')
  const asked = proxy.lines().filter(({ route }) => route === '/v1/messages/count_tokens')
  t.ok(asked.length > 0)
})
