import t from 'tap'
import { faultsOf } from '../../openai-schemas.ts'
import { ask, GLM, GPT_OSS, KIMI, LLAMA, MISTRAL, saying, startProxy, toChunks } from '../../servers/start-proxy.ts'

const weather = {
  type: 'function',
  function: { name: 'get_weather', description: 'The weather of a city', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }
}

/** The ids and times of an answer as words. */
function masked (answer: string): string {
  return answer
    .replaceAll(/chatcmpl-\w{29}/g, 'chatcmpl-ID')
    .replaceAll(/call_\w{24}/g, 'call_ID')
    .replaceAll(/"fp_[0-9a-f]{10}"/g, '"fp_ID"')
    .replaceAll(/"created":\d{10}\b/g, '"created":0')
}

/** The same chunk around each of these choices. */
function toEvents (choices: string[], rest = ''): string[] {
  return choices.map(choice => `data: {"id":"chatcmpl-ID","object":"chat.completion.chunk","created":0,"model":"${LLAMA}","service_tier":"default","system_fingerprint":"fp_ID","choices":[${choice}]${rest}}\n\n`)
}

t.test('a short stream, to the letter', async t => {
  const response = await ask(await startProxy(t), saying('say Hello 42', { stream: true }))
  t.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  t.equal(response.headers.get('cache-control'), 'no-cache, no-transform')
  t.equal(response.headers.get('x-accel-buffering'), 'no')
  t.equal(response.headers.get('content-encoding'), null)
  t.equal(masked(await response.text()), [
    ...toEvents([
      '{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}',
      '{"index":0,"delta":{"content":"Hello"},"logprobs":null,"finish_reason":null}',
      '{"index":0,"delta":{"content":" "},"logprobs":null,"finish_reason":null}',
      '{"index":0,"delta":{"content":"42"},"logprobs":null,"finish_reason":null}',
      '{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}'
    ]),
    'data: [DONE]\n\n'
  ].join(''))
})

t.test('a tool call with usage, to the letter', async t => {
  const response = await ask(await startProxy(t), saying('call tool get_weather with {"city":"Oslo"}', { tools: [weather], stream: true, stream_options: { include_usage: true } }))
  const [usage] = /"usage":\{.*?\}\}/.exec(masked(await response.clone().text())) ?? []
  t.equal(masked(await response.text()), [
    ...toEvents([
      '{"index":0,"delta":{"role":"assistant","content":null,"refusal":null},"logprobs":null,"finish_reason":null}',
      '{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_ID","type":"function","function":{"name":"get_weather","arguments":"{\\"city\\":\\"Oslo\\"}"}}]},"logprobs":null,"finish_reason":null}',
      '{"index":0,"delta":{},"logprobs":null,"finish_reason":"tool_calls"}'
    ], ',"usage":null'),
    ...toEvents([''], `,${usage}`),
    'data: [DONE]\n\n'
  ].join(''))
})

t.test('an answer, to the letter', async t => {
  const response = await ask(await startProxy(t), saying('say Hello 42'))
  t.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
  t.strictSame(JSON.parse(masked(await response.text())), {
    id: 'chatcmpl-ID',
    object: 'chat.completion',
    created: 0,
    model: LLAMA,
    choices: [{ index: 0, message: { role: 'assistant', content: 'Hello 42', refusal: null, annotations: [] }, logprobs: null, finish_reason: 'stop' }],
    usage: {
      prompt_tokens: 3,
      completion_tokens: 3,
      total_tokens: 6,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 }
    },
    service_tier: 'default',
    system_fingerprint: 'fp_ID'
  })
})

t.test('an error inside a stream, to the letter', async t => {
  const response = await ask(await startProxy(t), saying('error frame after 2 frames, say one two', { stream: true }))
  t.equal(masked(await response.text()), [
    ...toEvents([
      '{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}',
      '{"index":0,"delta":{"content":"one"},"logprobs":null,"finish_reason":null}'
    ]),
    'data: {"error":{"message":"Capacity temporarily exceeded, please try again. (Workers AI 3040)","type":"rate_limit_error","param":null,"code":"rate_limit_exceeded"}}\n\n'
  ].join(''))
})

