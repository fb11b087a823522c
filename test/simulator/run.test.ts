import t from 'tap'
import { toOutcome, type Outcome } from '../../src/simulator/run.ts'
import { CATALOGUE } from '../../src/workers-ai/models/catalogue.ts'
import { GPT_OSS, KIMI, LLAMA, MISTRAL, saying, weather } from './asking.ts'

const context = { requestId: '00000000-0000-4000-8000-000000000001', created: 1, order: '', header: '', isToFail: () => false }
const R1 = '@cf/deepseek-ai/deepseek-r1-distill-qwen-32b'
const BGE = '@cf/baai/bge-small-en-v1.5'

function run (model: string, body: unknown, change: object = {}): Outcome {
  return toOutcome(body, CATALOGUE.get(model)!, { ...context, ...change })
}

t.test('a plain answer is a result with its price', async t => {
  t.match(run(LLAMA, saying('say Hi')), { kind: 'result', result: { response: 'Hi' }, neurons: 0.258091, tokens: 1, isSlow: false })
  t.match(run(BGE, { text: 'Hi' }), { kind: 'result', result: { shape: [1, 384] }, neurons: 0.001818, tokens: 0 })
})

t.test('a stream is its frames and what happens to them', async t => {
  t.match(run(LLAMA, saying('slowly, break after 3 frames', { stream: true })), { kind: 'stream', fault: { kind: 'break', after: 3 }, isSlow: true })
})

t.test('an order stands before every message', async t => {
  const order = 'fail with code 4006'
  t.throws(() => run(LLAMA, saying('say Hi'), { order }), { code: 4006 })
  t.throws(() => run(BGE, { text: 'Hi' }, { order }), { code: 4006 })
  t.match(run(LLAMA, saying('say Hi'), { order: 'slowly' }), { kind: 'result', result: { response: 'Hi' }, isSlow: true }, 'and what the message orders is done as well')
})

t.test('some streams are no streams', async t => {
  t.match(run(LLAMA, saying('answer json to stream, say Hi', { stream: true })), { kind: 'result', result: { response: 'Hi' } })
  t.strictSame(run(GPT_OSS, saying('say Hi', { stream: true, reasoning_effort: 'none' })), { kind: 'result', result: {}, neurons: 0, tokens: 1, isSlow: false }, 'and gpt-oss answers nothing at all')
})

t.test('an empty stream has no words and costs as much', async t => {
  const outcome = run(LLAMA, saying('empty stream, say Hi', { stream: true }))
  const frames = outcome.kind === 'stream' ? [...outcome.frames] : []
  t.match(frames, [{ response: '' }, { response: '' }, { tool_calls: [] }, { usage: { completion_tokens: 1 } }])
  t.match(run(LLAMA, saying('empty stream, say Hi')), { kind: 'result', result: { response: 'Hi' } }, 'a plain answer is not empty')
})

t.test('what is wrong is refused before anything is obeyed', async t => {
  t.throws(() => run(LLAMA, saying('stall', { top_k: 0 })), { code: 5006 })
  t.throws(() => run(BGE, { text: '' }), { code: 5006 })
})

t.test('a conversation that does not fit the window is refused', async t => {
  const body = saying('x'.repeat(4 * 23_000), { max_tokens: 1_092 })
  t.throws(() => run(LLAMA, body), {
    code: 5021,
    status: 413,
    message: 'AiError: Ai: The estimated number of input and maximum output tokens (24092) exceeded this model context window limit (24000).'
  })
  t.match(run(LLAMA, saying('x'.repeat(4 * 23_000), { max_tokens: 1_000 })), { kind: 'result' }, 'one that just fits is not')
})

t.test('a call that must be made and does not fit is refused', async t => {
  t.throws(() => run(KIMI, saying('Hi', { tools: [weather], tool_choice: 'required', max_completion_tokens: 5 })), { code: 8006 })
})

t.test('JSON that is cut is no answer', async t => {
  const body = saying('Hi', { response_format: { type: 'json_object' }, max_tokens: 5 })
  t.match(run(LLAMA, body), { kind: 'failure in 200', error: { code: 5024, message: "AiError: JSON Mode couldn't be met" } })
  t.match(run(R1, saying('Hi', { response_format: { type: 'json_object' } })), { kind: 'result', result: { response: { answer: /^Hello!/ } } })
})

t.test('JSON that is only asked for in words is text, also where it is cut', async t => {
  const messages = [{ role: 'system', content: 'Answer with one JSON object and nothing else.' }, { role: 'user', content: 'say hi' }]
  t.match(run(LLAMA, { messages }), { kind: 'result', result: { response: '{"answer":"hi"}' } })
  t.match(run(LLAMA, { messages, max_tokens: 2 }), { kind: 'result', result: { response: '{"answer' } })
})

t.test('a call that is written as text may be cut like any other', async t => {
  const system = { role: 'system', content: `${JSON.stringify(weather.function)}\n<tool_call>\nYou must call one of the functions now.` }
  const body = { messages: [system, { role: 'user', content: 'Hi' }], reasoning_effort: 'none' }
  t.match(run(KIMI, body), { result: { choices: [{ message: { content: '<tool_call>\n{"name": "get_weather", "arguments": {"city":"city","unit":"celsius"}}\n</tool_call>', tool_calls: [] }, finish_reason: 'stop' }] } })
  t.match(run(KIMI, { ...body, max_completion_tokens: 5 }), { result: { choices: [{ finish_reason: 'length' }] } })
})

