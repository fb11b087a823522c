import { existsSync, readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import type { ResponseObject } from '../../../../src/surfaces/openai/responses/wire.ts'
import { startRecordedUpstream, type Answer } from '../../../servers/recorded-upstream.ts'
import { faultsOf } from '../../../openai-schemas.ts'
import { readResponseStream, respond } from '../../../streams/response-stream.ts'
import { ask, GLM, GPT_OSS, LLAMA, startProxy } from '../../../servers/start-proxy.ts'

const FOLDER = new URL('../../../fixtures/native/', import.meta.url)

/** Oddities of models that a caller of the Responses API meets as well. */
const FOLDERS = ['digits', 'tool-arguments', 'tool-calls', 'tool-leaks']
const ODD = /\/name-|marks|forced|section|arguments-(mended|leaked|stream)/

/** Members of a chat request that a Responses request has, too. */
const MEMBERS = ['tools', 'tool_choice', 'parallel_tool_calls']

interface Case {
  about: string
  model: string
  status?: number
  request?: { tools?: Array<{ function: object }>, tool_choice?: string | { function: object } }
  expected: {
    message?: { content?: string | null, reasoning_content?: string, tool_calls?: Array<{ function: { name: string, arguments: string } }> }
    error?: object
  }
}

interface Fixture extends Case {
  name: string
  native: Answer
  plain: Answer | undefined
}

const fixtures = FOLDERS.flatMap(folder => readdirSync(new URL(folder, FOLDER)).filter(file => file.endsWith('.expected.json')).map(file => readFixture(`${folder}/${file.replace('.expected.json', '')}`)))
  .filter(({ name, request = {}, expected, status = 200 }) => ODD.test(name) && status === 200 && expected.error === undefined && Object.keys(request).every(name => MEMBERS.includes(name)))

function readFixture (name: string): Fixture {
  const at = (ending: string) => new URL(name + ending, FOLDER)
  const isStream = existsSync(at('.sse'))
  return {
    name,
    ...JSON.parse(readFileSync(at('.expected.json'), 'utf8')) as Case,
    native: { contentType: isStream ? 'text/event-stream' : 'application/json', body: readFileSync(at(isStream ? '.sse' : '.json')) },
    plain: existsSync(at('.plain.json')) ? { body: readFileSync(at('.plain.json')) } : undefined
  }
}

function toRequest ({ model, request: { tools, tool_choice: choice, ...rest } = {} }: Fixture): object {
  return {
    model,
    input: 'Hello?',
    ...rest,
    ...(tools && { tools: tools.map(tool => ({ type: 'function', ...tool.function })) }),
    ...(choice !== undefined && { tool_choice: typeof choice === 'string' ? choice : { type: 'function', ...choice.function } })
  }
}

/** What a response says, thinks and calls. */
function toTold ({ output }: ResponseObject): object {
  const text = (parts: ReadonlyArray<{ text: string }> | undefined) => (parts ?? []).map(part => part.text).join('')
  return {
    content: output.map(item => item.type === 'message' ? text(item.content) : '').join(''),
    reasoning: output.map(item => item.type === 'reasoning' ? text(item.content) : '').join(''),
    calls: output.flatMap(item => item.type === 'function_call' ? [`${item.name}(${item.arguments})`] : [])
  }
}

function toExpected ({ message }: Case['expected']): object {
  return {
    content: message?.content ?? '',
    reasoning: message?.reasoning_content ?? '',
    calls: (message?.tool_calls ?? []).map(call => `${call.function.name}(${call.function.arguments})`)
  }
}

t.test('the oddities of models are mended in a response as in a chat, plain and streamed', async t => {
  t.ok(fixtures.length > 20, `${fixtures.length} fixtures`)
  let current = fixtures[0] as Fixture
  const { url } = await startRecordedUpstream(t, ({ body }) => body['stream'] === true ? current.native : current.plain ?? current.native)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url, MAX_RETRIES: '0' })
  for (const fixture of fixtures) {
    current = fixture
    const expected = toExpected(fixture.expected)
    const stream = readResponseStream(await (await respond(proxy, { ...toRequest(fixture), stream: true })).text())
    t.strictSame(stream.complaints, [], `${fixture.name} keeps the rules`)
    if (stream.response) t.strictSame(toTold(stream.response), expected, `${fixture.name}, streamed: ${fixture.about}`)
    if (fixture.native.contentType === 'text/event-stream') continue
    const plain = await (await respond(proxy, toRequest(fixture))).json() as ResponseObject
    t.strictSame(faultsOf('Response', plain), [], fixture.name)
    t.strictSame(toTold(plain), expected, fixture.name)
  }
})

