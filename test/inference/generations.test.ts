import t, { type Test } from 'tap'
import type { Batch } from '../../src/generation/event.ts'
import type { Source } from '../../src/generation/pipeline.ts'
import type { GenerationRequest, FunctionTool } from '../../src/generation/request.ts'
import { startGenerations, type Generations } from '../../src/inference/generations.ts'
import { loadCheckers } from '../../src/json/json-schema.ts'
import { toRunRequest } from '../../src/workers-ai/request/run-request.ts'
import { CATALOGUE } from '../../src/workers-ai/models/catalogue.ts'
import { WorkersAi } from '../../src/workers-ai/transport/client.ts'
import type { Model } from '../../src/workers-ai/models/model.ts'
import { waited } from '../servers/http-client.ts'
import { startRecordedUpstream, toAnswer, type Answer, type Recorded } from '../servers/recorded-upstream.ts'
import { all } from '../sources.ts'
import { quietCall } from './quiet-call.ts'
import { ask, GLM, KIMI, LLAMA, post, saying, startProxy, toChunks } from '../servers/start-proxy.ts'

await loadCheckers()

const weather = { type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } } }
const color = { type: 'json_schema', json_schema: { name: 'color', strict: true, schema: { type: 'object', properties: { color: { enum: ['red', 'blue'] } }, required: ['color'], additionalProperties: false } } }

t.test('when one of several calls fails, the others are closed', async t => {
  const proxy = await startProxy(t, { MAX_RETRIES: '0' })
  for (const stream of [true, false]) {
    const response = await ask(proxy, saying('fail 1 times with code 8001 then slowly say 100 words', { n: 2, stream }))
    t.equal(response.status, 400, stream ? 'streamed' : 'plain')
    await waited(() => proxy.simulator.requests.at(-1)?.closedEarly === true && proxy.simulator.openStreams === 0)
  }
})

t.test('a failure that passes is tried again, and the log counts it', async t => {
  const proxy = await startProxy(t)
  const response = await ask(proxy, saying('fail 1 times with 503 then say hi'))
  t.match(await response.json(), { choices: [{ message: { content: 'hi' } }] })
  await waited(() => proxy.lines().some(({ attempts }) => attempts === 2))
})

t.test('the bill of several calls is one', async t => {
  const proxy = await startProxy(t)
  const one = await ask(proxy, saying('say hi', { seed: 1 }))
  const three = await ask(proxy, saying('say hi', { seed: 1, n: 3 }))
  t.equal(Number(three.headers.get('cf-ai-neurons')).toFixed(4), (3 * Number(one.headers.get('cf-ai-neurons'))).toFixed(4))
})

t.test('only one call is told when the caller wants no parallel ones', async t => {
  const proxy = await startProxy(t)
  const body = saying('call tool get_weather with {"city":"Oslo"} and call tool get_weather with {"city":"Rome"}', { tools: [weather], parallel_tool_calls: false })
  for (const model of [LLAMA, KIMI]) {
    const { choices: [choice] } = await (await ask(proxy, { ...body, model })).json() as { choices: Array<{ message: { tool_calls: unknown[] } }> }
    t.equal(choice?.message.tool_calls.length, 1, model)
  }
})

t.test('a structured output is asked for in another form when the first is refused', async t => {
  const proxy = await startProxy(t)
  const response = await ask(proxy, saying('fail 1 times with code 5025 then say {"color":"blue"}', { response_format: color }))
  t.match(await response.json(), { choices: [{ message: { content: '{"color":"blue"}' } }] })
  t.match(response.headers.get('x-proxy-warnings'), 'response_format emulated')
  t.equal(proxy.simulator.requests.length, 2)
  t.match(JSON.stringify(proxy.simulator.requests[1]?.body), /JSON Schema/, 'it is asked for in words')
})

t.test('a structured output that does not fit is asked for once more', async t => {
  const { url } = await startRecordedUpstream(t, [
    { response: '{"color":"green"}', usage: { prompt_tokens: 1, completion_tokens: 2 } },
    { response: '{"color":"red"}', usage: { prompt_tokens: 3, completion_tokens: 4 } },
    { response: '{"color":"green"}' },
    { response: 'green' }
  ].map(toAnswer))
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  t.match(await (await ask(proxy, saying('Which?', { response_format: color }))).json(), {
    choices: [{ message: { content: '{"color":"red"}' } }],
    usage: { prompt_tokens: 4, completion_tokens: 6 }
  }, 'both answers are billed')
  const response = await ask(proxy, saying('Which?', { response_format: color }))
  t.equal(response.status, 400)
  t.equal(response.headers.get('x-should-retry'), 'false')
  t.match(await response.json(), { error: { code: 'json_schema_mismatch', param: 'response_format' } })
})