t.test('a busy model has a queue, unless nobody wants to stand in it', async t => {
  t.match(run(LLAMA, saying('be busy, say Hi')), { kind: 'result', result: { response: 'Hi' }, isQueued: true })
  t.match(run(LLAMA, saying('be busy, say Hi', { stream: true, options: { rejectIfBusy: false } })), { kind: 'stream', isQueued: true })
  t.throws(() => run(LLAMA, saying('be busy, say Hi', { options: { rejectIfBusy: true } })), { code: 3040, status: 429 })
  t.match(run(LLAMA, saying('say Hi', { options: { rejectIfBusy: true } })), { kind: 'result', isQueued: undefined }, 'a free one answers')
})

t.test('failures that are ordered', async t => {
  t.throws(() => run(LLAMA, saying('fail with code 3040')), { code: 3040, status: 429 })
  t.throws(() => run(BGE, { text: ['fail with code 3040', 'x'] }), { code: 3040 }, 'embeddings obey their first text')
  t.match(run(LLAMA, saying('fail with code 3040 as 200')), { kind: 'failure in 200', error: { code: 3040 } })
  t.match(run(LLAMA, saying('fail with 502')), { kind: 'page', status: 502 })
  t.match(run(LLAMA, saying('stall')), { kind: 'stall' })
})

t.test('failures that pass are counted by message', async t => {
  const asked: unknown[] = []
  const isToFail = (...question: unknown[]): boolean => asked.push(question) === 1
  t.throws(() => run(LLAMA, saying('fail 1 time with code 3040 then say ok'), { isToFail }), { code: 3040 })
  t.match(run(LLAMA, saying('fail 1 time with code 3040 then say ok'), { isToFail }), { kind: 'result', result: { response: 'ok' } })
  t.strictSame(asked[0], ['fail 1 time with code 3040 then say ok', 1])
})

t.test('words count at the end of a message, for agents write around them', async t => {
  t.match(run(LLAMA, saying('<environment>\nLinux\n</environment>\n\nsay Hi')), { result: { response: 'Hi' } })
  t.match(run(MISTRAL, { messages: [{ role: 'user', content: [{ type: 'text', text: 'Linux' }, { type: 'text', text: 'say Hi\nHo' }] }] }), { result: { response: 'Hi\nHo' } })
})

t.test('a header has the words instead of the message', async t => {
  const header = 'call tool get_weather with {} then say done'
  t.match(run(LLAMA, saying('say Hi'), { header: 'say Ho' }), { result: { response: 'Ho' } })
  t.throws(() => run(BGE, { text: 'Hi' }, { header: 'fail with code 4006' }), { code: 4006 })
  t.match(run(LLAMA, saying('What is the time?', { tools: [weather] }), { header }), { result: { tool_calls: [{ name: 'get_weather' }] } })
  const messages = [{ role: 'user', content: 'What is the time?' }, { role: 'assistant', content: '' }, { role: 'tool', content: 'rain' }]
  t.match(run(LLAMA, { messages, tools: [weather] }, { header }), { result: { response: 'done', tool_calls: [] } }, 'calls that were made are not made again')
  t.match(run(LLAMA, { messages, tools: [weather] }, { header: 'leak tool get_weather' }), { result: { response: 'The tool answered: rain' } }, 'nor leaked again')
  t.throws(() => run(LLAMA, { messages, tools: [weather] }, { header: 'fail with code 3040' }), { code: 3040 }, 'what goes wrong does so each time')
})

t.test('unknown words in the header are answered with the known ones', async t => {
  const unknown = { code: 5006, message: /unknown words: "fial with code 4006"\. Known words: repeat N tokens.*fail with code N.*slowly/ }
  t.throws(() => run(LLAMA, saying('Hi'), { header: 'fial with code 4006' }), unknown)
  t.throws(() => run(LLAMA, saying('Hi'), { header: 'slowly, fial with code 4006' }), unknown, 'after known ones')
  t.throws(() => run(BGE, { text: 'Hi' }, { header: 'fial with code 4006' }), unknown, 'for embeddings')
  t.match(run(LLAMA, saying('Hi'), { header: ' Please repeat 1 token.' }), { kind: 'result' }, 'punctuation is none')
})

t.test('logprobs are told where they are asked for', async t => {
  const plain = run(KIMI, saying('say Hi', { logprobs: true, top_logprobs: 1, reasoning_effort: 'none' }))
  const logprobs = { content: [{ token: 'Hi', top_logprobs: [{ token: 'Hi' }] }] }
  t.match(plain, { result: { choices: [{ logprobs }] } })
  const stream = run(KIMI, saying('say Hi', { logprobs: true, top_logprobs: 1, reasoning_effort: 'none', stream: true }))
  t.match(stream.kind === 'stream' ? [...stream.frames] : [], [{ choices: [{ logprobs: null }] }, { choices: [{ delta: { content: 'Hi' }, logprobs }] }])
})

t.test('a model that refuses messages takes its other form', async t => {
  t.throws(() => run(GPT_OSS, saying('refuse messages, say Hi')), { code: 8001 })
  t.match(run(GPT_OSS, { input: [{ role: 'user', content: 'refuse messages, say Hi' }] }), { result: { output: [{}, { content: [{ text: 'Hi' }] }] } })
})

t.test('an agent that brings a result is not sent for it again', async t => {
  const messages = [{ role: 'user', content: 'fail with code 3040' }, { role: 'assistant', content: '' }, { role: 'tool', content: 'rain' }]
  t.match(run(LLAMA, { messages, tools: [weather] }), { kind: 'result', result: { response: 'The tool answered: rain' } })
})

t.test('models that do not chat refuse to', async t => {
  t.throws(() => run('@cf/cloudflare/clef', saying('Hi')), { code: 5006, message: "AiError: Bad input: Error: required properties at '/' are 'model,state,questions'" })
})
