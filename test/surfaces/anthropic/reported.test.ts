import t from 'tap'
import { startRecordedUpstream, type Answer, type RecordedUpstream } from '../../servers/recorded-upstream.ts'
import { GLM, KIMI, LLAMA, startProxy, type Proxy } from '../../servers/start-proxy.ts'
import { readMessageStream, sendMessage, toOrder } from '../../streams/message-stream.ts'
import type { MessageObject, ToolUseBlock } from '../../../src/surfaces/anthropic/messages/wire.ts'

// What users of other bridges to Anthropic's API have reported.

const tool = (name: string, properties: object = { a: { type: 'integer' } }) => ({ name, input_schema: { type: 'object', properties } })
const asking = (content: unknown, rest: object = {}) => ({ model: GLM, max_tokens: 1_000, messages: [{ role: 'user', content }], ...rest })
const frames = (...deltas: object[]) => [...deltas.map(delta => `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`), 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":30,"completion_tokens":7,"prompt_tokens_details":{"cached_tokens":20}}}\n\n', 'data: [DONE]\n\n'].join('')
const streaming = (...deltas: object[]): Answer => ({ contentType: 'text/event-stream', body: frames(...deltas) })
const plain = (message: object): Answer => ({ body: { result: { choices: [{ index: 0, message: { role: 'assistant', content: null, ...message }, finish_reason: 'stop' }], usage: { prompt_tokens: 30, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 20 } } }, success: true, errors: [], messages: [] } })
const call = (args: unknown, id = 'functions.f:0') => ({ tool_calls: [{ index: 0, id, type: 'function', function: { name: 'f', arguments: args } }] })

let answers: Answer[] = []
let upstream: RecordedUpstream
let proxy: Proxy

t.before(async () => {
  upstream = await startRecordedUpstream(t, () => answers.shift() ?? plain({ content: 'ok' }))
  proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url, MAX_RETRIES: '0', MODEL_ALIASES: JSON.stringify({ haiku: GLM }) })
})

/** The answer, and what Cloudflare was asked. */
async function told (body: object, ...given: Answer[]): Promise<{ message: MessageObject, sent: any, headers: Headers, status: number }> {
  answers = given
  const response = await sendMessage(proxy, body)
  return { message: await response.json() as MessageObject, sent: upstream.runs.at(-1)?.body, headers: response.headers, status: response.status }
}

async function streamed (body: object, ...given: Answer[]) {
  answers = given
  return readMessageStream(await (await sendMessage(proxy, { ...body, stream: true })).text())
}

t.test('a system message is taken at any place, and stays there', async t => {
  for (const at of [0, 1, 2]) {
    const messages = [{ role: 'user', content: 'a' }, { role: 'assistant', content: 'b' }, { role: 'user', content: 'c' }]
    const { status, sent } = await told({ ...asking(''), messages: messages.toSpliced(at, 0, { role: 'system', content: 's' }) })
    t.equal(status, 200)
    t.equal(sent.messages[at].role, 'system')
  }
})

t.test('thinking and text in any order are blocks of their own, one after the other', async t => {
  const stream = await streamed(asking('x'), streaming({ content: 'a' }, { reasoning_content: 'b' }, { content: 'c' }, { reasoning_content: 'd' }))
  t.strictSame(stream.complaints, [])
  t.strictSame(stream.message?.content.map(({ type }) => type), ['text', 'thinking', 'text', 'thinking'])
})

t.test('the piece that opens a call is its first piece of input as well', async t => {
  const stream = await streamed(asking('x', { tools: [tool('f')] }), streaming({ content: 'a' }, call('{"a":'), { tool_calls: [{ index: 0, function: { arguments: '1}' } }] }))
  t.strictSame(stream.complaints, [])
  t.match(stream.message?.content, [{ type: 'text', text: 'a' }, { type: 'tool_use', name: 'f', input: { a: 1 } }])
  t.strictSame(toOrder(stream.events), ['message_start', 'content_block_start text', 'text_delta', 'content_block_stop', 'content_block_start tool_use', 'input_json_delta', 'content_block_stop', 'message_delta', 'message_stop'])
})