t.test('a forced call that did not come is asked for once more', async t => {
  const { url } = await startRecordedUpstream(t, [
    { response: 'It is warm.' },
    { tool_calls: [{ name: 'get_weather', arguments: { city: 'Oslo' } }] }
  ].map(toAnswer))
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  const response = await ask(proxy, saying('Weather?', { tools: [weather], tool_choice: 'required', stream: true }))
  const chunks = toChunks(await response.text())
  t.match(chunks.slice(0, -1).at(-1), { choices: [{ finish_reason: 'tool_calls' }] })
  t.match(chunks, [{}, { choices: [{ delta: { tool_calls: [{ function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } }] } }] }])
})

t.test('a call the model wrote into its text is a call', async t => {
  const proxy = await startProxy(t)
  for (const stream of [false, true]) {
    const answer = await (await ask(proxy, saying('leak tool get_weather with {"city":"Oslo"}', { tools: [weather], stream }))).text()
    t.match(answer, /"name":"get_weather","arguments":"\{\\"city\\":\\"Oslo\\"\}"/, stream ? 'streamed' : 'plain')
    t.match(answer, /"finish_reason":"tool_calls"/)
  }
})

t.test('thinking is no content', async t => {
  const proxy = await startProxy(t)
  for (const model of [GLM, '@cf/deepseek-ai/deepseek-r1-distill-qwen-32b', '@cf/qwen/qwq-32b']) {
    const answer = await (await ask(proxy, saying('think hard then say yes', { model }))).json()
    t.match(answer, { choices: [{ message: { content: /^\s*yes$/, reasoning_content: /hard/ } }] }, model)
  }
})

/** What the upstream answers to one run after the other. */
type Script = Answer[] | ((run: Recorded, count: number) => Answer)

interface Asked {
  generations: Promise<Generations>
  runs: Recorded[]
  /** What the record of the request has of the bill. */
  neurons: () => number | undefined
  changes: () => string[]
  leave: () => void
}

/** Asks a scripted upstream for what a caller asks for, without the routes around it. */
async function start (t: Test, model: string, request: Partial<GenerationRequest>, script: Script): Promise<Asked> {
  const upstream = await startRecordedUpstream(t, typeof script === 'function' ? script : (_run, count) => script[count - 1] ?? said('too many questions'))
  const workersAi = new WorkersAi({ apiBaseUrl: upstream.url, accountId: 'account', apiToken: 'token', maxRetries: 0, headersTimeoutMs: 5_000, idleTimeoutMs: 5_000, userAgent: 'tests' })
  t.teardown(() => workersAi.close())
  const row = CATALOGUE.get(model) as Model
  const options = { defaultMaxTokens: 100, maxChoices: 8, unsupportedParams: 'warn' as const, emulateTools: true, rejectIfBusy: false }
  const translate = (variation: object) => toRunRequest({ model, messages: [{ role: 'user', content: 'Hello?' }], ...request }, row, { ...options, ...variation })
  const run = translate({})
  const client = new AbortController()
  const call = quietCall(client.signal)
  return {
    generations: startGenerations(workersAi, run, { call, model: row, stream: request.stream === true, translate, keepAliveMs: 15_000 }),
    neurons: () => call.record.neurons,
    runs: upstream.runs,
    changes: () => run.changes.map(({ param, action }) => `${param} ${action}`),
    leave: () => client.abort(new Error('the client left'))
  }
}

async function answers (asked: Pick<Asked, 'generations'>): Promise<Batch[]> {
  const { choices } = await asked.generations
  return Promise.all(choices.map(async batches => (await all(batches)).flat()))
}

function said (response: string, more: object = {}): Answer {
  return { body: JSON.stringify({ success: true, result: { response, usage: { prompt_tokens: 10, completion_tokens: 3 }, ...more } }), headers: { 'cf-ai-neurons': '1.5', 'cf-ai-req-id': `id of ${response.length}` } }
}

function refused (code: number): Answer {
  return { status: 400, body: JSON.stringify({ success: false, errors: [{ code, message: `AiError: refused with ${code}` }] }) }
}

function unmet (): Answer {
  return { status: 200, body: JSON.stringify({ success: false, errors: [{ message: "AiError: AiError: JSON Mode couldn't be met" }], result: {} }) }
}

function streamed (...texts: string[]): Answer {
  return { contentType: 'text/event-stream', body: [...texts.map(response => `data: ${JSON.stringify({ response })}\n\n`), 'data: [DONE]\n\n'] }
}

const tools = [weather as FunctionTool]
const strict = color as NonNullable<GenerationRequest['response_format']>
const loose = { ...strict, json_schema: { ...color.json_schema, strict: false } } as NonNullable<GenerationRequest['response_format']>
const BOTH = { type: 'usage', usage: { promptTokens: 20, completionTokens: 6 } }
const messagesOf = (run: Recorded | undefined) => run?.body['messages'] as Array<{ role: string, content: string }>

