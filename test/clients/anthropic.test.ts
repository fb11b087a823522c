import Anthropic from '@anthropic-ai/sdk'
import Anthropic0 from '@anthropic-ai/sdk-0'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { jsonSchemaOutputFormat } from '@anthropic-ai/sdk/helpers/json-schema'
import t from 'tap'
import { startSimulator } from '../../src/simulator/server.ts'
import { waited } from '../servers/http-client.ts'
import { checkedFetch } from './checked-fetch.ts'
import { GLM, KIMI, LLAMA, MODELS, startServer } from './start-server.ts'

const { baseURL } = await startServer(t, { flags: ['--max-retries', '0'], env: { MODEL_ALIASES: JSON.stringify({ 'claude-sonnet-5': GLM }) } })
const options = { baseURL: new URL(baseURL).origin, apiKey: 'unused', maxRetries: 0, fetch: checkedFetch(t) }

/** A program written for the newest version calls the same of the older one. */
const VERSIONS = [
  { version: 1, models: MODELS, library: Anthropic, client: new Anthropic(options) },
  { version: 0, models: [LLAMA, GLM], library: Anthropic0 as unknown as typeof Anthropic, client: new Anthropic0(options) as unknown as Anthropic }
]

const input = { type: 'object' as const, properties: { city: { type: 'string' as const } }, required: ['city'] as const, additionalProperties: false as const }
const weather = { name: 'get_weather', description: 'The weather of a city', input_schema: { ...input, required: ['city'] } }
const time = { name: 'get_time', description: 'The time in a city', input_schema: { ...input, required: ['city'] } }
const CALLS = 'call tool get_weather with {"city":"Oslo"} and call tool get_time with {"city":"Rome"}'
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

function saying (model: string, content: Anthropic.MessageParam['content']) {
  return { model, max_tokens: 500, messages: [{ role: 'user' as const, content }] }
}

/** What a message says, without what the model has thought. */
function said ({ content }: Pick<Anthropic.Message, 'content'>): Anthropic.ContentBlock[] {
  return content.filter(({ type }) => type !== 'thinking')
}

