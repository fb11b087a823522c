import t, { type Test } from 'tap'
import type { Completion } from '../../../../src/surfaces/openai/completions/wire.ts'
import type { ErrorBody } from '../../../../src/surfaces/openai/error-body.ts'
import { startRecordedUpstream, type Answer } from '../../../servers/recorded-upstream.ts'
import { faultsOf } from '../../../openai-schemas.ts'
import { GLM, GPT_OSS, KIMI, LLAMA, MISTRAL, post, startProxy, toChunks, type AskOptions, type Proxy } from '../../../servers/start-proxy.ts'
import { waited } from '../../../servers/http-client.ts'

const QWEN = '@cf/qwen/qwen3-30b-a3b-fp8'
const QWQ = '@cf/qwen/qwq-32b'
const LLAMA_4 = '@cf/meta/llama-4-scout-17b-16e-instruct'

function complete (proxy: Pick<Proxy, 'url'>, prompt: unknown, more: object = {}, options: AskOptions = {}): Promise<Response> {
  return post(proxy, '/v1/completions', { model: LLAMA, prompt, max_tokens: 100, ...more }, options)
}

/** A completion, held against OpenAI's schema. */
async function readCompletion (t: Test, response: Response): Promise<Completion> {
  t.equal(response.status, 200)
  const completion = await response.json() as Completion
  t.strictSame(faultsOf('CreateCompletionResponse', completion), [])
  t.match(completion.id, /^cmpl-\w{29}$/)
  return completion
}

interface Stream {
  /** By the index of its choice. */
  texts: string[]
  reasons: Array<string | null>
  chunks: Completion[]
  error: ErrorBody['error'] | undefined
  isDone: boolean
}

/** A stream, each of its chunks held against OpenAI's schema. */
async function readStream (t: Test, response: Response): Promise<Stream> {
  t.equal(response.status, 200)
  t.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  const events = toChunks(await response.text())
  const chunks = events.filter((event): event is Completion => typeof event === 'object' && event !== null && 'choices' in event)
  t.strictSame(chunks.flatMap(chunk => faultsOf('CreateCompletionResponse', chunk)), [])
  t.ok(new Set(chunks.map(({ id, object, created, model }) => JSON.stringify([id, object, created, model]))).size <= 1, 'all chunks are of one completion')
  const stream: Stream = { texts: [], reasons: [], chunks, error: events.map(event => (event as Partial<ErrorBody>).error).find(Boolean), isDone: events.at(-1) === '[DONE]' }
  for (const { index, text, finish_reason: reason } of chunks.flatMap(({ choices }) => choices)) {
    if (stream.reasons[index] != null) t.fail('a choice goes on after its end')
    stream.texts[index] = (stream.texts[index] ?? '') + text
    stream.reasons[index] = reason
  }
  return stream
}

t.test('every model completes a prompt, plain and streamed', async t => {
  const proxy = await startProxy(t)
  for (const model of [LLAMA, MISTRAL, QWEN, QWQ, LLAMA_4, KIMI, GLM, GPT_OSS]) {
    const body = { model, stream_options: { include_usage: true } }
    const { choices, usage, ...rest } = await readCompletion(t, await complete(proxy, 'say one two three', body))
    t.strictSame(choices, [{ text: 'one two three', index: 0, logprobs: null, finish_reason: 'stop' }], model)
    t.match(rest, { object: 'text_completion', model, created: Number })
    const stream = await readStream(t, await complete(proxy, 'say one two three', { ...body, stream: true }))
    t.match(stream, { texts: ['one two three'], reasons: ['stop'], isDone: true, error: undefined }, `${model}, streamed`)
    t.match(stream.chunks.at(-1), { choices: [], usage }, 'the bill is the same')
    t.ok(stream.chunks.slice(0, -1).every(chunk => chunk.usage === null))
  }
  const forms = proxy.simulator.requests.map(({ body }) => 'prompt' in (body as object))
  t.equal(forms.filter(Boolean).length, 14, 'as a prompt, but for the one that takes none')
})

