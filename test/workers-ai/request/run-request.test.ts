import t from 'tap'
import type { GenerationRequest, FunctionTool } from '../../../src/generation/request.ts'
import { keepDigits } from '../../../src/json/exact-integers.ts'
import { loadCheckers } from '../../../src/json/json-schema.ts'
import { toBody, toRunRequest, type RunRequest, type RunRequestOptions } from '../../../src/workers-ai/request/run-request.ts'
import { toText } from '../../../src/workers-ai/transport/request-body.ts'
import type { Model } from '../../../src/workers-ai/models/model.ts'
import { modelOf } from './model-of.ts'

await loadCheckers()

const CLASSIC = modelOf('classic-2025', { contextWindow: 24_000 })
const OPENAI = modelOf('openai', { contextWindow: 100_000, vision: true })
const OPTIONS: RunRequestOptions = { defaultMaxTokens: 4_096, maxChoices: 8, unsupportedParams: 'warn', emulateTools: true, rejectIfBusy: false }

const weather: FunctionTool = { type: 'function', function: { name: 'weather', description: 'w', parameters: { type: 'object', properties: {} } } }

function asked (more: Partial<GenerationRequest> & Record<string, unknown> = {}): GenerationRequest {
  return { model: 'm', messages: [{ role: 'user', content: 'hi' }], ...more }
}

function translated (more: Partial<GenerationRequest> & Record<string, unknown> = {}, model: Model = CLASSIC, options: Partial<RunRequestOptions> = {}): RunRequest {
  return toRunRequest(asked(more), model, { ...OPTIONS, ...options })
}

function body (request: RunRequest, { stream = false, choice = 0, baseSeed = 5 } = {}): Record<string, unknown> {
  return JSON.parse(toText(toBody(request, { stream, choice, baseSeed }))) as Record<string, unknown>
}

t.test('a request becomes the native body', t => {
  const messages = [{ role: 'user', content: 'hi' }]
  const cases: Array<{ name: string, given: Partial<GenerationRequest> & Record<string, unknown>, model: Model, stream?: boolean, expected: Record<string, unknown> }> = [
    { name: 'the least there is always has a limit', given: {}, model: CLASSIC, expected: { messages, max_tokens: 4_096 } },
    { name: 'newer models know the limit by another name', given: {}, model: OPENAI, expected: { messages, max_completion_tokens: 4_096 } },
    { name: 'a stream', given: {}, model: CLASSIC, stream: true, expected: { messages, max_tokens: 4_096, stream: true } },
    { name: 'a stream of a newer model, which tells usage when it is asked to', given: {}, model: OPENAI, stream: true, expected: { messages, max_completion_tokens: 4_096, stream: true, stream_options: { include_usage: true } } },
    { name: 'sampling', given: { temperature: 0.5, top_p: 0, top_k: 3 }, model: CLASSIC, expected: { messages, max_tokens: 4_096, temperature: 0.5, top_p: 0.001, top_k: 3 } },
    { name: 'a stop sequence, which only newer models take', given: { stop: 'END' }, model: OPENAI, expected: { messages, max_completion_tokens: 4_096, stop: ['END'] } },
    { name: 'a stop sequence, which is kept by ourselves', given: { stop: ['END', ''] }, model: CLASSIC, expected: { messages, max_tokens: 4_096 } },
    { name: 'tools', given: { tools: [weather] }, model: OPENAI, expected: { messages, max_completion_tokens: 4_096, tools: [weather], tool_choice: 'auto' } },
    { name: 'a seed', given: { seed: 7 }, model: CLASSIC, expected: { messages, max_tokens: 4_096, seed: 7 } },
    { name: 'an extension', given: { lora: 'my-tune' } as Partial<GenerationRequest> & Record<string, unknown>, model: CLASSIC, expected: { messages, max_tokens: 4_096, lora: 'my-tune' } },
    { name: 'what Workers AI has no word for', given: { user: 'u', store: true, metadata: { a: 'b' } }, model: CLASSIC, expected: { messages, max_tokens: 4_096 } },
    { name: 'nulls', given: { temperature: null, stop: null, seed: null, tools: null, response_format: null, stream_options: null, n: null, max_tokens: null }, model: CLASSIC, expected: { messages, max_tokens: 4_096 } }
  ]
  for (const { name, given, model, stream = false, expected } of cases) t.strictSame(body(translated(given, model), { stream }), expected, name)
  t.strictSame(body(translated({}, CLASSIC, { rejectIfBusy: true }))['options'], { rejectIfBusy: true }, 'a wish to be refused rather than queued')
  t.end()
})

t.test('a request that was made of another one says what that changed, first', t => {
  const given = [{ param: 'tools[0]', action: 'dropped', reason: 'r' }] as const
  t.match(translated({ user: 'u' }, CLASSIC, { given }).changes.map(({ param }) => param), ['tools[0]', 'user'])
  t.strictSame(given.length, 1, 'the list itself stays')
  t.throws(() => translated({}, CLASSIC, { given, unsupportedParams: 'reject' }), { name: 'InvalidRequestError', param: 'tools[0]' }, 'and is refused where that is wanted')
  t.end()
})

