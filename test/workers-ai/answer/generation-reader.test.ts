import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Batch, FinishReason, GenerationEvent, Usage } from '../../../src/generation/event.ts'
import { GenerationReader } from '../../../src/workers-ai/answer/generation-reader.ts'
import { SseDecoder } from '../../../src/workers-ai/answer/sse-decoder.ts'

const DONE = '[DONE]'

function newReader (): GenerationReader {
  let calls = 0
  return new GenerationReader(() => `call_${++calls}`)
}

/** The events of a whole stream; frames that are no text are written as JSON. */
function streamed (...frames: unknown[]): Batch {
  const reader = newReader()
  const batch: Batch = []
  for (const frame of frames) reader.readEvent(typeof frame === 'string' ? frame : JSON.stringify(frame), batch)
  reader.end(batch)
  return batch.map(withoutJson)
}

/** The JSON a text came as is frame-run's, and compared there. */
function withoutJson (event: GenerationEvent): GenerationEvent {
  if (event.type !== 'text') return event
  const { json: _json, ...rest } = event
  return rest
}

function answered (answer: unknown): Batch {
  const batch: Batch = []
  newReader().readAnswer(answer, batch)
  return batch
}

function text (...pieces: string[]): GenerationEvent[] {
  return pieces.map(piece => ({ type: 'text', text: piece }))
}

function reasoning (piece: string): GenerationEvent {
  return { type: 'reasoning', text: piece }
}

function used (usage: Usage): GenerationEvent {
  return { type: 'usage', usage }
}

function finished (reason: FinishReason | null = null): GenerationEvent {
  return { type: 'finish', reason }
}

function call (name: string, args: string): GenerationEvent {
  return { type: 'tool_call', index: 0, id: 'call_1', name, arguments: args }
}

function delta (delta: unknown, more: Record<string, unknown> = {}) {
  return { id: 'chatcmpl-x', object: 'chat.completion.chunk', choices: [{ index: 0, delta, logprobs: null, finish_reason: null }], ...more }
}