for (const { version, models, client } of VERSIONS) {
  for (const model of models) {
    t.test(`sdk ${version}: ${model} answers, whole and streamed`, async t => {
      const whole = await client.messages.create({ ...saying(model, 'say one two three'), system: 'Be brief.' })
      t.match(whole, { id: /^msg_/, type: 'message', role: 'assistant', model, stop_reason: 'end_turn', stop_sequence: null, _request_id: /^req_/ })
      t.strictSame(said(whole), [{ type: 'text', text: 'one two three' }])
      t.ok(whole.usage.input_tokens > 0 && whole.usage.output_tokens > 0)

      let text = ''
      const stream = client.messages.stream(saying(model, 'say one two three')).on('text', piece => { text += piece })
      const streamed = await stream.finalMessage()
      t.equal(text, 'one two three')
      t.strictSame(said(streamed), said(whole))
      t.match(streamed, { stop_reason: 'end_turn', usage: { output_tokens: Number } })
      t.ok(streamed.usage.input_tokens > 0)

      const types: string[] = []
      for await (const { type } of await client.messages.create({ ...saying(model, 'say one'), stream: true })) types.push(type)
      t.strictSame([types[0], ...types.slice(-2)], ['message_start', 'message_delta', 'message_stop'])
    })

    t.test(`sdk ${version}: ${model} calls two tools at once, and answers with what they say`, async t => {
      const body = { ...saying(model, CALLS), tools: [weather, time] }
      for (const asked of [await client.messages.create(body), await client.messages.stream(body).finalMessage()]) {
        t.equal(asked.stop_reason, 'tool_use')
        const calls = said(asked).flatMap(block => block.type === 'tool_use' ? [block] : [])
        t.match(calls, [{ id: /^toolu_/, name: 'get_weather', input: { city: 'Oslo' } }, { id: /^toolu_/, name: 'get_time', input: { city: 'Rome' } }])
        const results: Anthropic.ToolResultBlockParam[] = [
          { type: 'tool_result', tool_use_id: calls[0]?.id ?? '', content: 'sunny' },
          { type: 'tool_result', tool_use_id: calls[1]?.id ?? '', content: [{ type: 'text', text: 'no clock' }], is_error: true }
        ]
        const answer = await client.messages.create({ ...body, messages: [...body.messages, { role: 'assistant', content: asked.content }, { role: 'user', content: results }] })
        t.match(said(answer), [{ type: 'text', text: /sunny.*no clock/s }])
        t.equal(answer.stop_reason, 'end_turn')
      }
    })

    t.test(`sdk ${version}: ${model} works with a tool until it has an answer, whole and streamed`, async t => {
      const asked: string[] = []
      const tool = betaTool({
        name: 'get_weather',
        description: 'The weather of a city',
        inputSchema: input,
        run: ({ city }) => {
          asked.push(city)
          return `sunny in ${city}`
        }
      })
      const body = { ...saying(model, 'call tool get_weather with {"city":"Oslo"}'), tools: [tool] }
      const whole = await client.beta.messages.toolRunner(body)
      t.match(whole.content.at(-1), { type: 'text', text: 'The tool answered: sunny in Oslo' })
      const streamed = await client.beta.messages.toolRunner({ ...body, stream: true })
      t.match(streamed.content.at(-1), { type: 'text', text: 'The tool answered: sunny in Oslo' })
      t.strictSame(asked, ['Oslo', 'Oslo'])
    })

    t.test(`sdk ${version}: ${model} calls the tool it must, one or none`, async t => {
      const cases: Array<[Anthropic.ToolChoice, RegExp | undefined]> = [
        [{ type: 'any', disable_parallel_tool_use: true }, /^get_(weather|time)$/],
        [{ type: 'tool', name: 'get_time' }, /^get_time$/],
        [{ type: 'none' }, undefined]
      ]
      for (const [choice, expected] of cases) {
        const message = await client.messages.create({ ...saying(model, 'Good morning!'), tools: [weather, time], tool_choice: choice })
        const calls = said(message).flatMap(block => block.type === 'tool_use' ? [block.name] : [])
        if (expected === undefined) t.strictSame(calls, [])
        else t.match(calls, [expected], JSON.stringify(choice))
      }
      const one = await client.messages.create({ ...saying(model, CALLS), tools: [weather, time], tool_choice: { type: 'auto', disable_parallel_tool_use: true } })
      t.equal(said(one).filter(({ type }) => type === 'tool_use').length, 1)
    })

    t.test(`sdk ${version}: ${model} answers in the shape of a schema, whole and streamed`, async t => {
      const format = jsonSchemaOutputFormat({ type: 'object', properties: { city: { type: 'string' }, degrees: { type: 'integer' } }, required: ['city', 'degrees'], additionalProperties: false })
      const body = { ...saying(model, 'What is the weather in Oslo?'), output_config: { format } }
      t.match((await client.messages.parse(body)).parsed_output, { city: String, degrees: Number })
      t.match((await client.messages.stream(body).finalMessage()).parsed_output, { city: String, degrees: Number })
    })

    t.test(`sdk ${version}: ${model} ends where it should`, async t => {
      const given = { ...saying(model, 'say one two three four'), thinking: { type: 'disabled' as const } }
      const cases = [
        { limit: { stop_sequences: ['five', 'three'] }, end: { stop_reason: 'stop_sequence', stop_sequence: 'three', content: [{ text: 'one two ' }] } },
        { limit: { max_tokens: 2 }, end: { stop_reason: 'max_tokens', stop_sequence: null, content: [{ text: 'one two' }] } }
      ]
      for (const { limit, end } of cases) {
        t.match(await client.messages.create({ ...given, ...limit }), end)
        t.match(await client.messages.stream({ ...given, ...limit }).finalMessage(), end, 'streamed')
      }
    })
  }

  t.test(`sdk ${version}: what a model thinks is a block of its own, goes back with its call, and is left out when it is not wanted`, async t => {
    const body = { ...saying(GLM, 'think hard then say yes'), max_tokens: 4_000, thinking: { type: 'enabled' as const, budget_tokens: 2_000 } }
    for (const message of [await client.messages.create(body), await client.messages.stream(body).finalMessage()]) {
      t.match(message.content, [{ type: 'thinking', thinking: 'hard', signature: /./ }, { type: 'text', text: 'yes' }])
      const next = await client.messages.create({ ...body, messages: [...body.messages, { role: 'assistant', content: message.content }, { role: 'user', content: 'say good' }] })
      t.match(said(next), [{ type: 'text', text: 'good' }])
    }
    t.match((await client.messages.create({ ...body, thinking: { type: 'disabled' } })).content, [{ type: 'text', text: 'yes' }])
    const omitted = await client.messages.create({ ...body, thinking: { type: 'adaptive', display: 'omitted' } })
    t.match(omitted.content, [{ type: 'thinking', thinking: '', signature: /./ }, { type: 'text', text: 'yes' }])
  })

  t.test(`sdk ${version}: images are seen by models that see, and refused by others`, async t => {
    const image: Anthropic.ContentBlockParam[] = [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }, { type: 'text', text: 'What is this?' }]
    t.match(said(await client.messages.create(saying(KIMI, image))), [{ type: 'text', text: /PNG/ }])
    await t.rejects(client.messages.create(saying(LLAMA, image)), { status: 400, type: 'invalid_request_error', message: /messages\.0\.content\.0/ })
  })
}

