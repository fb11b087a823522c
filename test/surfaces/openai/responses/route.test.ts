import { join } from 'node:path'
import Database from 'libsql'
import t from 'tap'
import type { OutputItem, ResponseObject } from '../../../../src/surfaces/openai/responses/wire.ts'
import { waited } from '../../../servers/http-client.ts'
import { startRecordedUpstream, toAnswer } from '../../../servers/recorded-upstream.ts'
import { faultsOf } from '../../../openai-schemas.ts'
import { readResponseStream, respond, toOrder } from '../../../streams/response-stream.ts'
import { SUMMARY_QUESTION, toSummary } from '../../../../src/surfaces/openai/responses/compaction.ts'
import { GLM, GPT_OSS, KIMI, LLAMA, MISTRAL, post, startProxy, type Proxy } from '../../../servers/start-proxy.ts'

const weather = { type: 'function', name: 'get_weather', description: 'The weather of a city', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }
const shout = { type: 'custom', name: 'shout' }
const asking = (input: unknown, rest: object = {}) => ({ model: LLAMA, input, ...rest })

async function answered (proxy: Proxy, body: object, headers?: Record<string, string>): Promise<ResponseObject> {
  return await (await respond(proxy, body, headers)).json() as ResponseObject
}

/** The output without ids, which are made anew. */
function toComparable (output: OutputItem[]): unknown[] {
  return output.map(({ id: _, ...item }) => 'call_id' in item ? { ...item, call_id: '' } : item)
}

t.test('every answer and every event is one OpenAI could have sent, and both say the same', async t => {
  const proxy = await startProxy(t)
  const inputs = [
    asking('say one two three'),
    asking('say one two three', { max_output_tokens: 1 }),
    asking('empty stream'),
    asking('think hard then say yes'),
    asking('think hard then say yes', { reasoning: { effort: 'high', summary: 'auto' } }),
    asking('call tool get_weather with {"city":"Oslo"} and call tool get_weather with {"city":"Rome"}', { tools: [weather] }),
    asking('call tool shout with {"input":"HEY"}', { tools: [weather, shout], tool_choice: { type: 'custom', name: 'shout' } }),
    asking('Good morning!', { tools: [weather], tool_choice: 'required' }),
    asking('A city, please', { text: { format: { type: 'json_schema', name: 'city', schema: weather.parameters, strict: true } } }),
    asking([
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'input_text', text: 'Weather?' }] },
      { type: 'function_call', call_id: 'call_1', name: 'get_weather', arguments: '{"city":"Oslo"}' },
      { type: 'function_call_output', call_id: 'call_1', output: 'sunny' }
    ], { instructions: 'Be kind.', tools: [weather] })
  ]
  for (const model of [LLAMA, MISTRAL, KIMI, GLM, GPT_OSS]) {
    for (const body of inputs) {
      const name = `${model}: ${JSON.stringify(body.input).slice(0, 80)}`
      const plain = await answered(proxy, { ...body, model })
      t.strictSame(faultsOf('Response', plain), [], name)
      t.equal(plain.usage?.total_tokens, (plain.usage?.input_tokens ?? 0) + (plain.usage?.output_tokens ?? 0), 'usage adds up')
      const stream = readResponseStream(await (await respond(proxy, { ...body, model, stream: true })).text())
      t.strictSame(stream.complaints, [], `${name} streamed`)
      if (body.input !== 'empty stream') t.strictSame(toComparable(stream.response?.output ?? []), toComparable(plain.output), 'both say the same')
      t.equal(stream.response?.status, plain.status)
    }
  }
})

t.test('whole numbers of a caller\'s schemas are told back as they were sent', async t => {
  const proxy = await startProxy(t)
  const send = (fields: object, headers: Record<string, string> = {}) => fetch(`${proxy.url}/v1/responses`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(asking('say hi', { tools: [{ ...weather, parameters: { type: 'object', properties: { id: { type: 'integer', maximum: 'HERE' } } } }], ...fields })).replace('"HERE"', '9223372036854775807')
  })
  const plain = await send({})
  t.equal(plain.headers.get('content-type'), 'application/json; charset=utf-8')
  t.match(await plain.text(), '"maximum":9223372036854775807')
  t.equal((await (await send({ stream: true })).text()).match(/"maximum":9223372036854775807/g)?.length, 3, 'in each event that tells the whole response')
  const dry = await send({}, { 'x-dry-run': 'true' })
  t.equal(dry.headers.get('content-type'), 'application/json; charset=utf-8')
  t.match(await dry.text(), '"maximum":9223372036854775807', 'and in a dry run')
})