t.test('what was not asked for is asked for once more, and no answer is kept silent about', async t => {
  const insisted = [{ role: 'assistant', content: 'Warm.' }, { role: 'user', content: 'You must call one of the functions now. Answer with a call and nothing else.' }]
  const corrected = (text: string, complaint: string) => [{ role: 'assistant', content: text }, { role: 'user', content: `That does not fit: ${complaint}. Answer again with the corrected JSON and nothing else.` }]
  const enumerated = '/color must be equal to one of the allowed values (["red","blue"])'
  const call = { type: 'tool_call', index: 0, name: 'get_weather', arguments: '{"city":"Oslo"}' }
  const red = { type: 'text', text: '{"color":"red"}' }
  const cases: Array<{ name: string, request: Partial<GenerationRequest>, script: Answer[], runs: number, followUp?: object[], expected?: object[], code?: string, changes: string[] }> = [
    { name: 'a forced call that comes', request: { tools, tool_choice: 'required' }, script: [said('', { tool_calls: [{ name: 'get_weather', arguments: { city: 'Oslo' } }] })], runs: 1, expected: [call], changes: ['tool_choice emulated'] },
    { name: 'a forced call that comes late', request: { tools, tool_choice: 'required' }, script: [said('Warm.'), said('{"name":"get_weather","parameters":{"city":"Oslo"}}')], runs: 2, followUp: insisted, expected: [call, BOTH, { type: 'finish', reason: 'tool_calls' }], changes: ['tool_choice emulated', 'tool_calls repaired'] },
    { name: 'a forced call that never comes', request: { tools, tool_choice: 'required' }, script: [said('Warm.'), said('Dry.')], runs: 2, followUp: insisted, expected: [{ type: 'text', text: 'Dry.' }, BOTH, { type: 'finish', reason: 'stop' }], changes: ['tool_choice emulated', 'tool_choice dropped'] },
    { name: 'JSON that fits late', request: { response_format: strict }, script: [said('{"color":"green"}'), said('Sure: {"color":"red"}')], runs: 2, followUp: corrected('{"color":"green"}', enumerated), expected: [red, BOTH, { type: 'finish', reason: 'stop' }], changes: ['content repaired'] },
    { name: 'JSON that never fits, though it need not', request: { response_format: loose }, script: [said('green'), said('{"color":"green"}')], runs: 2, followUp: corrected('green', 'the answer is not valid JSON'), expected: [{ type: 'text', text: '{"color":"green"}' }, BOTH, { type: 'finish', reason: 'stop' }], changes: ['response_format dropped'] },
    { name: 'JSON that never fits, though it must', request: { response_format: strict }, script: [said('green'), said('{"color":"green"}')], runs: 2, code: 'json_schema_mismatch', changes: [] },
    { name: 'JSON that becomes prose when it is asked for again', request: { response_format: loose }, script: [said('{"color":"green"}'), said('Sorry, I cannot.')], runs: 2, expected: [{ type: 'text', text: '{"color":"green"}' }, BOTH, { type: 'finish', reason: 'stop' }], changes: ['response_format dropped'] },
    { name: 'an object that becomes a list', request: { response_format: { type: 'json_object' } }, script: [said('[]'), said('Sorry, I cannot.')], runs: 2, expected: [{ type: 'text', text: '[]' }, BOTH], changes: ['response_format dropped'] },
    { name: 'an object that never comes', request: { response_format: { type: 'json_object' } }, script: [said('green'), said('green')], runs: 2, expected: [{ type: 'text', text: 'green' }], changes: ['response_format dropped'] },
    { name: 'JSON that ran out of tokens', request: { response_format: strict, max_tokens: 3 }, script: [said('{"color":"g')], runs: 1, expected: [{ type: 'text', text: '{"color":"g' }, { type: 'usage' }, { type: 'finish', reason: 'length' }], changes: [] },
    { name: 'silence about a result', request: { messages: [{ role: 'user', content: 'Hello?' }, { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'get_weather', arguments: '{}' } }] }, { role: 'tool', content: 'warm', tool_call_id: 'a' }] }, script: [said(''), said('Warm.')], runs: 2, followUp: [{ role: 'user', content: 'Now answer with this result.' }], expected: [{ type: 'text', text: 'Warm.' }, BOTH], changes: [] }
  ]
  for (const { name, request, script, runs, followUp, expected, code, changes } of cases) {
    // Silence about a result is found only where the answer is not told as it comes.
    for (const stream of request.messages ? [false] : [false, true]) {
      await t.test(stream ? `${name}, for a caller who streams` : name, async t => {
        const asked = await start(t, LLAMA, { ...request, stream }, script)
        if (code) await t.rejects(asked.generations, { code, status: 400 })
        else t.match((await answers(asked))[0], expected)
        t.equal(asked.runs.length, runs, 'questions')
        t.notOk(asked.runs.some(({ body }) => 'stream' in body), 'none of them for a stream')
        if (followUp) t.strictSame(messagesOf(asked.runs[1]).slice(-followUp.length), followUp, 'what was said')
        t.strictSame(asked.changes(), changes, 'changes')
        const { headers } = code ? { headers: {} } : await asked.generations
        if (!code) t.match(headers, { 'cf-ai-neurons': String(1.5 * runs) }, 'the bill')
        t.equal(asked.neurons(), 1.5 * runs, 'what the record has of it, also where the request failed')
      })
    }
  }
})

