import OpenAI from 'openai'
import t from 'tap'
import { startSimulator } from '../../src/simulator/server.ts'
import { waited } from '../servers/http-client.ts'
import { KIMI, LLAMA, MODELS, startServer } from './start-server.ts'

type Messages = OpenAI.ChatCompletionMessageParam[]

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }
const weather: OpenAI.ChatCompletionFunctionTool = { type: 'function', function: { name: 'get_weather', description: 'The weather of a city', parameters } }
const time: OpenAI.ChatCompletionFunctionTool = { type: 'function', function: { name: 'get_time', parameters } }

const { baseURL } = await startServer(t, { flags: ['--max-retries', '1'] })
const client = new OpenAI({ baseURL, apiKey: 'unused' })

function saying (content: string, model = LLAMA) {
  return { model, messages: [{ role: 'user', content }] satisfies Messages }
}

for (const model of MODELS) {
  t.test(`${model} answers`, async t => {
    const completion = await client.chat.completions.create(saying('say Hello 42 times', model))
    t.match(completion, { object: 'chat.completion', model, choices: [{ index: 0, message: { role: 'assistant', content: 'Hello 42 times', refusal: null }, finish_reason: 'stop' }] })
    t.match(completion.id, /^chatcmpl-/)
    const { prompt_tokens: prompt, completion_tokens: answer, total_tokens: total } = completion.usage ?? {}
    t.ok(prompt && answer && total === prompt + answer, 'usage adds up')
    t.match(completion._request_id, /^req_/)
  })

  t.test(`${model} takes messages of every form`, async t => {
    const messages: Messages = [
      { role: 'system', content: [{ type: 'text', text: 'Be brief.' }, { type: 'text', text: 'Be kind.' }] },
      { role: 'developer', content: 'Be right.', name: 'boss' },
      { role: 'user', content: 'Weather?', name: 'ann' },
      { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } }] },
      { role: 'tool', tool_call_id: 'call_1', content: [{ type: 'text', text: 'sunny' }] },
      { role: 'assistant', content: [{ type: 'text', text: 'It is sunny.' }] },
      { role: 'user', content: 'More?' },
      { role: 'assistant', content: null, function_call: { name: 'get_weather', arguments: '{}' } },
      { role: 'function', name: 'get_weather', content: 'rain' },
      { role: 'assistant', content: null, refusal: 'I will not.' },
      { role: 'user', content: [{ type: 'text', text: 'say yes' }] }
    ]
    const { choices } = await client.chat.completions.create({ model, messages, tools: [weather] })
    t.equal(choices[0]?.message.content, 'yes')
  })

  t.test(`${model} streams`, async t => {
    const stream = await client.chat.completions.create({ ...saying('say one two three', model), stream: true, stream_options: { include_usage: true } })
    const chunks: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of stream) chunks.push(chunk)
    t.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), 'one two three')
    t.strictSame(chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? []), ['stop'])
    t.equal(new Set(chunks.map(({ id }) => id)).size, 1)
    t.match(chunks.at(-1), { choices: [], usage: { completion_tokens: Number } })
    t.ok(chunks.slice(0, -1).every(({ usage }) => usage === null))
  })

  t.test(`${model} streams to the helper`, async t => {
    const stream = client.chat.completions.stream({ ...saying('say one two three', model), stream_options: { include_usage: true } })
    t.equal(await stream.finalContent(), 'one two three')
    const { choices: [choice] } = await stream.finalChatCompletion()
    t.equal(choice?.finish_reason, 'stop')
    const usage = await stream.totalUsage()
    t.ok(usage.total_tokens === usage.prompt_tokens + usage.completion_tokens && usage.total_tokens > 0)
  })

  t.test(`${model} calls two tools at once`, async t => {
    const body = { ...saying('call tool get_weather with {"city":"Oslo"} and call tool get_time with {"city":"Rome"}', model), tools: [weather, time] }
    const plain = await client.chat.completions.create(body)
    const streamed = await client.chat.completions.stream(body).finalChatCompletion()
    for (const { choices: [choice] } of [plain, streamed]) {
      const calls = choice?.message.tool_calls ?? []
      t.equal(choice?.finish_reason, 'tool_calls')
      t.equal(choice?.message.content, null)
      t.match(calls, [
        { id: /^call_\w+$/, type: 'function', function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } },
        { id: /^call_\w+$/, type: 'function', function: { name: 'get_time', arguments: '{"city":"Rome"}' } }
      ])
      t.not(calls[0]?.id, calls[1]?.id)
    }
  })

  t.test(`${model} works with a tool until it has an answer`, async t => {
    const asked: string[] = []
    const tool = {
      type: 'function' as const,
      function: {
        name: 'get_weather',
        description: 'The weather of a city',
        parameters,
        parse: JSON.parse,
        function: ({ city }: { city: string }) => {
          asked.push(city)
          return 'sunny'
        }
      }
    }
    const body = { ...saying('call tool get_weather with {"city":"Oslo"}', model), tools: [tool] }
    t.equal(await client.chat.completions.runTools(body).finalContent(), 'The tool answered: sunny')
    t.equal(await client.chat.completions.runTools({ ...body, stream: true }).finalContent(), 'The tool answered: sunny', 'streamed')
    t.strictSame(asked, ['Oslo', 'Oslo'])
  })

  t.test(`${model} calls the tool it must`, async t => {
    const cases = [
      { choice: 'required' as const, expected: /^get_(weather|time)$/ },
      { choice: { type: 'function' as const, function: { name: 'get_time' } }, expected: /^get_time$/ }
    ]
    for (const { choice, expected } of cases) {
      const body = { ...saying('Good morning!', model), tools: [weather, time], tool_choice: choice }
      const { choices } = await client.chat.completions.create(body)
      t.match(choices, [{ message: { tool_calls: [{ function: { name: expected } }] }, finish_reason: 'tool_calls' }])
      const call = await client.chat.completions.stream(body).finalFunctionToolCall()
      t.match(call?.name, expected)
      t.type(JSON.parse(call?.arguments ?? ''), 'object')
    }
    const { choices } = await client.chat.completions.create({ ...saying('call tool get_time', model), tools: [time], tool_choice: 'none' })
    t.equal(choices[0]?.message.tool_calls, undefined)
  })

  t.test(`${model} gives several answers`, async t => {
    const body = { ...saying('say one two three', model), n: 2 }
    const { choices } = await client.chat.completions.create(body)
    t.match(choices, [{ index: 0, message: { content: 'one two three' } }, { index: 1, message: { content: 'one two three' } }])
    const streamed = await client.chat.completions.stream(body).finalChatCompletion()
    t.strictSame(streamed.choices.map(({ index, message, finish_reason: reason }) => [index, message.content, reason]), [[0, 'one two three', 'stop'], [1, 'one two three', 'stop']])
  })

  t.test(`${model} ends where it should`, async t => {
    const cases = [
      { name: 'at a stop sequence', limit: { stop: ['five', 'three'] }, content: /^one two $/, reason: 'stop' },
      { name: 'at max_tokens', limit: { max_tokens: 2 }, content: /^one two$/, reason: 'length' },
      { name: 'at max_completion_tokens', limit: { max_completion_tokens: 2 }, content: /^one two$/, reason: 'length' }
    ]
    for (const { name, limit, content, reason } of cases) {
      // some models think first, which would use the limit up
      const body = { ...saying('say one two three four', model), reasoning_effort: 'none' as const, ...limit }
      const { choices: [plain] } = await client.chat.completions.create(body)
      const { choices: [streamed] } = await client.chat.completions.stream(body).finalChatCompletion()
      for (const choice of [plain, streamed]) {
        t.match(choice?.message.content, content, name)
        t.equal(choice?.finish_reason, reason, name)
      }
    }
  })

  t.test(`${model} answers deprecated functions in their own words`, async t => {
    const { choices } = await client.chat.completions.create({
      ...saying('call tool get_weather with {"city":"Oslo"}', model),
      functions: [{ name: 'get_weather', parameters }]
    })
    t.match(choices, [{ message: { content: null, function_call: { name: 'get_weather', arguments: '{"city":"Oslo"}' } }, finish_reason: 'function_call' }])
    t.equal(choices[0]?.message.tool_calls, undefined)
  })

  t.test(`${model} answers in the shape of a schema`, async t => {
    const schema = { type: 'object', properties: { city: { type: 'string' }, degrees: { type: 'integer' } }, required: ['city', 'degrees'], additionalProperties: false }
    const { choices: [choice] } = await client.chat.completions.parse({
      ...saying('What is the weather in Oslo?', model),
      response_format: { type: 'json_schema', json_schema: { name: 'weather', strict: true, schema } }
    })
    t.match(choice?.message.parsed, { city: String, degrees: Number })
  })
}