t.test('the oldest turns are left out where that is wanted', t => {
  const small = modelOf('openai', { contextWindow: 1_000 })
  const messages: GenerationRequest['messages'] = ['x'.repeat(1_500), 'y'.repeat(1_500), 'z'].map(content => ({ role: 'user', content }))
  const contents = (request: RunRequest) => (body(request)['messages'] as Array<{ content: string }>).map(({ content }) => content[0])
  t.strictSame(contents(translated({ messages }, small, { truncate: true })), ['y', 'z'])
  t.strictSame(contents(translated({ messages, max_completion_tokens: 600 }, small, { truncate: true })), ['z'], 'the more is kept for the answer')
  t.strictSame(contents(translated({ messages, tools: [{ type: 'function', function: { name: 'f', description: 'x'.repeat(1_000) } }] }, small, { truncate: true })), ['z'], 'or for the tools')
  t.strictSame(contents(translated({ messages }, small)), ['x', 'y', 'z'])
  t.strictSame(contents(translated({ messages }, modelOf('openai'), { truncate: true })), ['x', 'y', 'z'], 'and where nobody knows the window')
  t.end()
})

t.test('what our own stages have to do is said', t => {
  const cases = [
    { name: 'nothing', given: translated(), expected: { stop: [], choices: 1, singleToolCall: false, legacyFunctions: false, maxTokens: 4_096, canStream: true, followsToolResult: false } },
    { name: 'stop sequences', given: translated({ stop: ['a', '', 'b'] }, OPENAI), expected: { stop: ['a', 'b'] } },
    { name: 'one stop sequence', given: translated({ stop: 'a' }), expected: { stop: ['a'] } },
    { name: 'an empty stop sequence is none', given: translated({ stop: '' }), expected: { stop: [] } },
    { name: 'one call only', given: translated({ tools: [weather], parallel_tool_calls: false }), expected: { singleToolCall: true } },
    { name: 'one call only, which newer models are told, and held to', given: translated({ tools: [weather], parallel_tool_calls: false }, OPENAI), expected: { singleToolCall: true, fields: { parallel_tool_calls: false } } },
    { name: 'functions', given: translated({ functions: [weather.function] }), expected: { legacyFunctions: true } },
    { name: 'functions beside tools', given: translated({ functions: [weather.function], tools: [weather] }), expected: { legacyFunctions: false } },
    { name: 'a format older models cannot stream', given: translated({ response_format: { type: 'json_object' } }), expected: { canStream: false } },
    { name: 'a format newer models can', given: translated({ response_format: { type: 'json_object' } }, OPENAI), expected: { canStream: true } },
    { name: 'tools whose stream would stay empty', given: translated({ tools: [weather] }, modelOf('llama-4')), expected: { canStream: false } },
    { name: 'a limit', given: translated({ max_tokens: 9 }), expected: { maxTokens: 9 } },
    { name: 'a key for the prompt cache', given: translated({ prompt_cache_key: 'chat:1' }), expected: { cacheKey: 'chat:1' } }
  ]
  for (const { name, given, expected } of cases) t.match(given, expected, name)
  t.notOk('cacheKey' in translated({ prompt_cache_key: '' }), 'an empty key is none')
  const unfit = translated({ prompt_cache_key: 'a b' })
  t.notOk('cacheKey' in unfit, 'a key that fits no header is none')
  t.match(unfit.changes, [{ param: 'prompt_cache_key', action: 'dropped' }], 'and that is told')
  t.end()
})

t.test('several choices are several calls with seeds that follow each other', t => {
  const cases = [
    { name: 'without a seed, from any', given: { n: 3 }, model: CLASSIC, expected: [5, 6, 7] },
    { name: 'with a seed', given: { n: 2, seed: 40 }, model: CLASSIC, expected: [40, 41] },
    { name: 'from the last seed to the first', given: { n: 2, seed: 9_999_999_999 }, model: CLASSIC, expected: [9_999_999_999, 2] },
    { name: 'from a seed below all, for newer models', given: { n: 1, seed: -3 }, model: OPENAI, expected: [9_999_999_997] },
    { name: 'one choice without a seed has none', given: { n: 1 }, model: CLASSIC, expected: [undefined] }
  ]
  for (const { name, given, model, expected } of cases) {
    const request = translated(given, model)
    t.strictSame(expected.map((_, choice) => body(request, { choice })['seed']), expected, name)
  }
  t.match(translated({ n: 2 }).changes, [{ param: 'n', action: 'emulated', from: 2 }], 'and it is told')
  t.throws(() => translated({ n: 9 }), { status: 400, param: 'n', code: 'integer_above_max_value', message: "Invalid 'n': integer above maximum value. Expected a value <= 8, but got 9 instead." }, 'more than the proxy allows is refused')
  t.end()
})