t.test('an estimate of the input comes first, and the true counts last, cached tokens apart', async t => {
  const stream = await streamed(asking('x'), streaming({ content: 'a' }))
  t.ok((stream.events[0]?.message?.usage.input_tokens ?? 0) > 0)
  t.strictSame(stream.message?.usage, { input_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 20, output_tokens: 7 })
})

t.test('who disables thinking gets none, and the model is asked not to think', async t => {
  const { message, sent, headers } = await told(asking('x', { thinking: { type: 'disabled' } }), plain({ content: 'a', reasoning_content: 'b' }))
  t.strictSame(message.content, [{ type: 'text', text: 'a' }])
  t.match(sent, { chat_template_kwargs: { enable_thinking: false } })
  t.match(headers.get('x-proxy-warnings'), /thinking dropped/)
})

t.test('empty text is neither told nor sent on', async t => {
  const { message } = await told(asking('x', { tools: [tool('f')] }), plain({ content: '', ...call('{"a":1}') }))
  t.strictSame(message.content.map(({ type }) => type), ['tool_use'])
  const { sent } = await told({ ...asking(''), messages: [{ role: 'user', content: [{ type: 'text', text: '' }, { type: 'text', text: 'a' }] }, { role: 'assistant', content: [{ type: 'text', text: '' }] }, { role: 'user', content: 'b' }] })
  t.strictSame(sent.messages.map(({ content }: any) => content), ['a', 'b'])
})

t.test('calls always end with tool_use, whatever the model says', async t => {
  const stream = await streamed(asking('x', { tools: [tool('f')] }), streaming(call('{"a":1}')))
  t.equal(stream.message?.stop_reason, 'tool_use')
})

t.test('ids of calls never repeat, whatever the model calls them', async t => {
  const ids: string[] = []
  for (let turn = 0; turn < 3; turn++) {
    const { message } = await told(asking('x', { model: KIMI, tools: [tool('f')] }), plain(call('{"a":1}')))
    ids.push((message.content[0] as ToolUseBlock).id)
  }
  t.equal(new Set(ids).size, 3)
  t.ok(ids.every(id => /^toolu_[a-zA-Z0-9]{24}$/.test(id)))
})

t.test('names of Anthropic\'s models are served by aliases, and a 404 says how', async t => {
  t.equal((await told(asking('x', { model: 'haiku' }))).message.model, 'haiku')
  const { status, message } = await told(asking('x', { model: 'claude-haiku-4-5' }))
  t.equal(status, 404)
  t.match(message, { error: { type: 'not_found_error', message: /MODEL_ALIASES and DEFAULT_MODEL/ } })
})

t.test('thinking goes back with its message, also what was not shown', async t => {
  const first = await told(asking('x', { model: KIMI, tools: [tool('f')], thinking: { type: 'adaptive', display: 'omitted' } }), plain({ reasoning_content: 'Hm.', ...call('{"a":1}') }))
  t.match(first.message.content, [{ type: 'thinking', thinking: '', signature: String }, { type: 'tool_use' }])
  const { id } = first.message.content[1] as ToolUseBlock
  const { sent } = await told({ ...asking('x', { model: KIMI, tools: [tool('f')] }), messages: [{ role: 'user', content: 'x' }, { role: 'assistant', content: first.message.content }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: 'ok' }] }] })
  t.match(sent.messages, [{ role: 'user' }, { role: 'assistant', reasoning: 'Hm.', tool_calls: [{ id, function: { name: 'f', arguments: '{"a":1}' } }] }, { role: 'tool', tool_call_id: id, content: 'ok' }])
})

t.test('every form of an overflow is told in the sentence agents act on', async t => {
  for (const [status, message] of [
    [413, 'AiError: Ai: The estimated number of input and maximum output tokens (224092) exceeded this model context window limit (131072). (4f1d)'],
    [400, `AiError: AiError: ${JSON.stringify({ object: 'error', message: "Requested token count exceeds the model's maximum context length of 131072 tokens. You requested a total of 200000 tokens", type: 'BadRequestError', param: null, code: 400 })}`],
    [400, `AiError: AiError: ${JSON.stringify({ error: { message: "This model's maximum context length is 131072 tokens. However, you requested 256 output tokens and your prompt contains at least 140000 input tokens" } })}`]
  ] as const) {
    const { status: told_, message: { error } } = await told(asking('x'), { status, body: { success: false, errors: [{ code: 8007, message }], result: {} } }) as any
    t.equal(told_, 400)
    t.match(error.message, /^prompt is too long: \d+ tokens > 131072 maximum$/)
  }
})