t.test('models are listed, and found by an id with slashes', async t => {
  const ids: string[] = []
  for await (const { id } of client.models.list()) ids.push(id)
  for (const model of MODELS) t.ok(ids.includes(model), model)
  t.match(await client.models.retrieve(KIMI), { id: KIMI, object: 'model', owned_by: 'moonshotai' })
  for (const path of [KIMI, encodeURIComponent(KIMI)]) {
    t.match(await (await fetch(`${baseURL}/models/${path}`)).json(), { id: KIMI }, path)
  }
})

t.test('failures arrive as the class, code and field that programs act on', async t => {
  const create = (body: object) => () => client.chat.completions.create({ ...saying('say hi'), ...body }, { maxRetries: 0 })
  const cases = [
    { name: 'a wrong parameter', given: create({ temperature: 3 }), type: OpenAI.BadRequestError, expected: { status: 400, type: 'invalid_request_error', param: 'temperature', code: 'decimal_above_max_value' } },
    { name: 'a wrong message', given: create({ messages: [{ role: 'bogus' }] }), type: OpenAI.BadRequestError, expected: { param: 'messages[0].role', code: 'invalid_value' } },
    { name: 'a full context window', given: create({ messages: [{ role: 'user', content: 'word '.repeat(30_000) }] }), type: OpenAI.BadRequestError, expected: { param: 'messages', code: 'context_length_exceeded' } },
    { name: 'an unknown model', given: create({ model: 'gpt-4' }), type: OpenAI.NotFoundError, expected: { status: 404, code: 'model_not_found' } },
    { name: 'an unknown model to look up', given: () => client.models.retrieve('gpt-4'), type: OpenAI.NotFoundError, expected: { status: 404, code: 'model_not_found' } },
    { name: 'an endpoint that is not there', given: () => client.post('/nope', { body: {} }), type: OpenAI.NotFoundError, expected: { status: 404, code: null } },
    { name: 'a busy model', given: create({ messages: [{ role: 'user', content: 'fail with 429' }] }), type: OpenAI.RateLimitError, expected: { status: 429, code: 'rate_limit_exceeded' } },
    { name: 'a broken upstream', given: create({ messages: [{ role: 'user', content: 'fail with 524' }] }), type: OpenAI.InternalServerError, expected: { type: 'server_error' } }
  ]
  for (const { name, given, type, expected } of cases) {
    const error = await given().then(() => undefined, (error: unknown) => error)
    t.ok(error instanceof type, `${name} is a ${type.name}`)
    t.match(error, { ...expected, requestID: /^req_/ }, name)
  }
})