const frame = (delta: object, more: object = {}) => `data: ${JSON.stringify({ choices: [{ index: 0, delta, ...more }] })}\n\n`
const usage = { prompt_tokens: 10, completion_tokens: 5 }

t.test('a turn that says nothing behind a result is asked for once more, plain and streamed', async t => {
  const thinking = { contentType: 'text/event-stream', body: `${frame({ reasoning_content: 'Hm.' })}${frame({}, { finish_reason: 'stop' })}data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n` }
  const whole = (message: object): Answer => ({ body: JSON.stringify({ success: true, result: { choices: [{ index: 0, message, finish_reason: 'stop' }], usage } }) })
  const input = [
    { role: 'user', content: 'Weather?' },
    { type: 'function_call', call_id: 'call_1', name: 'get_weather', arguments: '{"city":"Oslo"}' },
    { type: 'function_call_output', call_id: 'call_1', output: 'sunny' }
  ]
  for (const stream of [false, true]) {
    const { url, runs } = await startRecordedUpstream(t, (_run, count) => count === 1 ? stream ? thinking : whole({ content: null, reasoning_content: 'Hm.' }) : whole({ content: 'Sunny.' }))
    const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
    const answer = await respond(proxy, { model: GLM, input, stream })
    const told = stream ? readResponseStream(await answer.text()) : { complaints: [], response: await answer.json() as ResponseObject }
    t.strictSame(told.complaints, [])
    t.match(told.response, { status: 'completed', usage: { input_tokens: 20, output_tokens: 10 } }, 'both are billed')
    t.match(told.response && toTold(told.response), { content: 'Sunny.' })
    t.equal(runs.length, 2)
    t.match((runs[1]?.body['messages'] as object[]).at(-1), { role: 'user', content: 'Now answer with this result.' })
  }
})

t.test('thinking is asked for in the words of other servers, in a chat and in a response, plain and streamed', async t => {
  const proxy = await startProxy(t)
  const off = { chat_template_kwargs: { enable_thinking: false } }
  const cases: Array<{ name: string, model: string, given: object, sent: object, told: RegExp }> = [
    { name: 'an effort of OpenRouter\'s', model: GPT_OSS, given: { reasoning: { effort: 'low' } }, sent: { reasoning_effort: 'low' }, told: /^(?!.*dropped)/ },
    { name: 'its switch', model: GLM, given: { reasoning: { enabled: false } }, sent: off, told: /reasoning/ },
    { name: 'the switch of Anthropic\'s', model: GLM, given: { thinking: { type: 'disabled' } }, sent: off, told: /thinking/ },
    { name: 'a switch at the top', model: GLM, given: { enable_thinking: false }, sent: off, told: /enable_thinking/ },
    { name: 'the template\'s own', model: GLM, given: { chat_template_kwargs: { enable_thinking: false } }, sent: off, told: /^(?!.*dropped)/ },
    { name: 'a word of OpenAI\'s', model: GLM, given: { reasoning_effort: 'none' }, sent: off, told: /^(?!.*dropped)/ }
  ]
  for (const { name, model, given, sent, told } of cases) {
    for (const stream of [false, true]) {
      const answers = {
        chat: await ask(proxy, { model, messages: [{ role: 'user', content: 'think hard then say yes' }], stream, ...given }),
        response: await respond(proxy, { model, input: 'think hard then say yes', stream, ...given })
      }
      for (const [place, [surface, answer]] of Object.entries(answers).entries()) {
        const is = `${name}, ${surface}${stream ? ' streamed' : ''}`
        t.equal(answer.status, 200, is)
        await answer.text()
        const { body } = proxy.simulator.requests.at(place - 2) as { body: Record<string, unknown> }
        t.match(body, sent, is)
        t.notOk(['reasoning', 'thinking', 'enable_thinking'].some(member => member in body), `${is}: and by no other word`)
        t.match(answer.headers.get('x-proxy-warnings') ?? '', told, is)
      }
    }
  }
  const none = await ask(proxy, { model: LLAMA, messages: [{ role: 'user', content: 'say hi' }], reasoning: { effort: 'high' } })
  t.match(none.headers.get('x-proxy-warnings'), /reasoning.* dropped/, 'a model that cannot think is not asked to')
})