t.test('every chunk and every answer is one OpenAI could have sent', async t => {
  const proxy = await startProxy(t)
  const messages = [
    { role: 'user', content: 'call tool get_weather with {"city":"Oslo"} and call tool get_weather with {"city":"Rome"}' }
  ]
  const bodies = [
    saying('say one two three'),
    saying('say one two three', { stream_options: { include_usage: true } }),
    saying('say one two three', { n: 2, stream_options: { include_usage: true } }),
    saying('say one two three', { max_tokens: 1 }),
    saying('say one two three', { stop: 'two' }),
    { messages, tools: [weather] },
    { messages, tools: [weather], n: 2 },
    { messages, functions: [weather.function] },
    saying('think hard then say yes'),
    saying('empty stream')
  ]
  for (const model of [LLAMA, MISTRAL, KIMI, GLM, GPT_OSS]) {
    for (const body of bodies) {
      const plain = await (await ask(proxy, { ...body, model })).json()
      t.strictSame(faultsOf('CreateChatCompletionResponse', plain), [], `${model}: ${JSON.stringify(body)}`)
      const stream = await (await ask(proxy, { ...body, model, stream: true })).text()
      t.strictSame(faultsOfStream(stream), [], `${model} streamed: ${JSON.stringify(body)}`)
    }
  }
})

t.test('every failure is one OpenAI could have sent', async t => {
  const proxy = await startProxy(t)
  for (const body of [{}, saying('fail with code 5007'), saying('fail with 502'), saying('x', { model: 'x' })]) {
    t.strictSame(faultsOf('ErrorResponse', await (await ask(proxy, body)).json()), [], JSON.stringify(body))
  }
  const broken = toChunks(await (await ask(proxy, saying('break after 3 frames, say one two three', { stream: true }))).text())
  t.strictSame(faultsOf('ErrorResponse', broken.at(-1)), [])
})

t.test('every model is one OpenAI could have listed', async t => {
  const proxy = await startProxy(t, { MODEL_ALIASES: `{"gpt":"${LLAMA}","other":"@cf/some/new"}` })
  const retired = '/@cf/meta/llama-3-8b-instruct'
  for (const [path, schema] of [['', 'ListModelsResponse'], [`/${LLAMA}`, 'Model'], ['/gpt', 'Model'], [retired, 'Model'], ['/other', 'ErrorResponse']] as const) {
    t.strictSame(faultsOf(schema, await (await fetch(`${proxy.url}/v1/models${path}`)).json()), [], path)
  }
})

interface Chunk {
  id: string
  created: number
  model: string
  choices: Array<{ index: number, delta: Delta, finish_reason: string | null }>
  usage?: object | null
}

interface Delta {
  role?: string
  tool_calls?: Array<{ index: number, id?: string, type?: string, function: { name?: string, arguments: string } }>
}

/** What is wrong with a whole stream: its chunks one by one, and what SDKs expect of them together. */
function faultsOfStream (stream: string): string[] {
  const events = toChunks(stream)
  const chunks = events.slice(0, -1) as Chunk[]
  const choices = chunks.flatMap(chunk => chunk.choices)
  const perChoice = [...new Set(choices.map(({ index }) => index))].map(index => choices.filter(choice => choice.index === index))
  const told = perChoice.flatMap(choice => [
    ...(choice[0]?.delta.role === 'assistant' ? [] : ['no role at the beginning']),
    ...(choice.filter(({ delta }) => 'role' in delta).length === 1 ? [] : ['not one role']),
    ...(choice.at(-1)?.finish_reason ? [] : ['no finish reason at the end']),
    ...(choice.filter(one => one.finish_reason !== null).length === 1 ? [] : ['not one finish reason']),
    ...faultsOfCalls(choice.flatMap(({ delta }) => delta.tool_calls ?? []))
  ])
  return [
    ...chunks.flatMap(chunk => faultsOf('CreateChatCompletionStreamResponse', chunk)),
    ...(events.at(-1) === '[DONE]' ? [] : ['no [DONE] at the end']),
    ...(new Set(chunks.map(({ id, created, model }) => `${id} ${created} ${model}`)).size === 1 ? [] : ['more than one identity']),
    ...(new Set(chunks.map(chunk => 'usage' in chunk)).size === 1 ? [] : ['usage on some chunks only']),
    ...(chunks.slice(0, -1).every(chunk => !chunk.usage) ? [] : ['usage before the end']),
    ...told
  ]
}

function faultsOfCalls (pieces: NonNullable<Delta['tool_calls']>): string[] {
  return [...new Set(pieces.map(({ index }) => index))].flatMap((index, position) => {
    const [first, ...others] = pieces.filter(piece => piece.index === index)
    const args = [first, ...others].map(piece => piece?.function.arguments).join('')
    return [
      ...(index === position ? [] : ['a call out of order']),
      ...(first?.id && first.type === 'function' && first.function.name ? [] : ['a call without a head']),
      ...(others.some(({ id, type, function: { name } }) => id !== undefined || type !== undefined || name !== undefined) ? ['a head twice'] : []),
      ...(args.startsWith('{') && JSON.parse(args) ? [] : [`arguments ${args}`])
    ]
  })
}