for (const { version, library, client } of VERSIONS) {
  t.test(`sdk ${version}: failures arrive as the class, status and type that programs act on`, async t => {
    const create = (body: object) => () => client.messages.create({ ...saying(LLAMA, 'say hi'), ...body })
    const failing = (code: number) => create({ messages: [{ role: 'user', content: `fail with code ${code}` }] })
    const cases = [
      { name: 'a wrong message', given: create({ messages: [{ role: 'bogus', content: 'hi' }] }), type: library.BadRequestError, expected: { status: 400, type: 'invalid_request_error', message: /messages\.0\.role/ } },
      { name: 'a full context window', given: create({ messages: [{ role: 'user', content: 'word '.repeat(30_000) }] }), type: library.BadRequestError, expected: { status: 400, type: 'invalid_request_error', message: /prompt is too long: \d+ tokens > 24000 maximum/ } },
      { name: 'an unknown model', given: create({ model: 'claude-nobody' }), type: library.NotFoundError, expected: { status: 404, type: 'not_found_error', message: /MODEL_ALIASES/ } },
      { name: 'neurons used up', given: failing(4006), type: library.RateLimitError, expected: { status: 429, type: 'rate_limit_error', message: /daily free allocation/ } },
      { name: 'a busy model', given: failing(3040), type: library.APIError, expected: { type: /^(overloaded_error|rate_limit_error)$/ } },
      { name: 'a broken upstream', given: failing(524), type: library.InternalServerError, expected: { type: /^(api_error|timeout_error)$/ } }
    ]
    for (const { name, given, type, expected } of cases) {
      const error = await given().then(() => undefined, (error: unknown) => error)
      t.ok(error instanceof type, `${name} is a ${type.name}`)
      t.match(error, { ...expected, requestID: /^req_/ }, name)
    }
  })

  t.test(`sdk ${version}: used up neurons are no reason to try again, and a busy model is`, async t => {
    // a second try of anybody's would be served
    const asked = saying(LLAMA, `fail 1 times with code 4006 then say hi ${version}`)
    await t.rejects(client.messages.create(asked, { maxRetries: 3 }), { status: 429, message: /neurons/ })
    const busy = await client.messages.create(saying(LLAMA, `fail 1 times with code 3040 then say hi ${version}`), { maxRetries: 3 })
    t.match(busy.content, [{ text: `hi ${version}` }])
  })

  t.test(`sdk ${version}: a stream that breaks throws, it does not end`, async t => {
    for (const script of ['break after 3 frames, say 10 words', 'end after 3 frames, say 10 words', 'bad frame after 3 frames, say 10 words', 'error frame after 3 frames, say 10 words']) {
      let text = ''
      const stream = client.messages.stream(saying(LLAMA, script)).on('text', piece => { text += piece })
      const error = await stream.finalMessage().then(() => undefined, (error: unknown) => error)
      t.ok(error instanceof library.APIError, script)
      t.match(error, { type: /^(api_error|overloaded_error)$/ }, script)
      t.match(text, /^alpha bravo/, 'what had come was read')
    }
  })

  t.test(`sdk ${version}: tokens are counted, no fewer than they will be`, async t => {
    for (const model of MODELS) {
      const asked = { model, system: 'Be brief.', tools: [weather], messages: saying(model, 'say Hello there').messages }
      const { input_tokens: counted } = await client.messages.countTokens(asked)
      const { usage } = await client.messages.create({ ...asked, max_tokens: 50 })
      t.ok(counted >= usage.input_tokens + (usage.cache_read_input_tokens ?? 0), `${model}: ${counted} counted, ${usage.input_tokens} billed`)
    }
    await t.rejects(client.messages.countTokens({ ...saying('claude-nobody', 'hi') }), { status: 404, type: 'not_found_error', message: /claude-nobody/ })
  })

  t.test(`sdk ${version}: models are listed page by page, aliases included, and found by an id with slashes`, async t => {
    const ids: string[] = []
    for await (const { id, type } of client.models.list({ limit: 7 })) {
      t.equal(type, 'model')
      ids.push(id)
    }
    t.equal(new Set(ids).size, ids.length)
    for (const model of [...MODELS, 'claude-sonnet-5']) t.ok(ids.includes(model), model)
    t.match(await client.models.retrieve(KIMI), { id: KIMI, type: 'model', max_input_tokens: 262_144 })
    t.match(await client.models.retrieve('claude-sonnet-5'), { id: 'claude-sonnet-5', type: 'model' })
    await t.rejects(client.models.retrieve('claude-nobody'), { status: 404, type: 'not_found_error', message: /claude-nobody/ })
  })

  t.test(`sdk ${version}: a name that is mapped is served, and answered by that name`, async t => {
    t.match(await client.messages.create(saying('claude-sonnet-5', 'say hi')), { model: 'claude-sonnet-5', content: [{ type: 'thinking' }, { text: 'hi' }] })
  })
}