t.test('an answer ends after 16 tokens when nothing else is said', async t => {
  const proxy = await startProxy(t)
  const { choices, usage } = await readCompletion(t, await complete(proxy, 'say 40 words', { max_tokens: null }))
  t.equal(choices[0]?.finish_reason, 'length')
  t.equal(usage?.completion_tokens, 16)
})

t.test('a request for no tokens has its prompts back, and asks nobody', async t => {
  const proxy = await startProxy(t)
  for (const model of [LLAMA, GLM, GPT_OSS]) {
    const { choices, usage } = await readCompletion(t, await complete(proxy, 'Once', { model, max_tokens: 0, echo: true }))
    t.strictSame(choices, [{ text: 'Once', index: 0, logprobs: null, finish_reason: 'length' }], model)
    t.strictSame(usage?.completion_tokens, 0)
  }
  const body = { max_tokens: 0, echo: true, n: 2, stream_options: { include_usage: true } }
  const plain = await complete(proxy, ['one', 'two'], body)
  t.match(Object.fromEntries(plain.headers), { 'x-proxy-attempts': '0', 'x-proxy-warnings': 'usage estimated' })
  const { choices, usage } = await readCompletion(t, plain)
  t.strictSame(choices.map(({ text }) => text), ['one', 'one', 'two', 'two'])
  t.match(usage, { prompt_tokens: 4, completion_tokens: 0, total_tokens: 4 }, 'each prompt is counted once')
  const stream = await readStream(t, await complete(proxy, ['one', 'two'], { ...body, stream: true }))
  t.match(stream, { texts: ['one', 'one', 'two', 'two'], reasons: ['length', 'length', 'length', 'length'], isDone: true, error: undefined })
  t.match(stream.chunks.at(-1), { choices: [], usage })
  t.match((await readCompletion(t, await complete(proxy, 'Once', { max_tokens: 0 }))).choices, [{ text: '', finish_reason: 'length' }], 'without echo there is nothing to tell')
  t.match(await (await complete(proxy, 'Once', { max_tokens: 0 }, { headers: { 'x-dry-run': 'true' } })).json(), { object: 'workers_ai.dry_run', body: null })
  t.equal((await complete(proxy, 'Once', { max_tokens: 0, model: 'nobody' })).status, 404)
  t.strictSame(proxy.simulator.requests, [])
})

t.test('a model that thinks has room for more than its thoughts', async t => {
  const proxy = await startProxy(t)
  const response = await complete(proxy, 'say 40 words', { model: GPT_OSS, max_tokens: null })
  t.equal(response.headers.get('x-proxy-warnings'), 'max_tokens emulated, prompt emulated')
  t.match((await readCompletion(t, response)).choices, [{ finish_reason: 'stop' }])
})

t.test('usage is told to those who ask', async t => {
  const proxy = await startProxy(t)
  const { chunks } = await readStream(t, await complete(proxy, 'say hi', { stream: true }))
  t.ok(chunks.every(chunk => !('usage' in chunk) && chunk.choices.length === 1))
})

t.test('several prompts have several answers each, in their order', async t => {
  const proxy = await startProxy(t)
  const body = { n: 2, echo: true, seed: 7 }
  const expected = ['say one' + 'one', 'say one' + 'one', 'say two' + 'two', 'say two' + 'two']
  const response = await complete(proxy, ['say one', 'say two'], body)
  t.equal(response.headers.get('x-proxy-warnings'), 'prompt emulated, n emulated')
  const { choices, usage } = await readCompletion(t, response)
  t.strictSame(choices.map(({ index, text }) => [index, text]), expected.map((text, index) => [index, text]))
  t.equal(usage?.completion_tokens, 4, 'each is billed')
  t.strictSame(proxy.simulator.requests.map(({ body }) => (body as { seed: number }).seed).sort(), [7, 7, 8, 8])
  const stream = await readStream(t, await complete(proxy, ['say one', 'say two'], { ...body, stream: true, stream_options: { include_usage: true } }))
  t.match(stream, { texts: expected, reasons: ['stop', 'stop', 'stop', 'stop'], isDone: true })
  t.equal(stream.chunks.at(-1)?.usage?.completion_tokens, 4)
})