t.test('a stream of frames', t => {
  const cases: Array<{ name: string, given: unknown[], expected: Batch }> = [
    {
      name: 'a classic stream, padding and all',
      given: [{ response: '', tool_calls: [], p: 'abc' }, { response: 'You', tool_calls: [], p: 'a' }, { response: "'re", p: '' }, { tool_calls: [], p: 'ab' }, { response: '', usage: { prompt_tokens: 169, completion_tokens: 48, total_tokens: 217 } }, DONE],
      expected: [...text('You', "'re"), used({ promptTokens: 169, completionTokens: 48 }), finished()]
    },
    { name: 'a token that is a number', given: [{ response: 42 }, { response: 0 }, DONE], expected: [...text('42', '0'), finished()] },
    { name: 'a token that is null', given: [{ response: null }, { response: 'a' }, DONE], expected: [...text('a'), finished()] },
    { name: 'a finish reason beside classic text', given: [{ response: 'a', finish_reason: 'stop' }, DONE], expected: [...text('a'), finished()] },
    { name: 'a finish reason of its own', given: [{ response: 'a' }, { finish_reason: 'length' }, DONE], expected: [...text('a'), finished('length')] },
    {
      name: 'an OpenAI-shaped stream with usage on every chunk',
      given: [delta({ role: 'assistant', content: '' }, { usage: { prompt_tokens: 13, completion_tokens: 0 } }), delta({ reasoning_content: 'Okay' }, { usage: { prompt_tokens: 13, completion_tokens: 3 } }), delta({ content: 'A' }), { choices: [], usage: { prompt_tokens: 13, completion_tokens: 1022 } }, DONE],
      expected: [reasoning('Okay'), ...text('A'), used({ promptTokens: 13, completionTokens: 1022 }), finished()]
    },
    { name: 'usage without choices', given: [delta({ content: 'A' }), { usage: { prompt_tokens: 9, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 3 } } }, DONE], expected: [...text('A'), used({ promptTokens: 9, completionTokens: 1, cachedTokens: 3 }), finished()] },
    { name: 'thinking by its other name', given: [delta({ reasoning: 'Hm' }), delta({ content: 'A' }), DONE], expected: [reasoning('Hm'), ...text('A'), finished()] },
    { name: 'thinking by both names, one of them empty', given: [delta({ reasoning_content: '', reasoning: 'Hm' }), delta({ reasoning_content: 'Hm', reasoning: 'Hm' }), DONE], expected: [reasoning('Hm'), reasoning('Hm'), finished()] },
    { name: 'content as parts', given: [delta({ content: [{ type: 'text', text: 'A' }, { type: 'text', text: 'B' }] }), DONE], expected: [...text('AB'), finished()] },
    { name: 'content that is a number', given: [delta({ content: 742 }), delta({ content: 0 }), DONE], expected: [...text('742', '0'), finished()] },
    { name: 'a completion chunk of the prompt form', given: [{ choices: [{ index: 0, text: 'A', finish_reason: null }] }, DONE], expected: [...text('A'), finished()] },
    { name: 'another choice than the first', given: [{ choices: [{ index: 1, delta: { content: 'no' } }] }, delta({ content: 'A' }), DONE], expected: [...text('A'), finished()] },
    { name: 'choices without an index', given: [{ choices: [{ delta: { content: 'A' } }] }, DONE], expected: [...text('A'), finished()] },
    { name: 'choices and deltas that are null', given: [{ choices: [null] }, { choices: [{ index: 0, delta: null }] }, { choices: null }, delta({ content: 'A' }), DONE], expected: [...text('A'), finished()] },
    { name: 'a hybrid frame tells its text once', given: [{ choices: [{ delta: { content: 'A' } }], response: 'A', tool_calls: [] }, DONE], expected: [...text('A'), finished()] },
    { name: 'a hybrid frame whose choices are empty', given: [{ choices: [{ delta: { content: '', role: 'assistant' } }], response: 'A', tool_calls: [] }, DONE], expected: [...text('A'), finished()] },
    { name: 'a hybrid frame with thinking in its choices and text beside them', given: [{ choices: [{ delta: { reasoning_content: 'Hm', content: '' } }], response: 'A' }, DONE], expected: [reasoning('Hm'), ...text('A'), finished()] },
    { name: 'a hybrid frame with text in its choices and a call beside them', given: [{ choices: [{ delta: { content: 'A' } }], response: 'A', tool_calls: [{ name: 'f', arguments: {} }] }, DONE], expected: [...text('A'), call('f', '{}'), finished()] },
    { name: 'a hybrid frame tells its call once', given: [{ choices: [{ delta: { tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '{}' } }] } }], tool_calls: [{ name: 'f', arguments: {} }] }, DONE], expected: [call('f', '{}'), finished()] },
    { name: 'a hybrid frame tells a piece of a call once', given: [{ choices: [{ delta: { tool_calls: [{ index: 0, function: { arguments: '{' } }] } }], tool_calls: [{ index: 0, function: { arguments: '{' } }] }, { tool_calls: [{ index: 0, function: { name: 'f', arguments: '}' } }] }, DONE], expected: [call('f', '{}'), finished()] },
    { name: 'a call in pieces at the top', given: [{ response: '', tool_calls: [] }, { tool_calls: [{ id: 'x', type: 'function', index: 0, function: { name: 'f' } }] }, { tool_calls: [{ index: 0, function: { arguments: '{}' } }] }, { tool_calls: [{ id: null, type: null, index: 0, function: { name: null, arguments: '' } }] }, { finish_reason: 'tool_calls' }, DONE], expected: [call('f', ''), { type: 'tool_call', index: 0, arguments: '{}' }, finished('tool_calls')] },
    { name: 'noise between the frames', given: ['keep-alive', delta({ content: 'A' }), '', 'ping', DONE], expected: [...text('A'), finished()] },
    { name: 'an array is noise', given: ['[1,2]', delta({ content: 'A' }), DONE], expected: [...text('A'), finished()] },
    { name: '[DONE] with spaces around it', given: [delta({ content: 'A' }), ' [DONE] '], expected: [...text('A'), finished()] },
    { name: 'nothing after [DONE] is read', given: [delta({ content: 'A' }), DONE, delta({ content: 'B' })], expected: [...text('A'), finished()] },
    { name: 'a finish reason without [DONE] is an end', given: [delta({ content: 'A' }), { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }], expected: [...text('A'), finished()] },
    { name: 'a finish reason that says nothing', given: [delta({ content: 'A' }), { choices: [{ index: 0, delta: {}, finish_reason: '' }] }, DONE], expected: [...text('A'), finished()] },
    { name: 'a frame in the envelope', given: [{ result: { response: 'A' }, success: true, errors: [] }, DONE], expected: [...text('A'), finished()] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(streamed(...given), expected, name)
  t.end()
})