t.test('an answer bears the headers of a chat', async t => {
  const proxy = await startProxy(t)
  const plain = await respond(proxy, asking('say hi', { top_k: 3, metadata: { a: 'b' } }))
  t.equal(plain.headers.get('content-type'), 'application/json; charset=utf-8')
  t.equal(plain.headers.get('x-proxy-model'), LLAMA)
  t.equal(plain.headers.get('x-proxy-warnings'), 'top_k dropped', 'metadata is kept, and needs no warning')
  const stream = await respond(proxy, asking('say hi', { stream: true }))
  t.equal(stream.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  t.equal(stream.headers.get('x-accel-buffering'), 'no')
  await stream.text()
  await waited(() => proxy.lines().filter(({ msg }) => msg === 'request').length === 2)
  t.match(proxy.lines().filter(({ msg }) => msg === 'request')[1], { route: '/v1/responses', model: LLAMA, stream: true, promptTokens: Number, finishReason: 'stop' })
})

t.test('what is changed is told in the caller\'s words', async t => {
  const proxy = await startProxy(t)
  const body = asking([{ role: 'user', content: 'say hi' }, { type: 'web_search_call', id: 'ws_1' }], {
    tools: [{ type: 'web_search' }, shout],
    reasoning: { effort: 'high' },
    text: { verbosity: 'low' },
    max_output_tokens: 1_000_000,
    include: ['reasoning.encrypted_content'],
    client_metadata: { a: 'b' }
  })
  const warnings = (await respond(proxy, body)).headers.get('x-proxy-warnings')
  for (const warning of ['tools[0] dropped', 'tools[1] emulated', 'input[1] dropped', 'include dropped', 'client_metadata dropped', 'text.verbosity dropped', 'reasoning.effort dropped', 'max_output_tokens clamped']) {
    t.match(warnings, warning)
  }
  const dryRun = await (await respond(proxy, body, { 'x-dry-run': 'true' })).json()
  t.match(dryRun, { object: 'workers_ai.dry_run', body: { messages: [{ role: 'user', content: 'say hi' }] } })
  t.match(JSON.stringify(dryRun.changes), '"param":"reasoning.effort"')
  const rejecting = await startProxy(t, { UNSUPPORTED_PARAMS: 'reject' })
  t.match(await (await respond(rejecting, asking('say hi', { tools: [{ type: 'web_search' }] }))).json(), { error: { param: 'tools[0]', code: 'unsupported_parameter' } }, 'who wants to be refused is')
})

t.test('log probabilities that a model was asked for and did not tell are told to be missing', async t => {
  const upstream = await startRecordedUpstream(t, ({ body }) => {
    t.equal(body['logprobs'], true)
    return body['stream'] === true
      ? { contentType: 'text/event-stream', body: 'data: {"choices":[{"delta":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":0,"completion_tokens":0}}\n\ndata: [DONE]\n\n' }
      : { body: JSON.stringify({ result: { choices: [{ message: { content: 'hi' }, finish_reason: 'stop' }], usage: { prompt_tokens: 0, completion_tokens: 0 } }, success: true, errors: [], messages: [] }) }
  })
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
  const body = { model: KIMI, input: 'x', include: ['message.output_text.logprobs'] }
  t.equal((await respond(proxy, body)).headers.get('x-proxy-warnings'), 'include missing, usage estimated', 'as is a usage of zeros')
  const stream = readResponseStream(await (await respond(proxy, { ...body, stream: true })).text())
  t.strictSame(stream.comments, ['x-proxy-warnings: include missing, usage estimated'])
})

t.test('a usage that nobody told is marked as a guess', async t => {
  const upstream = await startRecordedUpstream(t, ({ body }) => body['stream'] === true
    ? { contentType: 'text/event-stream', body: 'data: {"response":"hi"}\n\ndata: [DONE]\n\n' }
    : { body: JSON.stringify({ result: { response: 'hi' }, success: true, errors: [], messages: [] }) })
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: upstream.url })
  t.equal((await respond(proxy, asking('x'))).headers.get('x-proxy-warnings'), 'usage estimated')
  const stream = readResponseStream(await (await respond(proxy, asking('x', { stream: true }))).text())
  t.strictSame(stream.comments, ['x-proxy-warnings: usage estimated'])
  t.strictSame(stream.complaints, [])
})