t.test('a stream that breaks throws, it does not end', async t => {
  for (const script of ['break after 3 frames, say 10 words', 'end after 3 frames, say 10 words', 'bad frame after 3 frames, say 10 words']) {
    const chunks: OpenAI.ChatCompletionChunk[] = []
    async function read (): Promise<void> {
      const stream = await client.chat.completions.create({ ...saying(script), stream: true })
      for await (const chunk of stream) chunks.push(chunk)
    }
    const error = await read().then(() => undefined, (error: unknown) => error)
    t.ok(error instanceof OpenAI.APIError, script)
    t.match(error, { type: 'server_error', code: /^upstream_/ }, script)
    t.match(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''), /^alpha bravo/, 'what had come was read')
    await t.rejects(client.chat.completions.stream(saying(script)).finalContent(), { type: 'server_error', code: /^upstream_/ }, 'the helper throws, too')
  }
})

t.test('used up neurons are no reason to try again', async t => {
  // a second try of anybody's would be served
  const failing = client.chat.completions.create(saying('fail 1 times with code 4006 then say hi'), { maxRetries: 3 })
  const error = await failing.then(() => undefined, (error: unknown) => error)
  t.ok(error instanceof OpenAI.RateLimitError)
  t.match(error, { status: 429, type: 'insufficient_quota', code: 'insufficient_quota' })
})

t.test('a failure that may pass is tried again without the program noticing', async t => {
  const { choices } = await client.chat.completions.create(saying('fail 1 times with 503 then say hi'))
  t.equal(choices[0]?.message.content, 'hi')
})

t.test('keys are asked for and never shown', async t => {
  const { baseURL, log } = await startServer(t, { env: { API_KEYS: 'right-key' }, flags: ['--log-level', 'trace'] })
  const wrong = await new OpenAI({ baseURL, apiKey: 'wrong-key' }).models.list().then(() => undefined, (error: unknown) => error)
  t.ok(wrong instanceof OpenAI.AuthenticationError)
  t.match(wrong, { status: 401, code: 'invalid_api_key', type: 'invalid_request_error' })
  const { choices } = await new OpenAI({ baseURL, apiKey: 'right-key' }).chat.completions.create(saying('say hi'))
  t.equal(choices[0]?.message.content, 'hi')
  t.notMatch(log(), /(right|wrong)-key/)
})

