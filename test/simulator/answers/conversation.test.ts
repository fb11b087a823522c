import t from 'tap'
import { toConversation, type Conversation } from '../../../src/simulator/answers/conversation.ts'
import { toDialect } from '../../../src/simulator/native/dialect.ts'
import type { RunBody } from '../../../src/simulator/run-body.ts'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import { GPT_OSS, KIMI, LLAMA, LLAMA_4, QWEN, weather } from '../asking.ts'

const R1 = '@cf/deepseek-ai/deepseek-r1-distill-qwen-32b'
const DEEPSEEK = '@cf/deepseek-ai/deepseek-v4-flash-0731'
const messages = [{ role: 'user', content: 'Hi' }]
const schema = { type: 'object', properties: { a: { type: 'string' } } }
const described = {
  role: 'system',
  content: `You can call these functions:\n${JSON.stringify(weather.function)}\nTo call one, answer with:\n<tool_call>\n{"name": "FUNCTION_NAME", "arguments": {}}\n</tool_call>`
}
const mustCall = { role: 'system', content: `${described.content}\n\nYou must call the function get_weather now. Answer with that call and nothing else.` }
const wantsJson = { role: 'system', content: `Answer with one JSON object and nothing else. It must match this JSON Schema:\n${JSON.stringify(schema)}` }