const errors: Array<{ name: string, body: object, status?: number, error: object }> = [
  { name: 'no model', body: { input: 'x' }, error: { message: "Missing required parameter: 'model'.", param: 'model', code: 'missing_required_parameter' } },
  { name: 'no input', body: { model: LLAMA }, error: { param: null, code: 'missing_required_parameter' } },
  { name: 'an unknown model', body: { model: 'nobody', input: 'x' }, status: 404, error: { code: 'model_not_found' } },
  { name: 'an input that is none', body: asking(5), error: { param: 'input', code: 'invalid_type' } },
  { name: 'an item without a role', body: asking([{ type: 'message', content: 'x' }]), error: { message: "Missing required parameter: 'input[0].role'.", param: 'input[0].role' } },
  { name: 'a role that is none', body: asking([{ role: 'boss', content: 'x' }]), error: { param: 'input[0].role', code: 'invalid_value', message: "Invalid value: 'boss'. Supported values are: 'assistant', 'system', 'developer', and 'user'." } },
  { name: 'a part that is none', body: asking([{ role: 'user', content: [{ type: 'input_smell' }] }]), error: { param: 'input[0].content[0].type', code: 'invalid_value' } },
  { name: 'a part without text', body: asking([{ role: 'user', content: [{ type: 'input_text' }] }]), error: { param: 'input[0].content[0].text', code: 'missing_required_parameter' } },
  { name: 'a call without an id', body: asking([{ type: 'function_call', name: 'f', arguments: '{}' }]), error: { param: 'input[0].call_id', code: 'missing_required_parameter' } },
  { name: 'a temperature too high', body: asking('x', { temperature: 3 }), error: { param: 'temperature', code: 'decimal_above_max_value' } },
  { name: 'a limit of nothing', body: asking('x', { max_output_tokens: 0 }), error: { param: 'max_output_tokens', code: 'integer_below_min_value' } },
  { name: 'a format without a schema', body: asking('x', { text: { format: { type: 'json_schema', name: 'a' } } }), error: { param: 'text.format.schema', code: 'missing_required_parameter' } },
  { name: 'a schema that is none', body: asking('x', { text: { format: { type: 'json_schema', name: 'a', schema: { type: 'nothing' } } } }), error: { param: 'text.format', message: /^Invalid schema for text.format 'a'/ } },
  { name: 'a function without a name', body: asking('x', { tools: [{ type: 'function' }] }), error: { param: 'tools[0].name', code: 'missing_required_parameter' } },
  { name: 'a choice of a tool that is not there', body: asking('x', { tools: [weather], tool_choice: { type: 'function', name: 'f' } }), error: { param: 'tool_choice', code: 'invalid_value' } },
  { name: 'an image for a model that is blind', body: asking([{ role: 'user', content: [{ type: 'input_text', text: 'x' }, { type: 'input_image', image_url: 'data:image/png;base64,AA' }] }]), error: { param: 'input[0].content[1]', code: 'unsupported_value', message: /^Invalid 'input\[0\]\.content\[1\]': the model/ } },
  { name: 'an image by URL', body: { model: MISTRAL, input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'https://x.example/a.png' }] }] }, error: { param: 'input[0].content[0].image_url' } },
  { name: 'a file that is no text', body: asking([{ role: 'user', content: [{ type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AA' }] }]), error: { param: 'input[0].content[0].file_data' } },
  { name: 'the background', body: asking('x', { background: true }), error: { param: 'background', code: 'unsupported_value' } },
  { name: 'a conversation', body: asking('x', { conversation: 'conv_1' }), status: 404, error: { param: 'conversation' } },
  { name: 'a prompt that is too long', body: asking('fail with code 5021'), error: { param: 'input', code: 'context_length_exceeded' } },
  { name: 'the day\'s quota', body: asking('fail with code 4006'), status: 429, error: { code: 'insufficient_quota' } }
]
t.test('what cannot be served is an error of OpenAI\'s, before the first byte', async t => {
  const proxy = await startProxy(t)
  for (const { name, body, status = 400, error } of errors) {
    for (const stream of [false, true]) {
      const response = await respond(proxy, { ...body, stream })
      t.equal(response.status, status, name)
      const told = await response.json()
      t.strictSame(faultsOf('ErrorResponse', told), [], name)
      t.match(told, { error: { type: /./, ...error } }, name)
    }
  }
})

t.test('a stream that breaks says so twice, and never looks complete', async t => {
  const proxy = await startProxy(t, { MAX_RETRIES: '0' })
  for (const [script, code] of [['break after 3 frames, say one two three', 'upstream_truncated'], ['error frame after 2 frames, say one two', 'rate_limit_exceeded']] as const) {
    const stream = readResponseStream(await (await respond(proxy, asking(script, { stream: true }))).text())
    t.strictSame(stream.complaints, [], script)
    t.strictSame(toOrder(stream.events).slice(-2), ['error', 'failed'])
    t.match(stream.response, { status: 'failed', error: { code }, output: [{ status: 'incomplete' }] })
    t.equal((await fetch(`${proxy.url}/v1/responses/${stream.response?.id}`)).status, 404, 'and is not kept')
  }
  const strict = readResponseStream(await (await respond(proxy, { model: KIMI, stream: true, input: 'answer bad json', text: { format: { type: 'json_schema', name: 'city', schema: weather.parameters, strict: true } } })).text())
  t.match(strict.error, { code: 'json_schema_mismatch', param: 'text.format', message: /schema of text\.format 'city'/ }, 'in the caller\'s words')
})

t.test('a client that leaves ends the call, and nothing is kept', async t => {
  const proxy = await startProxy(t)
  const controller = new AbortController()
  const response = await fetch(`${proxy.url}/v1/responses`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, signal: controller.signal, body: JSON.stringify(asking('slowly say 100 words', { stream: true }))
  })
  const reader = response.body?.getReader()
  await reader?.read()
  controller.abort()
  await waited(() => proxy.simulator.requests[0]?.closedEarly === true)
  t.equal(proxy.lines().filter(({ level }) => Number(level) >= 50).length, 0, 'and nobody complains')
})

t.test('truncation leaves the oldest turns out, where they do not fit', async t => {
  const proxy = await startProxy(t)
  const long = 'word '.repeat(15_000)
  const input = [{ role: 'user', content: long }, { role: 'assistant', content: long }, { role: 'user', content: 'say hi' }]
  const auto = await respond(proxy, asking(input, { truncation: 'auto', instructions: 'Be brief.' }))
  t.equal(auto.headers.get('x-proxy-warnings'), 'input clamped')
  t.match(await auto.json(), { status: 'completed', truncation: 'auto', output: [{ content: [{ text: 'hi' }] }] })
  t.strictSame((proxy.simulator.requests.at(-1)?.body as { messages: Array<{ role: string }> }).messages.map(({ role }) => role), ['system', 'user'])
  t.match(await (await respond(proxy, asking(input))).json(), { error: { code: 'context_length_exceeded', param: 'input' } }, 'else it does not fit')
})

t.test('a response goes on from the one before, without its instructions', async t => {
  const proxy = await startProxy(t)
  const first = await answered(proxy, asking('say one', { instructions: 'Be brief.' }))
  const stream = readResponseStream(await (await respond(proxy, asking([{ role: 'user', content: 'say two' }], { previous_response_id: first.id, stream: true, instructions: 'Be kind.' }))).text())
  t.equal(stream.response?.previous_response_id, first.id)
  const third = await answered(proxy, asking('say three', { previous_response_id: stream.response?.id }))
  t.match(third.output, [{ content: [{ text: 'three' }] }])
  const { messages } = proxy.simulator.requests.at(-1)?.body as { messages: Array<{ role: string, content: string }> }
  t.strictSame(messages.map(({ role, content }) => `${role}: ${content}`), ['user: say one', 'assistant: one', 'user: say two', 'assistant: two', 'user: say three'])
})

t.test('a tool loop goes on from the call by its response', async t => {
  const proxy = await startProxy(t)
  for (const model of [LLAMA, MISTRAL, KIMI, GLM]) {
    for (const stream of [false, true]) {
      const body = { model, tools: [weather], stream }
      const read = async (response: Response) => stream ? readResponseStream(await response.text()).response : await response.json() as ResponseObject
      const first = await read(await respond(proxy, { ...body, input: 'call tool get_weather with {"city":"Oslo"}' }))
      const [call] = first?.output.filter(item => item.type === 'function_call') ?? []
      t.match(call, { name: 'get_weather', arguments: '{"city":"Oslo"}', call_id: /^call_\w{24}$/ })
      const second = await read(await respond(proxy, { ...body, previous_response_id: first?.id, input: [{ type: 'function_call_output', call_id: call?.call_id, output: 'sunny' }] }))
      t.match(second?.output.at(-1), { type: 'message', content: [{ text: 'The tool answered: sunny' }] }, model)
    }
  }
})

t.test('a custom tool is called and answered as one', async t => {
  const proxy = await startProxy(t)
  const body = asking('call tool shout with {"input":"HEY"}', { tools: [shout] })
  const first = await answered(proxy, body)
  const [call] = first.output
  t.match(call, { type: 'custom_tool_call', name: 'shout', input: 'HEY', status: 'completed' })
  const history = [{ role: 'user', content: body.input }, call, { type: 'custom_tool_call_output', call_id: 'call_id' in (call ?? {}) ? (call as { call_id: string }).call_id : '', output: 'echo' }]
  t.match((await answered(proxy, { ...body, input: history, store: false })).output, [{ content: [{ text: 'The tool answered: echo' }] }])
})

t.test('items that are kept can be named', async t => {
  const proxy = await startProxy(t)
  const first = await answered(proxy, asking('say one'))
  const input = [{ role: 'user', content: 'say one' }, { type: 'item_reference', id: first.output[0]?.id }, { role: 'user', content: 'say two' }]
  const second = await answered(proxy, asking(input))
  t.match(second.output, [{ content: [{ text: 'two' }] }])
  const { messages } = proxy.simulator.requests.at(-1)?.body as { messages: Array<{ role: string, content: string }> }
  t.strictSame(messages.map(({ content }) => content), ['say one', 'one', 'say two'])
  t.equal((await respond(proxy, asking([{ id: second.output[0]?.id }, { role: 'user', content: 'say three' }]))).status, 200, 'also without a type')
})

t.test('who forbids it finds nothing kept', async t => {
  const proxy = await startProxy(t)
  const { id, store, output } = await answered(proxy, asking('say one', { store: false }))
  t.equal(store, false)
  t.match(await (await respond(proxy, asking('x', { previous_response_id: id }))).json(), { error: { message: `Previous response with id '${id}' not found.`, param: 'previous_response_id', code: 'previous_response_not_found' } })
  const named = await respond(proxy, asking([{ type: 'item_reference', id: output[0]?.id }]))
  t.equal(named.status, 404)
  t.match(await named.json(), { error: { message: /^Item with id 'msg_\w+' not found\. Items are not persisted/, param: 'input', code: null } })
  t.equal((await fetch(`${proxy.url}/v1/responses/${id}`)).status, 404)
})

t.test('what a key stored is not there for another', async t => {
  const proxy = await startProxy(t, { API_KEYS: 'ann:k1,bob:k2' })
  const ann = { authorization: 'Bearer k1' }
  const bob = { authorization: 'Bearer k2' }
  const { id, output } = await answered(proxy, asking('say one'), ann)
  t.equal((await respond(proxy, asking('x', { previous_response_id: id }), bob)).status, 400)
  t.equal((await respond(proxy, asking([{ type: 'item_reference', id: output[0]?.id }]), bob)).status, 404)
  t.equal((await respond(proxy, asking('say two', { previous_response_id: id }), ann)).status, 200)
  t.equal((await respond(proxy, asking('say two', { previous_response_id: id }), { 'x-api-key': 'k1' })).status, 200, 'however the key is sent')

  const streamed = readResponseStream(await (await respond(proxy, asking('say one', { stream: true }), ann)).text()).response?.id
  t.equal((await respond(proxy, asking('say two', { previous_response_id: streamed }), bob)).status, 400, 'nor when it was streamed')
  t.equal((await respond(proxy, asking('say two', { previous_response_id: streamed }), ann)).status, 200)
})

t.test('a response that cannot be kept is told, and answered all the same', async t => {
  const full = await startProxy(t, { STORE_MAX_BYTES: '0' })
  t.equal((await respond(full, asking('say hi'))).headers.get('x-proxy-warnings'), 'store dropped')
  const stream = readResponseStream(await (await respond(full, asking('say hi', { stream: true }))).text())
  t.strictSame(stream.comments, ['x-proxy-warnings: store dropped'])
  t.equal(stream.response?.status, 'completed')
  t.equal((await respond(full, asking('say hi', { store: false }))).headers.get('x-proxy-warnings'), null)
})

t.test('a file that another process holds costs the response nothing', async t => {
  const STORE_PATH = join(t.testdir(), 'responses.db')
  const proxy = await startProxy(t, { STORE_PATH })
  const other = new Database(STORE_PATH)
  t.teardown(() => other.close())
  other.exec('BEGIN IMMEDIATE')
  const response = await respond(proxy, asking('say hi'))
  t.equal(response.headers.get('x-proxy-warnings'), 'store dropped')
  t.match(await response.json(), { status: 'completed', output: [{ content: [{ text: 'hi' }] }] })
  t.match(proxy.lines().find(({ msg }) => msg === 'a response was not stored'), { level: 50 })
  other.exec('ROLLBACK')
  t.equal((await respond(proxy, asking('say hi'))).headers.get('x-proxy-warnings'), null)
})

t.test('a file keeps what the server has stored when it is gone', async t => {
  const STORE_PATH = join(t.testdir(), 'responses.db')
  const first = await startProxy(t, { STORE_PATH })
  const { id } = await answered(first, asking('say one'))
  const second = await startProxy(t, { STORE_PATH })
  t.match(await answered(second, asking('say two', { previous_response_id: id })), { status: 'completed', output: [{ content: [{ text: 'two' }] }] })
})

/** The summary in the only item of an output. */
function summaryOf (output: OutputItem[] | undefined): string | undefined {
  const [item] = output ?? []
  return output?.length === 1 && item?.type === 'compaction' ? toSummary(item.encrypted_content) : undefined
}

const trigger = { type: 'compaction_trigger' }

t.test('a conversation that ends with a trigger is compacted, plain and streamed, by every family', async t => {
  const proxy = await startProxy(t)
  const input = [
    { role: 'user', content: [{ type: 'input_text', text: 'Weather?' }] },
    { type: 'function_call', call_id: 'call_1', name: 'get_weather', arguments: '{"city":"Oslo"}' },
    { type: 'function_call_output', call_id: 'call_1', output: 'sunny' },
    trigger
  ]
  for (const model of [LLAMA, MISTRAL, KIMI, GLM, GPT_OSS]) {
    const body = asking(input, { model, instructions: 'Be kind.', tools: [weather, { type: 'web_search' }], tool_choice: 'auto', store: false })
    const response = await respond(proxy, body)
    const plain = await response.json() as ResponseObject
    t.strictSame(faultsOf('Response', plain), [], model)
    t.equal(plain.status, 'completed')
    t.match(response.headers.get('x-proxy-warnings'), /tools dropped, input\[3\] emulated/)
    const summary = summaryOf(plain.output)
    t.ok(summary, model)
    const stream = readResponseStream(await (await respond(proxy, { ...body, stream: true })).text())
    t.strictSame(stream.complaints, [], `${model} streamed`)
    t.strictSame(toOrder(stream.events), ['created', 'in_progress', 'output_item.added', 'output_item.done', 'completed'])
    t.equal(summaryOf(stream.response?.output), summary, 'both say the same')
    for (const { body } of proxy.simulator.requests.slice(-2)) {
      t.match(JSON.stringify(body), SUMMARY_QUESTION)
      t.notOk((body as { tools?: unknown }).tools, 'and no tool is offered')
    }
  }
})

t.test('what was compacted is read again, by another process as well', async t => {
  const { url } = await startRecordedUpstream(t, [toAnswer({ response: 'The user likes herons.', usage: { prompt_tokens: 9, completion_tokens: 4 } })])
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  const compacted = await answered(proxy, asking([{ role: 'user', content: 'I like herons.' }, trigger]))
  t.equal(summaryOf(compacted.output), 'The user likes herons.')
  t.match(compacted.usage, { input_tokens: 9, output_tokens: 4 })
  const other = await startProxy(t)
  const response = await respond(other, asking([...compacted.output, { role: 'user', content: 'say hi' }]))
  t.equal(response.status, 200)
  t.match(response.headers.get('x-proxy-warnings'), 'input[0] emulated')
  t.match(JSON.stringify(other.simulator.requests.at(-1)?.body), 'this summary of it:\\\\n\\\\nThe user likes herons.'.replaceAll('\\\\', '\\'))
  const broken = await respond(other, asking([{ role: 'user', content: 'say hi' }, { type: 'compaction', encrypted_content: 'gAAAAABm' }]))
  t.equal(broken.status, 400)
  t.match(await broken.json(), { error: { param: 'input[1].encrypted_content', code: 'invalid_encrypted_content', type: 'invalid_request_error' } })
  t.equal((await respond(other, asking([{ type: 'compaction' }, { role: 'user', content: 'say hi' }]))).status, 400, 'one without content is refused')
})

t.test('a stored compaction is all that is gone on from', async t => {
  const proxy = await startProxy(t)
  const first = await answered(proxy, asking('say one'))
  const compacted = await answered(proxy, asking([trigger], { previous_response_id: first.id }))
  t.ok(summaryOf(compacted.output))
  const next = await answered(proxy, asking('say two', { previous_response_id: compacted.id }))
  t.match(next.output, [{ content: [{ text: 'two' }] }])
  const sent = proxy.simulator.requests.at(-1)?.body as { messages: unknown[] }
  t.equal(sent.messages.length, 2, 'the summary, and what is new')
})

t.test('a model that sums up nothing is told to have failed, plain and streamed', async t => {
  const silent = toAnswer({ response: '', usage: { prompt_tokens: 9, completion_tokens: 3 } })
  const { url } = await startRecordedUpstream(t, () => silent)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url, MAX_RETRIES: '0' })
  const plain = await respond(proxy, asking([{ role: 'user', content: 'Hi' }, trigger]))
  t.equal(plain.status, 502)
  t.match(await plain.json(), { error: { code: 'empty_summary', type: 'server_error' } })
  const stream = readResponseStream(await (await respond(proxy, asking([{ role: 'user', content: 'Hi' }, trigger], { stream: true }))).text())
  t.strictSame(stream.complaints, [])
  t.match(stream, { error: { code: 'empty_summary' }, response: { status: 'failed' } })
})

t.test('a conversation is compacted by an endpoint of its own', async t => {
  const proxy = await startProxy(t)
  const body = { model: LLAMA, instructions: 'Be kind.', input: [{ role: 'user', content: 'One' }, { role: 'assistant', content: 'Two' }, { role: 'user', content: 'Three' }], stream: true }
  const response = await post(proxy, '/v1/responses/compact', body)
  t.equal(response.status, 200)
  t.match(response.headers.get('x-proxy-warnings'), 'stream dropped')
  const compacted = await response.json() as { id: string, output: OutputItem[] }
  t.match(compacted, {
    id: /^resp_/,
    object: 'response.compaction',
    created_at: Number,
    output: [{ id: /^msg_/, type: 'message', role: 'user', content: [{ type: 'input_text', text: 'One' }] }, { role: 'user', content: [{ text: 'Three' }] }, { id: /^cmp_/, type: 'compaction' }],
    usage: { input_tokens: Number, output_tokens: Number }
  })
  t.equal((await fetch(`${proxy.url}/v1/responses/${compacted.id}`)).status, 404, 'it is not stored')
  const next = await answered(proxy, asking([...compacted.output, { role: 'user', content: 'say hi' }]))
  t.match(next.output, [{ content: [{ text: 'hi' }] }])
  const text = await post(proxy, '/v1/responses/compact', { model: LLAMA, input: 'Hi' })
  t.match(await text.json(), { output: [{ content: [{ text: 'Hi' }] }, { type: 'compaction' }] })
  const empty = await post(proxy, '/v1/responses/compact', { model: LLAMA })
  t.equal(empty.status, 400)
  t.equal((await fetch(`${proxy.url}/v1/responses/compact`)).headers.get('allow'), 'POST')
  const dry = await post(proxy, '/v1/responses/compact', body, { headers: { 'x-dry-run': 'true' } })
  t.match(JSON.stringify(await dry.json()), SUMMARY_QUESTION)
})