t.test('a stream that is aborted closes its upstream within a second', async t => {
  const simulator = await startSimulator()
  t.teardown(() => simulator.close())
  const { baseURL } = await startServer(t, { simulator })
  const own = new OpenAI({ baseURL, apiKey: 'unused' })
  const body = { ...saying('slowly say 100 words'), stream: true as const }

  const controller = new AbortController()
  const stream = await own.chat.completions.create(body, { signal: controller.signal })
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) controller.abort()
  }
  t.ok(await waited(() => simulator.openStreams === 0) < 1_000, 'by its signal')

  for await (const chunk of await own.chat.completions.create(body)) {
    if (chunk.choices[0]?.delta.content) break
  }
  t.ok(await waited(() => simulator.openStreams === 0) < 1_000, 'by a reader that stops')
  t.strictSame(simulator.requests.map(({ closedEarly }) => closedEarly), [true, true])
})

t.test('a request id of the program\'s own comes back', async t => {
  const { _request_id: id } = await client.chat.completions.create(saying('say hi'), { headers: { 'x-request-id': 'mine-1' } })
  t.equal(id, 'mine-1')
})

t.test('texts are completed, whole and streamed', async t => {
  for (const model of MODELS) {
    const body = { model, prompt: 'say one two three' }
    const completion = await client.completions.create(body)
    t.match(completion, { object: 'text_completion', model, choices: [{ index: 0, text: 'one two three', logprobs: null, finish_reason: 'stop' }] })
    const { prompt_tokens: prompt, completion_tokens: answer, total_tokens: total } = completion.usage ?? {}
    t.ok(prompt && answer && total === prompt + answer, 'usage adds up')
    const chunks: OpenAI.Completion[] = []
    for await (const chunk of await client.completions.create({ ...body, stream: true, stream_options: { include_usage: true } })) chunks.push(chunk)
    t.equal(chunks.map(({ choices }) => choices[0]?.text ?? '').join(''), 'one two three', `${model}, streamed`)
    t.strictSame(chunks.flatMap(({ choices }) => choices[0]?.finish_reason ?? []), ['stop'])
    t.match(chunks.at(-1), { choices: [], usage: { completion_tokens: Number } })
  }
  const { choices } = await client.completions.create({ model: LLAMA, prompt: ['say one', 'say two'], n: 2, echo: true })
  t.strictSame(choices.map(({ index, text }) => [index, text]), [[0, 'say oneone'], [1, 'say oneone'], [2, 'say twotwo'], [3, 'say twotwo']])
})

t.test('a text that breaks throws, it does not end', async t => {
  async function read (): Promise<OpenAI.Completion[]> {
    const chunks: OpenAI.Completion[] = []
    for await (const chunk of await client.completions.create({ model: LLAMA, prompt: 'break after 3 frames, say 10 words', stream: true })) chunks.push(chunk)
    return chunks
  }
  await t.rejects(read(), { type: 'server_error', code: 'upstream_truncated' })
  await t.rejects(client.completions.create({ model: LLAMA, prompt: [1, 2] }), { status: 400, code: 'unsupported_value', param: 'prompt' })
})

t.test('texts are embedded, in base64 as the library asks for and as plain numbers', async t => {
  const input = Array.from({ length: 250 }, (_, index) => `text number ${index}`)
  for (const [model, dimensions] of [['@cf/baai/bge-m3', 1_024], ['@cf/google/embeddinggemma-300m', 768], ['@cf/qwen/qwen3-embedding-0.6b', 1_024]] as const) {
    const usual = await client.embeddings.create({ model, input })
    t.strictSame(usual.data.map(({ index, object }) => [index, object]), input.map((_, index) => [index, 'embedding']))
    t.ok(usual.data.every(({ embedding }) => embedding.length === dimensions && embedding.every(value => typeof value === 'number')), model)
    t.match(usual, { object: 'list', model, usage: { prompt_tokens: Number, total_tokens: Number } })
    const floats = await client.embeddings.create({ model, input, encoding_format: 'float' })
    t.strictSame(usual.data.map(({ embedding }) => embedding), floats.data.map(({ embedding }) => embedding.map(Math.fround)), 'both are the same')
    for (const index of [0, 99, 100, 249]) {
      const { data: [alone] } = await client.embeddings.create({ model, input: input[index] ?? '' })
      t.strictSame(usual.data[index]?.embedding, alone?.embedding, `the text in place ${index}`)
    }
  }
  const { data: [short] } = await client.embeddings.create({ model: '@cf/qwen/qwen3-embedding-0.6b', input: 'a', dimensions: 64 })
  t.equal(short?.embedding.length, 64)
  await t.rejects(client.embeddings.create({ model: '@cf/baai/bge-m3', input: 'a', dimensions: 64 }), { status: 400, code: 'unsupported_value', param: 'dimensions' })
  await t.rejects(client.embeddings.create({ model: LLAMA, input: 'a' }), { status: 400, code: 'unsupported_value', param: 'model' })
})