const cases: Array<{ name: string, model?: string, given: RunBody, expected: Partial<Conversation> }> = [
  { name: 'the prompt is the question', given: { prompt: 'Hi' }, expected: { form: 'prompt', question: 'Hi', text: 'Hi' } },
  {
    name: 'so is the last user message, whatever follows it',
    given: { messages: [{ role: 'system', content: 'Be nice' }, { role: 'user', content: 'Hi' }, { role: 'assistant', content: 'Ho' }] },
    expected: { form: 'messages', question: 'Hi', text: 'Be nice\nHi\nHo', toolResults: [] }
  },
  { name: 'so is an input', model: GPT_OSS, given: { input: 'Hi' }, expected: { form: 'input', question: 'Hi' } },
  {
    name: 'tools have the last word',
    given: { messages: [...messages, { role: 'assistant', content: '' }, { role: 'tool', content: 'a' }, { role: 'tool', content: 'b' }] },
    expected: { question: 'Hi', toolResults: ['a', 'b'] }
  },
  {
    name: 'so have tools whose results stand between tags',
    given: { messages: [...messages, { role: 'assistant', content: '' }, { role: 'user', content: '<tool_response>\na\n</tool_response>' }] },
    expected: { question: 'Hi', toolResults: ['a'], text: 'Hi\n\n<tool_response>\na\n</tool_response>' }
  },
  {
    name: 'a complaint is no question',
    given: { messages: [...messages, { role: 'assistant', content: '{}' }, { role: 'user', content: 'That does not fit: a is missing.' }] },
    expected: { question: 'Hi', isAskedAgain: true, text: 'Hi\n{}\nThat does not fit: a is missing.' }
  },
  {
    name: 'nor the last word about a result',
    given: { messages: [...messages, { role: 'assistant', content: '' }, { role: 'tool', content: 'a' }, { role: 'user', content: 'Now answer with this result.' }] },
    expected: { question: 'Hi', isAskedAgain: true, toolResults: ['a'] }
  },
  {
    name: 'tools may have said more before',
    given: { messages: [...messages, { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f' } }] }, { role: 'tool', content: 'a' }, { role: 'assistant', content: '{"name": "g", "parameters": {}}' }, { role: 'tool', content: 'b' }] },
    expected: { toolResults: ['a', 'b'], called: ['f', 'g'] }
  },
  {
    name: 'not to an earlier question',
    given: { messages: [...messages, { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f' } }] }, { role: 'tool', content: 'a' }, { role: 'assistant', content: 'b' }, { role: 'user', content: 'Ho' }] },
    expected: { question: 'Ho', toolResults: [], called: [] }
  },
  {
    name: 'parts are read, and images known',
    model: LLAMA_4,
    given: { messages: [{ role: 'system', content: 'Be nice' }, { role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,/9j/' } }, { type: 'text', text: 'b' }] }] },
    expected: { question: 'a\nb', lastPart: 'b', system: 'Be nice', pictures: ['a JPEG'] }
  },
  { name: 'logprobs are told', model: KIMI, given: { messages, logprobs: true, top_logprobs: 2 }, expected: { topLogprobs: 2 } },
  { name: 'without others', model: KIMI, given: { messages, logprobs: true }, expected: { topLogprobs: 0 } },
  { name: 'when they are asked for', model: KIMI, given: { messages, top_logprobs: 2 }, expected: { topLogprobs: undefined } },
  { name: 'and the model knows them', given: { messages, logprobs: true }, expected: { topLogprobs: undefined } },
  { name: 'a question is asked once', given: { messages }, expected: { isAskedAgain: false } },
  { name: 'tools are unwrapped', given: { messages, tools: [weather, { name: 'f' }] }, expected: { tools: [weather.function, { name: 'f' }], callForm: 'native' } },
  { name: 'tools may be described', model: '@cf/meta/llama-3.1-8b-instruct-fp8', given: { messages: [described, ...messages] }, expected: { tools: [weather.function], callForm: 'text', mustCall: undefined } },
  { name: 'and forced in words', given: { messages: [mustCall, ...messages] }, expected: { tools: [weather.function], callForm: 'text', mustCall: { name: 'get_weather' } } },
  { name: 'tools of the body win', given: { messages: [described, ...messages], tools: [{ name: 'f' }] }, expected: { tools: [{ name: 'f' }], callForm: 'native' } },
  { name: 'they may be forced in words, too', given: { messages: [mustCall, ...messages], tools: [weather] }, expected: { callForm: 'native', mustCall: { name: 'get_weather' } } },
  { name: 'a model that calls nothing sees no tools', model: '@cf/meta/llama-3.1-8b-instruct-fp8', given: { messages, tools: [weather] }, expected: { tools: [], text: 'Hi' } },
  { name: 'nor does one that must not call', model: KIMI, given: { messages, tools: [weather], tool_choice: 'none' }, expected: { tools: [], mustCall: undefined } },
  { name: 'any tool must be called', model: KIMI, given: { messages, tools: [weather], tool_choice: 'required' }, expected: { mustCall: 'required' } },
  { name: 'one tool must be called', model: KIMI, given: { messages, tools: [weather], tool_choice: { type: 'function', function: { name: 'f' } } }, expected: { mustCall: { name: 'f' } } },
  { name: 'a limit that nobody set is 256', given: { messages }, expected: { limit: 256 } },
  { name: 'except where the schema has none', model: KIMI, given: { messages }, expected: { limit: undefined } },
  { name: 'the newer name of the limit wins', model: KIMI, given: { messages, max_tokens: 9, max_completion_tokens: 5 }, expected: { limit: 5 } },
  { name: 'one stop is a list of one', model: KIMI, given: { messages, stop: 'x' }, expected: { stop: ['x'] } },
  { name: 'classic models know no stop', given: { messages, stop: 'x' }, expected: { stop: [] } },
  { name: 'a bare schema is the schema', given: { messages, response_format: { type: 'json_schema', json_schema: schema } }, expected: { json: schema, isJsonMode: true } },
  { name: 'an enveloped one is inside', model: KIMI, given: { messages, response_format: { type: 'json_schema', json_schema: { name: 'n', schema } } }, expected: { json: schema } },
  { name: 'a guided one stands beside', model: LLAMA_4, given: { messages, guided_json: schema }, expected: { json: schema } },
  { name: 'but only where it is known', given: { messages, guided_json: schema }, expected: { json: undefined } },
  { name: 'a schema in words is a wish', given: { messages: [wantsJson, ...messages] }, expected: { json: schema, isJsonMode: false } },
  { name: 'so is one in other words', given: { messages: [{ role: 'system', content: `Respond in JSON by this schema:\n${JSON.stringify(schema)}` }, ...messages] }, expected: { json: schema, isJsonMode: false } },
  { name: 'it says which object', given: { messages: [{ role: 'user', content: `Answer in JSON by ${JSON.stringify(schema)}` }], response_format: { type: 'json_object' } }, expected: { json: schema, isJsonMode: true } },
  { name: 'none beside tools', given: { tools: [weather], messages: [{ role: 'user', content: `Answer in JSON by ${JSON.stringify(schema)}` }] }, expected: { json: undefined } },
  { name: 'any object will do', given: { messages, response_format: { type: 'json_object' } }, expected: { json: 'any' } },
  { name: 'a model that cannot think does not', given: { messages }, expected: { thinks: false } },
  { name: 'one that can does', model: QWEN, given: { messages }, expected: { thinks: true } },
  { name: 'unless its switch is off', model: QWEN, given: { messages, chat_template_kwargs: { enable_thinking: false } }, expected: { thinks: false } },
  { name: 'another switch is not read', model: KIMI, given: { messages, chat_template_kwargs: { enable_thinking: false } }, expected: { thinks: true } },
  { name: 'or no effort is wanted', model: KIMI, given: { messages, reasoning_effort: 'none' }, expected: { thinks: false } },
  { name: 'one that thinks when asked to waits', model: DEEPSEEK, given: { messages }, expected: { thinks: false } },
  { name: 'an effort asks it', model: DEEPSEEK, given: { messages, reasoning_effort: 'high' }, expected: { thinks: true } },
  { name: 'a minimal effort does not', model: DEEPSEEK, given: { messages, reasoning_effort: 'minimal' }, expected: { thinks: false } },
  { name: 'a prompt has no place for thoughts', model: QWEN, given: { prompt: 'Hi' }, expected: { thinks: false } },
  { name: 'except in tags', model: R1, given: { prompt: 'Hi' }, expected: { thinks: true } },
  { name: 'which the template opens', model: R1, given: { prompt: 'Hi', raw: true }, expected: { thinks: false } },
  { name: 'and JSON has none for tags', model: R1, given: { messages, response_format: { type: 'json_object' } }, expected: { thinks: false } }
]
for (const { name, model = LLAMA, given, expected } of cases) {
  const row = CATALOGUE.get(model)!
  const conversation = toConversation(given, row, toDialect(row))
  const seen = Object.fromEntries(Object.keys(expected).map(key => [key, conversation[key as keyof Conversation]]))
  t.strictSame(seen, expected, name)
}