t.test('a whole answer', t => {
  const message = (message: unknown, finishReason = 'stop') => ({ id: 'x', object: 'chat.completion', choices: [{ index: 0, message, finish_reason: finishReason }] })
  const cases: Array<{ name: string, given: unknown, expected: Batch }> = [
    { name: 'classic, in the envelope', given: { result: { response: 'A', tool_calls: [], usage: { prompt_tokens: 3, completion_tokens: 4, neurons: 0.5 } }, success: true, errors: [], messages: [] }, expected: [...text('A'), used({ promptTokens: 3, completionTokens: 4 }), finished()] },
    { name: 'classic, without the envelope', given: { response: 'A' }, expected: [...text('A'), finished()] },
    { name: 'a response that is a number', given: { response: 4 }, expected: [...text('4'), finished()] },
    { name: 'a response that is false', given: { response: false }, expected: [...text('false'), finished()] },
    { name: 'a response in JSON mode', given: { response: { city: 'Oslo' } }, expected: [...text('{"city":"Oslo"}'), finished()] },
    { name: 'a list in JSON mode', given: { response: [{ text: 'a' }, { text: 'b' }] }, expected: [...text('[{"text":"a"},{"text":"b"}]'), finished()] },
    { name: 'an empty list in JSON mode', given: { response: [] }, expected: [...text('[]'), finished()] },
    { name: 'a call beside a response of null', given: { response: null, tool_calls: [{ name: 'f', arguments: { a: 1 } }] }, expected: [call('f', '{"a":1}'), finished()] },
    { name: 'a call beside text', given: { response: 'A', tool_calls: [{ name: 'f', arguments: {} }] }, expected: [...text('A'), call('f', '{}'), finished()] },
    { name: 'only calls', given: { tool_calls: [{ name: 'f' }] }, expected: [call('f', ''), { type: 'tool_call', index: 0, arguments: '{}' }, finished()] },
    { name: 'OpenAI-shaped', given: message({ role: 'assistant', content: 'A', reasoning_content: 'Hm' }), expected: [reasoning('Hm'), ...text('A'), finished()] },
    { name: 'content of null beside calls', given: message({ content: null, tool_calls: [{ id: 'functions.f:0', type: 'function', function: { name: 'f', arguments: '{}' } }] }, 'tool_calls'), expected: [call('f', '{}'), finished('tool_calls')] },
    { name: 'content that is an object', given: message({ content: { a: 1 } }), expected: [...text('{"a":1}'), finished()] },
    { name: 'a text completion', given: { object: 'text_completion', choices: [{ index: 0, text: 'A', finish_reason: 'length' }] }, expected: [...text('A'), finished('length')] },
    { name: 'Responses API', given: { object: 'response', status: 'completed', error: null, output: [{ type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Hm' }] }, { type: 'message', content: [{ type: 'output_text', text: 'A' }] }], usage: { input_tokens: 5, input_tokens_details: { cached_tokens: 2 }, output_tokens: 6, output_tokens_details: { reasoning_tokens: 1 } } }, expected: [reasoning('Hm'), ...text('A'), used({ promptTokens: 5, completionTokens: 6, cachedTokens: 2, reasoningTokens: 1 }), finished()] },
    { name: 'Responses API, cut off', given: { object: 'response', status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' }, output: [{ type: 'message', content: [{ type: 'output_text', text: 'A' }] }] }, expected: [...text('A'), finished('length')] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(answered(given), expected, name)
  t.end()
})

t.test('finish reasons are read into the few that are known', t => {
  const cases: Array<{ given: string, expected: FinishReason | null }> = [
    { given: 'stop', expected: null },
    { given: 'length', expected: 'length' },
    { given: 'model_length', expected: 'length' },
    { given: 'max_tokens', expected: 'length' },
    { given: 'tool_calls', expected: 'tool_calls' },
    { given: 'function_call', expected: 'tool_calls' },
    { given: 'content_filter', expected: 'content_filter' },
    { given: 'other', expected: null },
    { given: 'unknown', expected: null }
  ]
  for (const { given, expected } of cases) t.strictSame(streamed(delta({ content: 'A' }), { choices: [{ index: 0, delta: {}, finish_reason: given }] }, DONE).at(-1), finished(expected), given)
  t.end()
})

t.test('usage is read leniently', t => {
  const cases: Array<{ name: string, given: unknown, expected: Usage | undefined }> = [
    { name: 'all that is known', given: { prompt_tokens: 9, completion_tokens: 8, prompt_tokens_details: { cached_tokens: 7 }, completion_tokens_details: { reasoning_tokens: 6 } }, expected: { promptTokens: 9, completionTokens: 8, cachedTokens: 7, reasoningTokens: 6 } },
    { name: 'more cached than sent', given: { prompt_tokens: 5, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 7 } }, expected: { promptTokens: 5, completionTokens: 1, cachedTokens: 5 } },
    { name: 'counts below zero and between', given: { prompt_tokens: -1, completion_tokens: 1.6 }, expected: { promptTokens: 0, completionTokens: 2 } },
    { name: 'only one count', given: { prompt_tokens: 3 }, expected: { promptTokens: 3, completionTokens: 0 } },
    { name: 'details that are null', given: { prompt_tokens: 3, completion_tokens: 1, prompt_tokens_details: null, completion_tokens_details: null }, expected: { promptTokens: 3, completionTokens: 1 } },
    { name: 'counts of another type', given: { prompt_tokens: '3', completion_tokens: null }, expected: undefined },
    { name: 'an empty object', given: {}, expected: undefined },
    { name: 'null', given: null, expected: undefined }
  ]
  for (const { name, given, expected } of cases) {
    t.strictSame(answered({ response: 'A', usage: given }), [...text('A'), ...expected ? [used(expected)] : [], finished()], name)
  }
  t.strictSame(streamed({ response: 'A', usage: { prompt_tokens: 1, completion_tokens: 1 } }, { usage: {} }, DONE).at(-2), used({ promptTokens: 1, completionTokens: 1 }), 'an empty one does not replace what was told')
  t.end()
})

t.test('a finish reason counts when nothing follows it', t => {
  const cases = [
    { name: 'text, and another reason', given: [{ response: 'A', finish_reason: 'length' }, { response: 'B', finish_reason: 'stop' }, DONE], expected: null },
    { name: 'the other way', given: [{ response: 'A', finish_reason: 'stop' }, { response: 'B', finish_reason: 'length' }, DONE], expected: 'length' },
    { name: 'text, and no other reason', given: [{ response: 'A', finish_reason: 'length' }, { response: 'B' }, DONE], expected: null },
    { name: 'thinking', given: [{ choices: [{ delta: { content: 'A' }, finish_reason: 'length' }] }, { choices: [{ delta: { reasoning_content: 'B' } }] }, DONE], expected: null },
    { name: 'a call', given: [{ response: 'A', finish_reason: 'length' }, { tool_calls: [{ name: 'f', arguments: {} }] }, DONE], expected: null },
    { name: 'nothing but usage', given: [{ response: 'A', finish_reason: 'length' }, { response: '', usage: { prompt_tokens: 1, completion_tokens: 1 } }, DONE], expected: 'length' },
    { name: 'nothing but another reason', given: [{ response: 'A', finish_reason: 'length' }, { response: '', finish_reason: 'stop' }, DONE], expected: null }
  ]
  for (const { name, given, expected } of cases) t.strictSame(streamed(...given).at(-1), { type: 'finish', reason: expected }, name)
  t.end()
})

t.test('what is no good end is a failure, and nothing comes after it', t => {
  const cases: Array<{ name: string, given: unknown[], text: string[], expected: object }> = [
    { name: 'a stream that stops', given: [{ response: 'A' }], text: ['A'], expected: { kind: 'truncated', message: 'The stream from Cloudflare ended before the answer did' } },
    { name: 'a stream that never began', given: [], text: [], expected: { kind: 'truncated' } },
    { name: 'a frame that is no JSON', given: [{ response: 'A' }, '{"response":"B', { response: 'C' }, DONE], text: ['A'], expected: { kind: 'malformed', message: 'Cloudflare sent a stream frame that is no valid JSON' } },
    { name: 'a failure in the envelope', given: [{ response: 'A' }, { success: false, errors: [{ code: 3040, message: 'AiError: Capacity temporarily exceeded' }] }, DONE], text: ['A'], expected: { kind: 'refused', status: 200, code: 3040, message: 'Capacity temporarily exceeded' } },
    { name: 'a failure in OpenAI\'s words', given: [{ error: { message: 'overloaded', type: 'server_error', code: 'x' } }], text: [], expected: { kind: 'refused', message: 'overloaded' } },
    { name: 'a failure inside a result', given: [{ success: true, result: { object: 'error', message: 'bad', code: 400 } }], text: [], expected: { kind: 'refused', code: 400, message: 'bad' } },
    { name: 'a finish reason of error', given: [{ response: 'A', finish_reason: 'error' }, DONE], text: ['A'], expected: { kind: 'refused', message: 'The model stopped with an error' } },
    { name: 'text after the end, and no other end', given: [{ response: 'A', finish_reason: 'stop' }, { response: 'B' }], text: ['A', 'B'], expected: { kind: 'truncated' } },
    { name: 'a call without a name', given: [{ tool_calls: [{ index: 0, function: { arguments: '{}' } }] }, DONE], text: [], expected: { kind: 'malformed', message: 'The model called a tool without naming it' } }
  ]
  for (const { name, given, text: pieces, expected } of cases) {
    const batch = streamed(...given)
    t.strictSame(batch.slice(0, -1), text(...pieces), name)
    const last = batch.at(-1)
    t.match(last?.type === 'failure' && last.error, { name: 'UpstreamError', ...expected }, `${name} (failure)`)
  }
  t.end()
})

t.test('secrets are taken out of what Cloudflare says of a failure', t => {
  const reader = new GenerationReader(() => 'call', sentence => sentence.replace('token-0815', '[redacted]'))
  const batch: Batch = []
  reader.readEvent('{"error":{"message":"token-0815 is invalid","code":10000}}', batch)
  t.match(batch, [{ type: 'failure', error: { message: '[redacted] is invalid' } }])
  t.end()
})

t.test('an answer that is no generation is a failure', t => {
  const cases = [
    { name: 'an empty result', given: { result: {}, success: true, errors: [], messages: [] } },
    { name: 'a result of null', given: { result: null, success: true, errors: [] } },
    { name: 'an array', given: [{ label: 'POSITIVE', score: 1 }] },
    { name: 'a result that is an array', given: { result: [{ label: 'POSITIVE', score: 1 }], success: true } },
    { name: 'no choices', given: { result: { object: 'chat.completion', choices: [], usage: { prompt_tokens: 1, completion_tokens: 0 } } } },
    { name: 'a queued batch', given: { result: { status: 'queued', request_id: 'x', model: '@cf/x/y' }, success: true } },
    { name: 'an embedding', given: { result: { shape: [1, 3], data: [[1, 2, 3]] }, success: true } },
    { name: 'text', given: 'hi' },
    { name: 'null', given: null }
  ]
  for (const { name, given } of cases) {
    const batch = answered(given)
    t.equal(batch.length, 1, name)
    t.match(batch[0], { type: 'failure', error: { kind: name === 'an empty result' ? 'empty' : 'malformed', message: 'Cloudflare answered with JSON that is no generation' } }, `${name} (failure)`)
  }
  const broken = answered({ choices: [{ index: 0, message: { content: 'Hel' }, finish_reason: 'error' }] })
  t.match(broken, [{ type: 'failure', error: { kind: 'refused' } }], 'a failure is all that is told')
  t.equal(broken.length, 1, 'and not the text before it')
  t.match(answered({ success: false, errors: [{ code: 1000, message: 'no' }] }), [{ type: 'failure', error: { kind: 'refused', code: 1000 } }], 'a failure keeps its own words')
  t.end()
})

t.test('an answer that holds nothing at all is a failure', t => {
  const billed = { usage: { prompt_tokens: 5, completion_tokens: 7 } }
  const prompt = { usage: { prompt_tokens: 5, completion_tokens: 0 } }
  const cases: Array<{ name: string, given: Array<object | string>, isEmpty: boolean }> = [
    { name: 'the end alone', given: [DONE], isEmpty: true },
    { name: 'no text, and nothing billed', given: [{ response: '' }, { response: null, ...prompt }, DONE], isEmpty: true },
    { name: 'text', given: [{ response: 'A' }, DONE], isEmpty: false },
    { name: 'tokens that are billed for nothing', given: [{ response: '', ...billed }, DONE], isEmpty: false },
    { name: 'thinking', given: [delta({ reasoning: 'Hm' }), DONE], isEmpty: false },
    { name: 'a call', given: [{ tool_calls: [{ name: 'f' }] }, DONE], isEmpty: false },
    { name: 'a limit that left no room', given: [{ response: '', finish_reason: 'length' }, DONE], isEmpty: false },
    { name: 'a finish reason', given: [{ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }], isEmpty: false }
  ]
  for (const { name, given, isEmpty } of cases) {
    const reader = newReader()
    const batch: Batch = []
    for (const frame of given) reader.readEvent(typeof frame === 'string' ? frame : JSON.stringify(frame), batch)
    reader.end(batch)
    if (isEmpty) t.match(batch, [{ type: 'failure', error: { kind: 'empty' } }], name)
    else t.equal(batch.at(-1)?.type, 'finish', name)
  }
  t.match(answered({ response: '', usage: { prompt_tokens: 0, completion_tokens: 0 } }), [{ type: 'failure', error: { kind: 'empty' } }], 'a whole one, too')
  t.match(answered({}), [{ type: 'failure', error: { kind: 'empty' } }], 'and one that is no generation')
  t.end()
})

t.test('a reader knows whether more can come', t => {
  const reader = newReader()
  t.equal(reader.done, false)
  reader.readEvent('{"response":"A"}', [])
  t.equal(reader.done, false)
  reader.readEvent(DONE, [])
  t.equal(reader.done, true)

  const failed = newReader()
  failed.readEvent('{"error":"overloaded"}', [])
  const after: Batch = []
  failed.end(after)
  t.strictSame(after, [], 'a generation that failed does not end as well')
  t.end()
})

t.test('however the bytes of a stream are cut, the same events come out', t => {
  const streams = [
    { name: 'classic', given: ['{"response":"","p":"x"}', '{"response":"é漢🙂"}', '{"response":7}', '{"response":"","usage":{"prompt_tokens":1,"completion_tokens":2}}', DONE] },
    { name: 'OpenAI-shaped with a call', given: ['{"choices":[{"index":0,"delta":{"reasoning_content":"Hm 🙂"}}]}', '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"f","arguments":""}}]}}]}', '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"é\\":1}"}}]}}]}', '{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}', DONE] }
  ]
  function read (bytes: Buffer, cuts: readonly number[]): Batch {
    const decoder = new SseDecoder()
    const reader = newReader()
    const batch: Batch = []
    const places = [0, ...cuts, bytes.length]
    for (const [index, end] of places.slice(1).entries()) {
      for (const event of decoder.push(bytes.subarray(places[index], end))) reader.readEvent(event, batch)
    }
    for (const event of decoder.end()) reader.readEvent(event, batch)
    reader.end(batch)
    return batch.map(withoutJson)
  }
  for (const { name, given } of streams) {
    const expected = streamed(...given)
    for (const end of ['\n', '\r\n', '\r']) {
      const bytes = Buffer.from(`\uFEFF: ping${end}${end}` + given.map(frame => `data: ${frame}${end}${end}`).join(''))
      const wrong = Array.from({ length: bytes.length }, (_, cut) => cut).filter(cut => JSON.stringify(read(bytes, [cut])) !== JSON.stringify(expected))
      t.strictSame(wrong, [], `${name}, lines ending with ${JSON.stringify(end)}, cut anywhere`)
      t.doesNotThrow(() => fc.assert(fc.property(fc.array(fc.nat(bytes.length - 1), { maxLength: 20 }), cuts => {
        assert.deepEqual(read(bytes, cuts.sort((one, other) => one - other)), expected)
      }), { numRuns: 60 }), `${name}, lines ending with ${JSON.stringify(end)}, cut into many pieces`)
    }
  }
  t.end()
})
