import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import OpenAI from 'openai'
import { zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod'
import t from 'tap'
import { z } from 'zod'
import { GLM, KIMI, LLAMA, MODELS, startServer } from './start-server.ts'

type Input = OpenAI.Responses.ResponseInput

const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false }
const weather: OpenAI.Responses.FunctionTool = { type: 'function', name: 'get_weather', description: 'The weather of a city', parameters, strict: true }
const shout: OpenAI.Responses.CustomTool = { type: 'custom', name: 'shout', description: 'Shouts a text' }
const City = z.object({ name: z.string(), population: z.number() })

const { baseURL } = await startServer(t, { flags: ['--max-retries', '1'] })
const client = new OpenAI({ baseURL, apiKey: 'unused' })

for (const model of MODELS) {
  t.test(`${model} responds`, async t => {
    const response = await client.responses.create({ model, instructions: 'Be brief.', input: 'say Hello 42 times', metadata: { a: 'b' } })
    t.equal(response.output_text, 'Hello 42 times')
    t.match(response, { id: /^resp_[0-9a-f]{50}$/, object: 'response', status: 'completed', model, error: null, incomplete_details: null, instructions: 'Be brief.', metadata: { a: 'b' } })
    const { input_tokens: input, output_tokens: output, total_tokens: total } = response.usage ?? {}
    t.ok(input && output && total === input + output, 'usage adds up')
    t.match(response._request_id, /^req_/)
  })

  t.test(`${model} responds in a stream`, async t => {
    const events: OpenAI.Responses.ResponseStreamEvent[] = []
    for await (const event of await client.responses.create({ model, input: 'say one two three', stream: true })) events.push(event)
    t.strictSame(events.map(event => event.sequence_number), events.map((_, index) => index))
    t.equal(events.map(event => event.type === 'response.output_text.delta' ? event.delta : '').join(''), 'one two three')
    t.equal(events[0]?.type, 'response.created')
    t.match(events.at(-1), { type: 'response.completed', response: { status: 'completed', usage: { output_tokens: Number } } })
  })

  t.test(`${model} responds to the helper`, async t => {
    const stream = client.responses.stream({ model, input: 'think hard then say one two three' })
    const deltas: string[] = []
    stream.on('response.output_text.delta', ({ delta, snapshot }) => {
      deltas.push(delta)
      t.equal(snapshot, deltas.join(''))
    })
    const response = await stream.finalResponse()
    t.equal(response.output_text, 'one two three')
    t.equal(deltas.join(''), 'one two three')
  })

  t.test(`${model} calls two tools at once, and answers with their results by the response's id`, async t => {
    const body = { model, tools: [weather] }
    const input = 'call tool get_weather with {"city":"Oslo"} and call tool get_weather with {"city":"Rome"}'
    const plain = await client.responses.create({ ...body, input })
    const streamed = await client.responses.stream({ ...body, input }).finalResponse()
    for (const response of [plain, streamed]) {
      const calls = response.output.flatMap(item => item.type === 'function_call' ? [item] : [])
      t.match(calls, [
        { id: /^fc_/, call_id: /^call_/, name: 'get_weather', arguments: '{"city":"Oslo"}', status: 'completed' },
        { id: /^fc_/, call_id: /^call_/, name: 'get_weather', arguments: '{"city":"Rome"}', status: 'completed' }
      ])
      const outputs: Input = calls.map(({ call_id: id }) => ({ type: 'function_call_output', call_id: id, output: 'sunny' }))
      const { output_text: text } = await client.responses.create({ ...body, previous_response_id: response.id, input: outputs })
      t.match(text, /sunny/)
    }
  })

  t.test(`${model} answers with results when the history is sent back whole`, async t => {
    const input: Input = [{ role: 'user', content: 'call tool get_weather with {"city":"Oslo"}' }]
    const body = { model, tools: [weather], store: false }
    const first = await client.responses.create({ ...body, input })
    const history: Input = [...input, ...first.output as Input, ...first.output.flatMap(item => item.type === 'function_call' ? [{ type: 'function_call_output' as const, call_id: item.call_id, output: 'sunny' }] : [])]
    t.equal((await client.responses.create({ ...body, input: history })).output_text, 'The tool answered: sunny')
  })

  t.test(`${model} calls the tool it must`, async t => {
    for (const choice of ['required' as const, { type: 'function' as const, name: 'get_weather' }]) {
      const { output } = await client.responses.create({ model, input: 'Good morning!', tools: [weather], tool_choice: choice })
      t.match(output.at(-1), { type: 'function_call', name: 'get_weather' })
    }
  })

  t.test(`${model} calls a custom tool`, async t => {
    const body = { model, tools: [shout] }
    const plain = await client.responses.create({ ...body, input: 'call tool shout with {"input":"HEY"}' })
    const streamed = await client.responses.stream({ ...body, input: 'call tool shout with {"input":"HEY"}' }).finalResponse()
    for (const response of [plain, streamed]) {
      const [call] = response.output.flatMap(item => item.type === 'custom_tool_call' ? [item] : [])
      t.match(call, { id: /^ctc_/, name: 'shout', input: 'HEY', call_id: /^call_/ })
      const { output_text: text } = await client.responses.create({ ...body, previous_response_id: response.id, input: [{ type: 'custom_tool_call_output', call_id: call?.call_id ?? '', output: 'echo' }] })
      t.equal(text, 'The tool answered: echo')
    }
  })

  t.test(`${model} is parsed`, async t => {
    const body = { model, input: 'Tell me of a city', text: { format: zodTextFormat(City, 'city') } }
    const parsed = await client.responses.parse(body)
    t.equal(City.safeParse(parsed.output_parsed).success, true)
    const streamed = await client.responses.stream(body).finalResponse()
    t.equal(City.safeParse(streamed.output_parsed).success, true, 'streamed')
    const { output } = await client.responses.parse({ model, input: 'call tool find with {"name":"Oslo","population":1}', tools: [zodResponsesFunction({ name: 'find', parameters: City })] })
    t.match(output.at(-1), { type: 'function_call', parsed_arguments: { name: 'Oslo', population: 1 } })
  })

  t.test(`${model} is cut where it should`, async t => {
    const body = { model, input: 'say one two three four', max_output_tokens: 2, reasoning: { effort: 'none' as const } }
    const plain = await client.responses.create(body)
    const streamed = await client.responses.stream(body).finalResponse()
    for (const response of [plain, streamed]) {
      t.match(response, { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output_text: 'one two' })
    }
  })
}