t.test('a text ends at a stop sequence, and the upstream with it', async t => {
  const proxy = await startProxy(t)
  const { choices } = await readCompletion(t, await complete(proxy, 'say one two three four', { stop: ['zzz', 'three'] }))
  t.match(choices, [{ text: 'one two ', finish_reason: 'stop' }])
  const stream = await readStream(t, await complete(proxy, 'slowly say one two three four five six seven eight nine ten', { stop: 'three', stream: true }))
  t.match(stream, { texts: ['one two '], reasons: ['stop'], isDone: true })
  await waited(() => proxy.simulator.requests.at(-1)?.closedEarly === true)
})

t.test('thinking is no text, unless no template asked for it', async t => {
  const proxy = await startProxy(t)
  for (const [model, more] of [[GPT_OSS, {}], [QWQ, { raw: false }]] as const) {
    const body = { model, ...more }
    t.match(await readCompletion(t, await complete(proxy, 'think hard then say yes', body)), { choices: [{ text: /^\s*yes$/ }] }, model)
    t.match((await readStream(t, await complete(proxy, 'think hard then say yes', { ...body, stream: true }))).texts, [/^\s*yes$/])
  }
  const answer: Answer = { body: JSON.stringify({ result: { response: 'a <think> b' }, success: true }) }
  const { url } = await startRecordedUpstream(t, () => answer)
  const other = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  t.match(await readCompletion(t, await complete(other, 'x', { model: QWQ })), { choices: [{ text: 'a <think> b' }] })
})