const delta = (delta: object, more: object = {}) => `data: ${JSON.stringify({ choices: [{ index: 0, delta, ...more }] })}\n\n`
const billed = (completion: number) => `data: ${JSON.stringify({ choices: [], usage: { prompt_tokens: 10, completion_tokens: completion } })}\n\n`
const stream = (...frames: string[]): Answer => ({ contentType: 'text/event-stream', body: [...frames, 'data: [DONE]\n\n'] })
const whole = (message: object, more: object = {}): Answer => ({ body: JSON.stringify({ success: true, result: { choices: [{ index: 0, message, finish_reason: 'stop' }], usage: { prompt_tokens: 10, completion_tokens: 3 }, ...more } }) })
const empty: Answer = { body: JSON.stringify({ success: true, result: { choices: [{ index: 0, message: { content: null } }] } }) }
const afterResult: Partial<GenerationRequest> = { tools, messages: [{ role: 'user', content: 'Hello?' }, { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'get_weather', arguments: '{}' } }] }, { role: 'tool', content: 'warm', tool_call_id: 'a' }] }

t.test('an answer that says nothing is asked for once more, also inside a stream', async t => {
  const thought = { type: 'reasoning', text: 'Hm.' }
  const warm = { type: 'text', text: 'Warm.' }
  const sum = (completionTokens: number, promptTokens = 20) => ({ type: 'usage', usage: { promptTokens, completionTokens } })
  const finish = { type: 'finish', reason: 'stop' }
  const cases: Array<{ name: string, model?: string, request?: Partial<GenerationRequest>, script: Answer[], runs?: number, followUp?: object[], expected?: object[], error?: { kind?: string, code?: number }, changes?: string[] }> = [
    { name: 'thinking about a result, streamed', request: { ...afterResult, stream: true }, script: [stream(delta({ reasoning_content: 'Hm.' }), delta({}, { finish_reason: 'stop' }), billed(5)), whole({ content: 'Warm.' })], followUp: [{ role: 'user', content: 'Now answer with this result.' }], expected: [thought, warm, sum(8), finish] },
    { name: 'thinking about a result', request: afterResult, script: [whole({ content: null, reasoning_content: 'Hm.' }), whole({ content: 'Warm.' })], followUp: [{ role: 'user', content: 'Now answer with this result.' }], expected: [warm, sum(6), finish] },
    { name: 'thinking alone, streamed', request: { stream: true }, script: [stream(delta({ reasoning_content: 'Hm.' }), delta({ content: '\n' }), delta({}, { finish_reason: 'stop' }), billed(5)), whole({ content: 'Warm.' })], expected: [thought, warm, sum(8), finish] },
    { name: 'nothing that was billed', script: [whole({ content: null }), whole({ content: 'Warm.' })], expected: [warm, sum(6), finish] },
    { name: 'nothing that was billed, streamed', request: { stream: true }, script: [stream(delta({ content: '' }), billed(7)), whole({ content: 'Warm.' })], expected: [warm, sum(10), finish] },
    { name: 'nothing that was billed, of a classic model', model: LLAMA, script: [said(''), said('Warm.')], expected: [warm, sum(6), finish] },
    { name: 'nothing at all', script: [empty, whole({ content: 'Warm.' })], expected: [warm, sum(3, 10), finish] },
    { name: 'nothing at all, streamed', request: { stream: true }, script: [stream(), whole({ content: 'Warm.' })], expected: [warm, sum(3, 10), finish] },
    { name: 'nothing at all, in place of a stream', model: '@cf/openai/gpt-oss-20b', request: { stream: true }, script: [{ body: '{"success":true,"result":{}}' }, whole({ content: 'Warm.' })], expected: [warm, sum(3, 10), finish] },
    { name: 'nothing at all, twice', script: [empty, empty], error: { kind: 'empty' } },
    { name: 'nothing at all, twice, streamed', request: { stream: true }, script: [stream(), empty], error: { kind: 'empty' } },
    { name: 'nothing at all, and then a refusal', request: { stream: true }, script: [stream(), refused(5006)], error: { code: 5006 } },
    { name: 'nothing, twice', script: [whole({ content: '' }), whole({ content: null })], expected: [sum(6), finish], changes: ['messages repaired'] },
    { name: 'nothing, twice, streamed', request: { stream: true }, script: [stream(delta({ reasoning_content: 'Hm.' }), delta({}, { finish_reason: 'stop' }), billed(5)), whole({ content: '' })], expected: [thought, sum(8), finish], changes: ['messages repaired'] },
    { name: 'nothing, and then a refusal, streamed', request: { stream: true }, script: [stream(delta({ reasoning_content: 'Hm.' }), delta({}, { finish_reason: 'stop' }), billed(5)), refused(5006)], expected: [thought, sum(5, 10), finish], changes: ['messages repaired'] },
    { name: 'nothing, and then nothing at all', script: [whole({ content: '' }), empty], expected: [sum(3, 10), finish], changes: ['messages repaired'] },
    { name: 'nothing, and then a call, streamed', request: { ...afterResult, stream: true }, script: [stream(delta({ content: '' }), billed(5)), whole({ content: null, tool_calls: [{ id: 'x', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Oslo"}' } }] })], followUp: [{ role: 'user', content: 'Now answer with this result.' }], expected: [{ type: 'tool_call', index: 0, name: 'get_weather', arguments: '{"city":"Oslo"}' }, sum(8), { type: 'finish', reason: 'tool_calls' }] },
    { name: 'nothing in a format, streamed', request: { response_format: strict, stream: true }, script: [stream(delta({ reasoning_content: 'Hm.' }), delta({}, { finish_reason: 'stop' }), billed(5)), whole({ content: '{"color":"red"}' })], expected: [thought, { type: 'text', text: '{"color":"red"}' }, sum(8), finish] },
    { name: 'but not for want of tokens', request: { stream: true }, script: [stream(delta({ reasoning_content: 'Hm.' }), delta({}, { finish_reason: 'length' }), billed(5))], runs: 1, expected: [thought, sum(5, 10), { type: 'finish', reason: 'length' }] },
    { name: 'nor when a filter took it', script: [{ body: JSON.stringify({ success: true, result: { choices: [{ index: 0, message: { content: null }, finish_reason: 'content_filter' }] } }) }], runs: 1, expected: [{ type: 'usage' }, { type: 'finish', reason: 'content_filter' }] },
    { name: 'nor when our own stop sequence cut it', model: LLAMA, request: { stop: 'No' }, script: [said('No.')], runs: 1, expected: [sum(3, 10), finish] },
    { name: 'nor when a stop sequence went up', request: { stop: 'No' }, script: [whole({ content: '' })], runs: 1, expected: [sum(3, 10), finish] },
    { name: 'nor when it said something, streamed', request: { stream: true }, script: [stream(delta({ content: 'Warm.' }), delta({}, { finish_reason: 'stop' }), billed(3))], runs: 1, expected: [warm, sum(3, 10), finish] }
  ]
  for (const { name, model = GLM, request = {}, script, runs = 2, followUp = [], expected = [], error, changes = [] } of cases) {
    await t.test(name, async t => {
      const asked = await start(t, model, request, script)
      if (error) await t.rejects(asked.generations, error as Error)
      else t.match((await answers(asked))[0], expected)
      t.equal(asked.runs.length, runs, 'questions')
      if (runs === 2) {
        t.notOk(asked.runs[1]?.body['stream'], 'the second is plain')
        t.strictSame(messagesOf(asked.runs[1]).slice(messagesOf(asked.runs[0]).length), followUp, 'what was said')
      }
      t.strictSame(asked.changes(), changes, 'changes')
    })
  }
})

t.test('each of several choices has its second try', async t => {
  for (const isStream of [false, true]) {
    const nothing = isStream ? stream(delta({ content: '' }), billed(7)) : whole({ content: '' })
    const asked = await start(t, GLM, { n: 2, stream: isStream }, (_run, count) => count <= 2 ? nothing : whole({ content: 'Warm.' }))
    const told = await answers(asked)
    t.strictSame(told.map(events => events.map(event => event.type === 'text' ? event.text : event.type)), [['Warm.', 'usage', 'finish'], ['Warm.', 'usage', 'finish']])
    t.equal(asked.runs.length, 4)
  }
})

t.test('a call with half a mark in its arguments is asked for once more', async t => {
  const native = (args: string) => ({ tool_calls: [{ index: 0, id: 'x', type: 'function', function: { name: 'get_weather', arguments: args } }] })
  const broken = '{"city":"<|\\"|"}'
  const sound = '{"city": "Oslo"}'
  const inPieces = stream(delta(native('')), ...['{"ci', 'ty":"', '<|\\"|"', '}'].map(piece => delta({ tool_calls: [{ index: 0, function: { arguments: piece } }] })), delta({}, { finish_reason: 'tool_calls' }), billed(5))
  const cases: Array<{ name: string, isStream?: boolean, script: Answer[], expected: string, changes: string[] }> = [
    { name: 'plain', script: [whole(native(broken)), whole(native(sound))], expected: sound, changes: [] },
    { name: 'streamed', isStream: true, script: [inPieces, whole(native(sound))], expected: '{"city":"Oslo"}', changes: [] },
    { name: 'twice', script: [whole(native(broken)), whole(native(broken))], expected: broken, changes: ['tool_calls repaired'] },
    { name: 'twice, streamed', isStream: true, script: [inPieces, whole(native(broken))], expected: broken, changes: ['tool_calls repaired'] },
    { name: 'and then a word, streamed', isStream: true, script: [inPieces, whole({ content: 'Sorry.' })], expected: broken, changes: ['tool_calls repaired'] },
    { name: 'and then a refusal, streamed', isStream: true, script: [inPieces, refused(5006)], expected: broken, changes: ['tool_calls repaired'] }
  ]
  for (const { name, isStream = false, script, expected, changes } of cases) {
    await t.test(name, async t => {
      const asked = await start(t, '@cf/google/gemma-4-26b-a4b-it', { tools, stream: isStream }, script)
      const [told = []] = await answers(asked)
      const calls = told.flatMap(event => event.type === 'tool_call' ? [event] : [])
      t.equal(calls.map(call => call.arguments).join(''), expected)
      t.strictSame(calls.flatMap(call => call.name ?? []), ['get_weather'], 'one call')
      t.equal(told.at(-1)?.type, 'finish')
      t.equal(asked.runs.length, 2)
      t.strictSame(asked.changes(), changes)
    })
  }
})

t.test('a form that is refused is asked for in another', async t => {
  const schema = color.json_schema.schema
  const fits = said('{"color":"red"}')
  const cases: Array<{ name: string, model: string, request: Partial<GenerationRequest>, script: Answer[], second: Record<string, unknown>, isInWords?: boolean, changes: string[] }> = [
    { name: 'a bare schema becomes an envelope', model: LLAMA, request: { response_format: strict }, script: [refused(5006), fits], second: { response_format: { type: 'json_schema', json_schema: { name: 'color', strict: true, schema } } }, changes: [] },
    { name: 'an envelope becomes a bare schema', model: GLM, request: { response_format: strict }, script: [refused(8001), fits], second: { response_format: { type: 'json_schema', json_schema: schema } }, changes: [] },
    { name: 'a model that holds no schema is told in words', model: LLAMA, request: { response_format: strict }, script: [refused(5025), fits], second: {}, isInWords: true, changes: ['response_format emulated'] },
    { name: 'so is one that holds no object', model: LLAMA, request: { response_format: { type: 'json_object' } }, script: [refused(5006), fits], second: {}, isInWords: true, changes: ['response_format emulated'] },
    { name: 'a schema that was not met is told in words', model: LLAMA, request: { response_format: strict }, script: [unmet(), fits], second: {}, isInWords: true, changes: ['response_format emulated'] },
    { name: 'one that was not met with a status is, too', model: LLAMA, request: { response_format: loose }, script: [{ ...unmet(), status: 400 }, fits], second: {}, isInWords: true, changes: ['response_format emulated'] },
    { name: 'one that was not met by an envelope is, too', model: GLM, request: { response_format: strict, stream: true }, script: [unmet(), fits], second: {}, isInWords: true, changes: ['response_format emulated'] },
    { name: 'one that was not met in a stream that had begun is, too', model: GLM, request: { response_format: strict, stream: true }, script: [{ contentType: 'text/event-stream', body: ['data: {"errors":[{"message":"AiError: JSON Mode couldn\'t be met"}],"success":false}\n\n'] }, fits], second: {}, isInWords: true, changes: ['response_format emulated'] },
    { name: 'an object that was not met is, too', model: LLAMA, request: { response_format: { type: 'json_object' }, stream: true }, script: [unmet(), fits], second: {}, isInWords: true, changes: ['response_format emulated'] },
    { name: 'an envelope that cannot be streamed is told in words and not streamed', model: GLM, request: { response_format: strict, stream: true }, script: [refused(5023), fits], second: {}, isInWords: true, changes: ['response_format emulated'] },
    { name: 'words are reviewed like any other form', model: GLM, request: { response_format: strict, stream: true }, script: [refused(5023), said('red'), fits], second: {}, isInWords: true, changes: ['response_format emulated'] }
  ]
  for (const { name, model, request, script, second, isInWords = false, changes } of cases) {
    await t.test(name, async t => {
      const asked = await start(t, model, request, script)
      t.match((await answers(asked))[0], [{ type: 'text', text: '{"color":"red"}' }])
      t.equal(asked.runs.length, script.length)
      const { messages, max_tokens: _, max_completion_tokens: __, ...fields } = asked.runs[1]?.body ?? {}
      t.strictSame(fields, second)
      t.equal(JSON.stringify(messages).includes('Answer with one JSON object'), isInWords, 'the system message')
      t.strictSame(asked.changes(), changes)
    })
  }

  const again = await start(t, LLAMA, { response_format: strict }, [refused(5006), refused(5006)])
  await t.rejects(again.generations, { code: 5006 }, 'a second refusal is told')
  const other = await start(t, LLAMA, { response_format: strict }, [refused(8007)])
  await t.rejects(other.generations, { code: 8007 }, 'and so is one about something else')
  t.equal(other.runs.length, 1)
  const none = await start(t, LLAMA, {}, [refused(5006)])
  await t.rejects(none.generations, { code: 5006 }, 'and one of a request without a format')
})

t.test('choices are asked for at the same time, each with a seed of its own', async t => {
  const asked = await start(t, LLAMA, { n: 3, seed: 7, stream: true }, () => streamed('a', 'b'))
  const told = await answers(asked)
  t.strictSame(told.map(events => events.map(event => event.type === 'text' ? event.text : event.type)), Array.from({ length: 3 }, () => ['a', 'b', 'usage', 'finish']))
  t.strictSame(asked.runs.map(({ body }) => body['seed']).sort(), [7, 8, 9])
  t.strictSame(asked.changes(), ['n emulated'])
})

t.test('one choice that fails at once fails all, and closes the others', async t => {
  for (const stream of [false, true]) {
    const waiting: Answer = stream ? { ...streamed('a'), body: ['data: {"response":"a"}\n\n'], end: 'never' } : { body: [' '], end: 'never' }
    const asked = await start(t, LLAMA, { n: 3, stream }, (_run, count) => count === 3 ? refused(5006) : waiting)
    await t.rejects(asked.generations, { code: 5006 }, stream ? 'streamed' : 'plain')
    await waited(() => asked.runs.filter(({ isAborted }) => isAborted).length === 2)
  }
})

t.test('one choice whose stream fails at once fails all, too', async t => {
  const broken: Answer = { contentType: 'text/event-stream', body: 'data: {"success":false,"errors":[{"code":3040,"message":"busy"}]}\n\n' }
  const asked = await start(t, LLAMA, { n: 2, stream: true }, (_run, count) => count === 2 ? broken : { ...streamed(), body: ['data: {"response":"a"}\n\n'], end: 'never' })
  await t.rejects(asked.generations, { code: 3040 })
  await waited(() => asked.runs[0]?.isAborted === true)
})

t.test('nothing is asked any more when the client has left', async t => {
  const waiting: Answer = { body: [' '], end: 'never' }
  const streaming: Answer = { contentType: 'text/event-stream', body: ['data: {"response":"a"}\n\n'], end: 'never' }
  const cases: Array<{ name: string, request: Partial<GenerationRequest>, script: Answer[], runs: number }> = [
    { name: 'before an answer', request: {}, script: [waiting], runs: 1 },
    { name: 'before a second answer', request: { response_format: strict }, script: [said('green'), waiting], runs: 2 },
    { name: 'before an answer in another form', request: { response_format: strict }, script: [refused(5025), waiting], runs: 2 }
  ]
  for (const { name, request, script, runs } of cases) {
    const asked = await start(t, LLAMA, request, script)
    const rejected = t.rejects(asked.generations, { message: 'the client left' }, name)
    await waited(() => asked.runs.length === runs)
    asked.leave()
    await rejected
    await waited(() => asked.runs.at(-1)?.isAborted === true)
  }

  const asked = await start(t, LLAMA, { stream: true }, [streaming])
  const [batches] = (await asked.generations).choices as [Source<Batch>]
  await t.rejects(batches(batch => {
    t.match(batch, [{ type: 'text', text: 'a' }])
    asked.leave()
    return undefined
  }), { message: 'the client left' }, 'inside an answer')
  await waited(() => asked.runs[0]?.isAborted === true)

  const several = await start(t, LLAMA, { n: 2, stream: true }, [streaming, streaming])
  const { close } = await several.generations
  close()
  await waited(() => several.runs.every(({ isAborted }) => isAborted))
  t.pass('nor when an answer of several is closed')
})

const REFUSED: Answer = { status: 400, body: '{"errors":[{"message":"AiError: AiError: Invalid input (1b4f7a0e-2c7d-4f1b-9d55-0d5a6c1e7f42)","code":8001}],"success":false,"result":{},"messages":[]}' }

t.test('gpt-oss that refuses messages is asked once more by input, on every surface', async t => {
  const output = { id: 'resp_1', object: 'response', status: 'completed', output: [{ type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Well.' }] }, { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello!' }] }], usage: { input_tokens: 5, output_tokens: 3, total_tokens: 8 } }
  const { url, runs } = await startRecordedUpstream(t, ({ body }) => 'messages' in body ? REFUSED : { body: JSON.stringify({ result: output, success: true }) })
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  const model = '@cf/openai/gpt-oss-20b'
  for (const stream of [false, true]) {
    const cases = [
      { path: '/v1/chat/completions', body: { messages: [{ role: 'user', content: 'Hi' }] }, expected: stream ? /"delta":\{"content":"Hello!"/ : /"content":"Hello!"/ },
      { path: '/v1/responses', body: { input: 'Hi', store: false }, expected: /"text":"Hello!"/ },
      { path: '/v1/completions', body: { prompt: 'Hi' }, expected: /"text":"Hello!"/ }
    ]
    for (const { path, body, expected } of cases) {
      runs.length = 0
      const response = await post(proxy, path, { model, stream, ...body })
      t.equal(response.status, 200, `${path}, ${stream}`)
      t.match(await response.text(), expected)
      t.strictSame(runs.map(({ body }) => Object.keys(body).find(key => ['messages', 'input'].includes(key))), ['messages', 'input'], path)
      t.match(runs[1]?.body, { input: [{ role: 'user', content: 'Hi' }] })
    }
  }
  runs.length = 0
  const tooled = await ask(proxy, { model, messages: [{ role: 'user', content: 'Hi' }], tools: [weather] })
  t.equal(tooled.status, 400, 'tools are no part of that')
  t.equal(runs.length, 1)
  t.equal((await ask(proxy, { model: GLM, messages: [{ role: 'user', content: 'Hi' }] })).status, 400, 'nor are other models')
  t.equal(runs.length, 2)
})

t.test('what a guess was refused is asked for once more as plainly as can be, and remembered', async t => {
  const isPlain = (body: Record<string, unknown>) => !('tools' in body) && !('response_format' in body) && (body['messages'] as Array<{ content: unknown }>).every(({ content }) => typeof content === 'string')
  const { url, runs } = await startRecordedUpstream(t, ({ body }) => isPlain(body) ? { body: '{"result":{"response":"{\\"color\\":\\"red\\"}","usage":{"prompt_tokens":5,"completion_tokens":3}},"success":true}' } : REFUSED)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  const cases = [
    { name: 'tools', more: { tools: [weather] }, warnings: /tools emulated/ },
    { name: 'a structured output', more: { response_format: color }, warnings: /response_format emulated/ }
  ]
  for (const [index, { name, more, warnings }] of cases.entries()) {
    for (const stream of [false, true]) {
      const asking = async () => {
        runs.length = 0
        const response = await ask(proxy, { model: `@cf/new/chat-${index}-${stream}`, messages: [{ role: 'user', content: 'Hi' }], stream, ...more })
        t.equal(response.status, 200, name)
        t.match(await response.text(), /color/, name)
        t.ok(isPlain(runs.at(-1)?.body ?? {}), `${name}: plainly`)
        t.match(response.headers.get('x-proxy-warnings'), warnings)
        t.equal(response.headers.get('x-proxy-attempts'), String(runs.length), 'every call is counted')
        return runs.length
      }
      t.equal(await asking(), 2, name)
      t.equal(await asking(), 1, `${name}: the next time it is asked so at once`)
    }
  }
})

t.test('a plain request that a guess was refused is not sent twice', async t => {
  const { url, runs } = await startRecordedUpstream(t, () => REFUSED)
  const proxy = await startProxy(t, { CLOUDFLARE_API_BASE_URL: url })
  t.equal((await ask(proxy, { model: '@cf/new/chat', messages: [{ role: 'user', content: 'Hi' }] })).status, 400)
  t.equal(runs.length, 1)
  t.match(runs[0]?.body, { max_tokens: 4_096, max_completion_tokens: 4_096 }, 'whichever name of the limit it knows')
  t.equal((await ask(proxy, { model: '@cf/moonshotai/kimi-k3', messages: [{ role: 'user', content: 'Hi' }], tools: [weather] })).status, 400)
  t.match(runs[1]?.body, { tools: [{ function: { name: 'get_weather' } }] }, 'kimi of the next version is kimi')
  t.equal(runs.length, 3)
  const again = await ask(proxy, { model: '@cf/moonshotai/kimi-k3', messages: [{ role: 'user', content: 'Hi' }], tools: [weather] })
  t.match(runs[3]?.body, { tools: [{ function: { name: 'get_weather' } }] }, 'what was refused both ways is not remembered')
  t.equal(again.headers.get('x-proxy-attempts'), '2', 'and both are counted')
})