t.test('keys are taken by both headers, and never shown', async t => {
  const { baseURL, log } = await startServer(t, { env: { API_KEYS: 'right-key' }, flags: ['--log-level', 'trace'] })
  const own = { ...options, baseURL: new URL(baseURL).origin }
  for (const client of [new Anthropic({ ...own, apiKey: 'wrong-key' }), new Anthropic0({ ...own, apiKey: 'wrong-key' }) as unknown as Anthropic]) {
    await t.rejects(client.messages.create(saying(LLAMA, 'say hi')), { status: 401, type: 'authentication_error', message: /401/ })
  }
  const right = { ...own, apiKey: 'right-key' }
  for (const client of [new Anthropic(right), new Anthropic0(right) as unknown as Anthropic, new Anthropic0({ ...own, apiKey: null, authToken: 'right-key' }) as unknown as Anthropic]) {
    t.match((await client.messages.create(saying(LLAMA, 'say hi'))).content, [{ text: 'hi' }])
  }
  t.notMatch(log(), /(right|wrong)-key/)
})

t.test('a stream that is aborted closes its upstream within a second', async t => {
  const simulator = await startSimulator()
  t.teardown(() => simulator.close())
  const { baseURL } = await startServer(t, { simulator })
  const client = new Anthropic({ baseURL: new URL(baseURL).origin, apiKey: 'unused' })
  for await (const { type } of await client.messages.create({ ...saying(LLAMA, 'slowly say 100 words'), stream: true })) {
    if (type === 'content_block_delta') break
  }
  t.ok(await waited(() => simulator.openStreams === 0) < 1_000)
  t.strictSame(simulator.requests.map(({ closedEarly }) => closedEarly), [true])
})

t.test('a base URL with the version in it is told the right one', async t => {
  const client = new Anthropic({ ...options, baseURL })
  await t.rejects(client.messages.create(saying(LLAMA, 'hi')), { status: 404, type: 'not_found_error', message: /\/v1/ })
})