t.test('log probabilities are told by models that tell them', async t => {
  const logprobs = (from: number, ...tokens: string[]) => ({
    tokens,
    token_logprobs: tokens.map((_, index) => -index),
    top_logprobs: tokens.map((token, index) => ({ [token]: -index, other: -9 })),
    text_offset: tokens.map((_, index) => from + index)
  })
  const head = { id: 'cmpl-1', object: 'text_completion', created: 1, model: GLM }
  const plain = { ...head, choices: [{ index: 0, text: 'ab', logprobs: logprobs(0, 'a', 'b'), finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 2 } }
  const frames = [
    { ...head, choices: [{ index: 0, text: 'a', logprobs: logprobs(0, 'a'), finish_reason: null }] },
    { ...head, choices: [{ index: 0, text: 'b', logprobs: logprobs(0, 'b'), finish_reason: 'stop' }] },
    '[DONE]'
  ]
  const { url, runs } = await startRecordedUpstream(t, ({ body }) => body['stream'] === true
    ? { contentType: 'text/event-stream', body: frames.map(frame => `data: ${typeof frame === 'string' ? frame : JSON.stringify(frame)}\n\n`).join('') }
    : { body: JSON.stringify({ result: plain, success: true, errors: [], messages: [] }) })
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  const body = { model: GLM, logprobs: 2, echo: true }
  const { choices } = await readCompletion(t, await complete(proxy, 'Say ', body))
  t.strictSame(choices[0]?.logprobs, { ...logprobs(4, 'a', 'b') }, 'their places count from the echoed prompt')
  const { chunks } = await readStream(t, await complete(proxy, 'Say ', { ...body, stream: true }))
  t.strictSame(chunks.flatMap(chunk => chunk.choices.map(choice => choice.logprobs?.text_offset ?? null)), [null, [4], [5], null])
  t.match(runs.map(run => run.body), [{ logprobs: true, top_logprobs: 2 }, { logprobs: true, top_logprobs: 2 }])
})

t.test('log probabilities that are not told are missing, and a usage of zeros is none', async t => {
  const usage = { prompt_tokens: 0, completion_tokens: 0 }
  const { url } = await startRecordedUpstream(t, ({ body }) => body['stream'] === true
    ? { contentType: 'text/event-stream', body: ['a', 'b', 'c'].map(text => `data: ${JSON.stringify({ choices: [{ index: 0, text }], usage })}\n\n`).join('') + 'data: [DONE]\n\n' }
    : { body: JSON.stringify({ result: { choices: [{ index: 0, text: 'abc', finish_reason: 'stop' }], usage }, success: true }) })
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  const plain = await complete(proxy, 'Say ', { model: GLM, logprobs: 1 })
  t.equal(plain.headers.get('x-proxy-warnings'), 'logprobs missing, usage estimated')
  const completion = await readCompletion(t, plain)
  t.match(completion, { system_fingerprint: /^fp_[0-9a-f]{10}$/, usage: { prompt_tokens: 2, completion_tokens: 1 } })
  const response = await complete(proxy, 'Say ', { model: GLM, logprobs: 1, stream: true })
  const text = await response.clone().text()
  t.match(text, /: x-proxy-warnings: logprobs missing, usage estimated\n\n/)
  const { chunks } = await readStream(t, response)
  t.ok(chunks.every(chunk => chunk.system_fingerprint === completion.system_fingerprint))
})

t.test('usage that nobody told is guessed for each prompt, and said to be', async t => {
  const { url } = await startRecordedUpstream(t, () => ({ body: JSON.stringify({ result: { response: 'Hello there' }, success: true }) }))
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  const response = await complete(proxy, ['a'.repeat(38), 'a'.repeat(78)])
  t.equal(response.headers.get('x-proxy-warnings'), 'prompt emulated, usage estimated')
  t.match((await readCompletion(t, response)).usage, { prompt_tokens: 30, completion_tokens: 6 })
})

t.test('a stream that did not end well never looks as if it had', async t => {
  const proxy = await startProxy(t, { UPSTREAM_IDLE_TIMEOUT_MS: '1000' })
  const cases = [
    { script: 'break after 3 frames, say 10 words', code: 'upstream_truncated' },
    { script: 'error frame after 3 frames, say 10 words', code: 'rate_limit_exceeded' },
    { script: 'bad frame after 3 frames, say 10 words', code: 'upstream_malformed' },
    { script: 'stall after 3 frames, say 10 words', code: 'upstream_timeout' }
  ]
  for (const { script, code } of cases) {
    const stream = await readStream(t, await complete(proxy, script, { stream: true }))
    t.match(stream, { isDone: false, reasons: [null], error: { message: String, type: /_error$/, param: null, code } }, script)
    t.match(stream.texts[0], /^alpha/, 'what had come was passed on')
    t.strictSame(faultsOf('ErrorResponse', { error: stream.error }), [])
  }
})

t.test('a failure before the first word is a status, also of a stream', async t => {
  const proxy = await startProxy(t, { MAX_RETRIES: '0' })
  const cases = [
    { script: 'fail with code 3040', status: 429, code: 'rate_limit_exceeded', param: null },
    { script: 'fail with code 4006', status: 429, code: 'insufficient_quota', param: null },
    { script: 'fail with code 5021', status: 400, code: 'context_length_exceeded', param: 'prompt' },
    { script: 'fail with 502', status: 502, code: 'upstream_error', param: null }
  ]
  for (const { script, status, code, param } of cases) {
    for (const stream of [false, true]) {
      const response = await complete(proxy, script, { stream })
      t.equal(response.status, status, `${script}, ${stream ? 'streamed' : 'plain'}`)
      const body: unknown = await response.json()
      t.match(body, { error: { code, param } })
      t.strictSame(faultsOf('ErrorResponse', body), [])
    }
  }
  const before = proxy.simulator.requests.length
  t.equal((await complete(proxy, ['say one', 'fail with code 8001'])).status, 400, 'one that fails fails all')
  t.equal(proxy.simulator.requests.length - before, 2)
})

t.test('what nobody could answer is refused, and nobody is asked', async t => {
  const proxy = await startProxy(t, { MAX_CHOICES: '4' })
  const cases = [
    { name: 'no prompt', prompt: undefined, more: {}, expected: { param: 'prompt', code: 'missing_required_parameter' } },
    { name: 'an empty one', prompt: ['a', ''], more: {}, expected: { param: 'prompt[1]', code: 'empty_string' } },
    { name: 'tokens', prompt: [[1, 2]], more: {}, expected: { param: 'prompt', code: 'unsupported_value', message: /Send text/ } },
    { name: 'a number', prompt: 5, more: {}, expected: { param: 'prompt', code: 'invalid_type' } },
    { name: 'too many choices', prompt: ['a', 'b'], more: { n: 3 }, expected: { param: 'n', message: /one request may have 4\. MAX_CHOICES/ } },
    { name: 'no model', prompt: 'a', more: { model: '' }, expected: { message: 'you must provide a model parameter', param: null } },
    { name: 'an embedding model', prompt: 'a', more: { model: 'bge-m3' }, expected: { param: 'model', code: 'unsupported_value' } }
  ]
  for (const { name, prompt, more, expected } of cases) {
    const response = await complete(proxy, prompt, more)
    t.equal(response.status, 400, name)
    const body: unknown = await response.json()
    t.match(body, { error: { type: 'invalid_request_error', ...expected } }, name)
    t.strictSame(faultsOf('ErrorResponse', body), [])
  }
  t.equal((await complete(proxy, 'a', { model: 'gpt-4' })).status, 404)
  t.strictSame(proxy.simulator.requests, [])
})

t.test('what Workers AI does not have is told, or refused', async t => {
  const body = { suffix: 'end', logprobs: 1, best_of: 3, logit_bias: { 1: 2 } }
  const response = await complete(await startProxy(t), 'say hi', body)
  t.equal(response.headers.get('x-proxy-warnings'), 'best_of dropped, logprobs dropped, logit_bias dropped, suffix dropped')
  t.match(await readCompletion(t, response), { choices: [{ text: 'hi', logprobs: null }] })
  const strict = await startProxy(t, { UNSUPPORTED_PARAMS: 'reject' })
  for (const [param, value] of Object.entries(body)) {
    const refused = await complete(strict, 'say hi', { [param]: value })
    t.equal(refused.status, 400)
    t.match(await refused.json(), { error: { code: 'unsupported_parameter', param } })
  }
})

t.test('aliases, retries, fallbacks and the log are those of chats', async t => {
  const proxy = await startProxy(t, { MODEL_ALIASES: `{"davinci-002":"${LLAMA}"}`, MODEL_FALLBACKS: `{"${LLAMA}":["${GLM}"]}` })
  const retried = await complete(proxy, 'fail 1 times with 503 then say hi', { model: 'davinci-002' })
  t.equal(retried.headers.get('x-proxy-attempts'), '2')
  t.match(await readCompletion(t, retried), { model: 'davinci-002', choices: [{ text: 'hi' }] })
  const fallen = await complete(proxy, 'fail 1 times with code 5028 then say hi', { stream: true })
  t.equal(fallen.headers.get('x-proxy-model'), GLM)
  t.match(fallen.headers.get('x-proxy-warnings'), /model renamed/)
  t.match((await readStream(t, fallen)).texts, ['hi'])
  await waited(() => proxy.lines().filter(({ msg }) => msg === 'request').length === 2)
  t.match(proxy.lines().find(({ msg }) => msg === 'request'), {
    route: '/v1/completions', status: 200, model: 'davinci-002', served: LLAMA, stream: false, attempts: 2, firstTokenMs: Number, finishReason: 'stop', promptTokens: Number, completionTokens: 1
  })
})

t.test('a dry run tells what would be sent, and sends nothing', async t => {
  const proxy = await startProxy(t)
  const response = await complete(proxy, ['Once', 'Twice'], { stream: true, user: 'u' }, { headers: { 'x-dry-run': 'true' } })
  t.match(await response.json(), {
    object: 'workers_ai.dry_run',
    url: `/ai/run/${LLAMA}`,
    body: { prompt: 'Once', max_tokens: 100, raw: true, stream: true },
    changes: [{ param: 'prompt', action: 'emulated' }, { param: 'user', action: 'dropped' }]
  })
  t.strictSame(proxy.simulator.requests, [])
})

t.test('a client that leaves ends the upstream, and makes room', async t => {
  const proxy = await startProxy(t, { MAX_STREAMS: '1' })
  const controller = new AbortController()
  const first = complete(proxy, ['stall', 'stall'], { n: 2 }, { signal: controller.signal })
  await waited(() => proxy.simulator.requests.length === 4)
  t.equal((await complete(proxy, 'say hi')).status, 503)
  controller.abort()
  await t.rejects(first)
  await waited(() => proxy.simulator.requests.every(({ closedEarly }) => closedEarly))
  t.equal((await complete(proxy, 'say hi')).status, 200)
})