t.test('Cloudflare is left when the client leaves', async t => {
  answers = [{ contentType: 'text/event-stream', body: `data: ${JSON.stringify({ choices: [{ delta: { content: 'a' } }] })}\n\n`, end: 'never' }]
  const leaving = new AbortController()
  const response = await sendMessage(proxy, asking('x', { stream: true }), { signal: leaving.signal })
  await response.body?.getReader().read()
  leaving.abort()
  const run = upstream.runs.at(-1)
  for (let tries = 0; tries < 100 && run?.isAborted === false; tries++) await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(run?.isAborted, true)
})

t.test('images are refused by a model that sees none, and tools are offered to it', async t => {
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/gif', data: 'R0lGODlhAQABAAAAACwAAAAAAQABAAA=' } }
  const { status, message } = await told(asking([image], { model: LLAMA }))
  t.equal(status, 400)
  t.match(message, { error: { message: /messages\.0\.content\.0.*cannot see images/ } })
  t.match((await told(asking('x', { model: LLAMA, tools: [tool('f')] }), { body: { result: { response: 'ok' }, success: true } })).sent.tools, [{ function: { name: 'f' } }])
})

t.test('unknown members of cache_control and unknown betas are taken', async t => {
  const marked = [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', scope: 'global', ttl: '9h' } }]
  t.equal((await sendMessage(proxy, asking(marked), { headers: { 'anthropic-beta': 'nobody-knows-2030-01-01,oauth-2025-04-20' } })).status, 200)
})

t.test('the head of the prompt is the same in every turn, without the billing line', async t => {
  const asked = async (nonce: string) => JSON.stringify((await told(asking('x', { system: [{ type: 'text', text: `x-anthropic-billing-header: cc_version=2.1; cch=${nonce};` }, { type: 'text', text: 'Be kind.' }] }))).sent)
  t.equal(await asked('abc'), await asked('def'))
})

t.test('sampling is taken under every version', async t => {
  for (const version of ['2023-06-01', '2026-10-21', 'x']) {
    answers = []
    t.equal((await sendMessage(proxy, asking('x', { temperature: 0.3, top_p: 0.9 }), { headers: { 'anthropic-version': version } })).status, 200)
    t.match(upstream.runs.at(-1)?.body, { temperature: 0.3, top_p: 0.9 })
  }
})

t.test('too many tools are refused with a clear word', async t => {
  const { status, message } = await told(asking('x', { tools: Array.from({ length: 129 }, (_, index) => tool(`f${index}`)) }))
  t.equal(status, 400)
  t.match(message, { error: { type: 'invalid_request_error', message: /^tools: List should have at most 128 items/ } })
})

t.test('results are sent right after their calls, whatever stands between', async t => {
  const { sent } = await told({
    ...asking(''),
    messages: [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'f', input: {} }, { type: 'tool_use', id: 't2', name: 'f', input: {} }] },
      { role: 'system', content: 's' },
      { role: 'user', content: [{ type: 'text', text: 'b' }, { type: 'tool_result', tool_use_id: 't2', content: 'two' }, { type: 'tool_result', tool_use_id: 't1', content: 'one' }] }
    ]
  })
  t.strictSame(sent.messages.map(({ role, content }: any) => `${role} ${content}`), ['user a', 'assistant ', 'tool one', 'tool two', 'system s', 'user b'])
})

t.test('the input of a call is mended where the model\'s mistakes are harmless', async t => {
  const { message } = await told(asking('x', { model: LLAMA, tools: [tool('f')] }), { body: { result: { response: null, tool_calls: [{ name: 'f', arguments: { a: '3' } }] }, success: true } })
  t.match(message.content, [{ type: 'tool_use', input: { a: 3 } }])
})