t.test('parameters that are not taken can be refused instead', t => {
  const cases = [
    { name: 'one Workers AI has no word for', given: { user: 'u' }, param: 'user' },
    { name: 'one this model does not take', given: { top_k: 5 }, param: 'top_k' }
  ]
  for (const { name, given, param } of cases) {
    t.throws(() => translated(given, OPENAI, { unsupportedParams: 'reject' }), { status: 400, param, code: 'unsupported_parameter', message: `Unsupported parameter: '${param}' is not supported with this model.` }, name)
  }
  t.match(translated({ temperature: 2, top_p: 0, store: false }, CLASSIC, { unsupportedParams: 'reject' }).changes, [{ param: 'top_p', action: 'clamped' }], 'what is only clamped is told')
  t.end()
})

t.test('the limit leaves room for the prompt', t => {
  const long = 'word '.repeat(16_000)
  const cases = [
    { name: 'a prompt that fills most of the window', given: { messages: [{ role: 'user' as const, content: long.slice(0, 66_000) }] }, model: CLASSIC, most: 24_000 - 66_000 / 4 },
    { name: 'tools that do', given: { tools: [{ ...weather, function: { ...weather.function, description: long.slice(0, 66_000) } }] }, model: CLASSIC, most: 24_000 - 66_000 / 4 }
  ]
  for (const { name, given, model, most } of cases) {
    const { maxTokens } = translated(given, model)
    t.ok(maxTokens < 4_096 && maxTokens <= most && maxTokens >= 1, `${name}: ${maxTokens} tokens`)
  }
  const image = { type: 'image_url' as const, image_url: { url: `data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAgAAAAIACAYAAAD0eNT6${'A'.repeat(300_000)}` } }
  t.equal(translated({ messages: [{ role: 'user', content: [image] }] }, OPENAI).maxTokens, 4_096, 'an image costs tokens by its kind, not by its bytes')
  t.end()
})

t.test('the body is JSON that strict readers take', t => {
  const cases = [
    { name: 'a lone surrogate', given: 'a\ud83d', expected: 'a\ufffd' },
    { name: 'a pair', given: 'a\ud83d\ude00', expected: 'a\ud83d\ude00' },
    { name: 'an escape somebody wrote out', given: 'a\\ud83d', expected: 'a\\ud83d' },
    { name: 'line separators', given: 'a\u2028\u0000', expected: 'a\u2028\u0000' }
  ]
  for (const { name, given, expected } of cases) {
    const request = translated({ messages: [{ role: 'user', content: given }], stop: given }, OPENAI)
    t.match(body(request), { messages: [{ content: expected }], stop: [expected] }, name)
    t.notMatch(toText(toBody(request, { stream: false, choice: 0, baseSeed: 1 })), /(?<!\\)\\ud83d/, `${name}, without an escape of half a pair`)
  }
  t.end()
})

t.test('a history of calls is text to a model that knows none, and that is told', t => {
  const messages: GenerationRequest['messages'] = [
    { role: 'user', content: 'hi' },
    { role: 'assistant', content: null, tool_calls: ['a', 'b'].map(id => ({ id, type: 'function', function: { name: id, arguments: '{}' } })) },
    { role: 'tool', tool_call_id: 'b', content: 'B' },
    { role: 'tool', tool_call_id: 'a', content: 'A' }
  ]
  const run = translated({ messages }, modelOf('classic-2025', { family: { tools: 'prompt' } }))
  const sent = body(run)['messages'] as Array<{ content: string }>
  t.equal(sent[2]?.content, '<tool_response>\nResult of call 1 of 2, a:\nA\n</tool_response>\n<tool_response>\nResult of call 2 of 2, b:\nB\n</tool_response>')
  t.strictSame(run.changes.map(({ param, action }) => `${param} ${action}`), ['messages[3] repaired', 'messages emulated'])
  t.end()
})

t.test('whole numbers beyond 2^53 keep the digits the client wrote, wherever a schema is put', t => {
  const schema = '{"type":"object","properties":{"id":{"type":"integer","enum":[9007199254740993,9007199254740995],"maximum":9223372036854775807}}}'
  const json = `{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f","parameters":${schema}}}],"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":${schema}}}}`
  const tools = `"name":"f","description":"","parameters":${schema.replace('9223372036854775807}', '9223372036854775807,"description":""}')}`
  const cases = [
    { name: 'classic models', model: CLASSIC, expected: [tools, `"json_schema":${schema}`] },
    { name: 'newer ones', model: OPENAI, expected: [`"parameters":${schema}`, `"schema":${schema}`] },
    { name: 'JSON by guided decoding', model: modelOf('guided'), expected: [`"guided_json":${schema}`] },
    { name: 'tools and JSON in words', model: modelOf('classic', { family: { tools: 'prompt', jsonSchema: 'none' } }), expected: [JSON.stringify(tools).slice(1, -1), JSON.stringify(schema).slice(1, -1)] }
  ]
  for (const { name, model, expected } of cases) {
    const request = JSON.parse(json) as GenerationRequest
    keepDigits(request, () => json)
    const sent = toText(toBody(toRunRequest(request, model, OPTIONS), { stream: false, choice: 0, baseSeed: 5 }))
    for (const part of expected) t.ok(sent.includes(part), `${name}: ${part.slice(0, 60)}`)
  }
  t.end()
})