t.test('thinking is an item, in full or as the summary that was asked for', async t => {
  for (const model of [KIMI, GLM]) {
    const body = { model, input: 'think hard then say yes' }
    const full = await client.responses.stream(body).finalResponse()
    t.match(full.output, [{ type: 'reasoning', id: /^rs_/, summary: [], content: [{ type: 'reasoning_text', text: 'hard' }] }, { type: 'message' }])
    const summed = await client.responses.stream({ ...body, reasoning: { summary: 'auto' } }).finalResponse()
    t.match(summed.output, [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'hard' }] }, { type: 'message' }])
  }
})

t.test('what was stored is there, and its items can be listed and named', async t => {
  const first = await client.responses.create({ model: LLAMA, input: 'say one' })
  const second = await client.responses.create({ model: LLAMA, input: [{ role: 'user', content: 'say two' }], previous_response_id: first.id })
  t.equal(second.output_text, 'two')
  t.equal((await client.responses.retrieve(second.id)).output_text, 'two')
  const texts: string[] = []
  for await (const item of client.responses.inputItems.list(second.id, { order: 'asc', limit: 2 })) {
    if (item.type === 'message') texts.push(item.content.map(part => 'text' in part ? part.text : '').join(''))
  }
  t.strictSame(texts, ['say one', 'one', 'say two'], 'over two pages')
  const named = await client.responses.create({ model: LLAMA, input: [{ type: 'item_reference', id: second.output[0]?.id ?? '' }, { role: 'user', content: 'say three' }] })
  t.equal(named.output_text, 'three')
  await client.responses.delete(second.id)
  await t.rejects(client.responses.retrieve(second.id), { status: 404, name: 'Error', message: `404 Response with id '${second.id}' not found.` })
  await t.rejects(client.responses.create({ model: LLAMA, input: 'x', previous_response_id: second.id }), { status: 400, code: 'previous_response_not_found', name: 'Error' })
})

t.test('a server that was killed goes on from its file', async t => {
  // The test's own folder is made anew for each server.
  const folder = mkdtempSync(join(tmpdir(), 'responses-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const env = { STORE_PATH: join(folder, 'responses.db') }
  const first = await startServer(t, { env })
  const { id } = await new OpenAI({ baseURL: first.baseURL, apiKey: 'unused' }).responses.create({ model: LLAMA, input: 'say one' })
  await first.stop()
  const second = await startServer(t, { env })
  const { output_text: text } = await new OpenAI({ baseURL: second.baseURL, apiKey: 'unused' }).responses.create({ model: LLAMA, input: 'say two', previous_response_id: id })
  t.equal(text, 'two')
})

t.test('every failure is the error the library has for it', async t => {
  const create = (body: object) => client.responses.create({ model: LLAMA, input: 'x', ...body }, { maxRetries: 0 })
  const cases = [
    { name: 'a wrong parameter', given: { temperature: 3 }, type: OpenAI.BadRequestError, expected: { status: 400, code: 'decimal_above_max_value', param: 'temperature' } },
    { name: 'an unknown model', given: { model: 'nobody' }, type: OpenAI.NotFoundError, expected: { status: 404, code: 'model_not_found' } },
    { name: 'a full context window', given: { input: 'fail with code 5021' }, type: OpenAI.BadRequestError, expected: { code: 'context_length_exceeded', param: 'input' } },
    { name: 'the background', given: { background: true }, type: OpenAI.BadRequestError, expected: { param: 'background' } },
    { name: 'a busy model', given: { input: 'fail with 429' }, type: OpenAI.RateLimitError, expected: { status: 429, code: 'rate_limit_exceeded' } },
    { name: 'a used-up quota', given: { input: 'fail with code 4006' }, type: OpenAI.RateLimitError, expected: { code: 'insufficient_quota' } }
  ]
  for (const { name, given, type, expected } of cases) {
    for (const stream of [false, true]) {
      const error = await create({ ...given, stream }).then(() => undefined, (error: unknown) => error)
      t.ok(error instanceof type, `${name} is a ${type.name}`)
      t.match(error, { ...expected, requestID: /^req_/ }, name)
    }
  }
})

t.test('a stream that breaks throws, it does not end', async t => {
  const body = { model: LLAMA, input: 'break after 3 frames, say 10 words' }
  async function read (): Promise<void> {
    for await (const event of await client.responses.create({ ...body, stream: true })) t.not(event.type, 'response.completed')
  }
  await t.rejects(read(), { type: 'server_error', code: 'upstream_truncated', name: 'Error' })
  await t.rejects(client.responses.stream(body).finalResponse(), { type: 'server_error', code: 'upstream_truncated', name: 'Error' }, 'the helper throws, too')
})
