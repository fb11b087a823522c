import t from 'tap'
import { toAnswer, type Answer } from '../../src/simulator/answer.ts'
import { toConversation } from '../../src/simulator/conversation.ts'
import { toDialect } from '../../src/simulator/dialect.ts'
import type { RunBody } from '../../src/simulator/run-body.ts'
import { toScript } from '../../src/simulator/script.ts'
import { CATALOGUE } from '../../src/workers-ai/catalogue.ts'
import { GPT_OSS, KIMI, LLAMA, MISTRAL, QWEN, weather } from './asking.ts'

/** What a model answers to a message; the script is the message's, as in a run. */
function answer (model: string, content: string, rest: RunBody = {}): Answer {
  const row = CATALOGUE.get(model)!
  const dialect = toDialect(row)
  const conversation = toConversation({ messages: [{ role: 'user', content }], ...rest }, row, dialect)
  return toAnswer(conversation, toScript(conversation.toolResults.length > 0 ? '' : content), dialect)
}

const R1 = '@cf/deepseek-ai/deepseek-r1-distill-qwen-32b'
const GUARD = '@cf/meta/llama-guard-3-8b'
const tools = [weather, { type: 'function', function: { name: 'findFlights', parameters: { properties: { from: {}, to: {} } } } }]
const schema = { type: 'object', properties: { name: { type: 'string' }, age: { type: 'integer' } } }

const texts: Array<{ name: string, model?: string, given: string, rest?: RunBody, expected: string }> = [
  {
    name: 'a friendly answer repeats the question',
    given: 'What is\n a proxy?',
    expected: 'Hello! You wrote “What is a proxy?”. I am only the simulator of Workers AI, so no model thought about it and nothing was billed. This answer still came the way a real one comes, token by token. Ask me to “repeat 100 tokens”, for example, and I will.'
  },
  {
    name: 'another seed has other words, and a long question is cut',
    given: 'x'.repeat(70),
    rest: { seed: 4 },
    expected: `Hi there! “${'x'.repeat(60)}…” is what reached me. No model is behind this answer, only the simulator of Workers AI, which works offline and is free. It says the same thing every time you ask the same thing. Begin a message with “say” and I say the rest.`
  },
  { name: 'what it is told to say', given: 'say cheese', expected: 'cheese' },
  { name: 'up to the stop', model: KIMI, given: 'say one, two, three', rest: { stop: ['three', ', t'], reasoning_effort: 'none' }, expected: 'one' },
  { name: 'a tool that is not offered is missed', given: 'call tool f with {}', expected: 'There is no tool called f.' },
  { name: 'llama lets JSON slip', given: 'leak tool f with {"a":1}', expected: '{"type": "function", "name": "f", "parameters": {"a":1}}' },
  { name: 'mistral lets tags slip', model: MISTRAL, given: 'leak tool f with {"a":1}', expected: '<tool_call>\n{"name": "f", "arguments": {"a":1}}\n</tool_call>' },
  { name: 'gpt-oss lets a call slip that is forced', model: GPT_OSS, given: 'leak tool get_weather', rest: { tools, tool_choice: 'required', reasoning_effort: 'none' }, expected: '{"name": "get_weather", "arguments": {"city":"city","unit":"celsius"}}' },
  { name: 'thoughts in tags', model: R1, given: 'think hard then say yes', expected: '<think>\nhard\n</think>\n\nyes' },
  { name: 'a judge judges', model: GUARD, given: 'Hi', expected: 'safe' },
  { name: 'in JSON, too', model: GUARD, given: 'Hi', rest: { response_format: { type: 'json_object' } }, expected: '{"safe":true,"categories":[]}' },
  { name: 'JSON mode says JSON', given: 'say hi', rest: { response_format: { type: 'json_object' } }, expected: '{"answer":"hi"}' },
  { name: 'JSON is said as it is', given: 'say {"x": 1}', rest: { response_format: { type: 'json_object' } }, expected: '{"x": 1}' },
  { name: 'a schema is kept', given: 'Who is Ada Lovelace?', rest: { response_format: { type: 'json_schema', json_schema: schema } }, expected: '{"name":"Ada Lovelace","age":1}' },
  {
    name: 'what tools said is told, and nothing is called again',
    given: 'call tool get_weather',
    rest: { tools, messages: [{ role: 'user', content: 'call tool get_weather' }, { role: 'assistant', content: '' }, { role: 'tool', content: 'rain' }, { role: 'tool', content: '8°' }] },
    expected: 'The tool answered: rain 8°'
  }
]
for (const { name, model = LLAMA, given, rest, expected } of texts) {
  t.strictSame(answer(model, given, rest), { reasoning: '', text: expected, calls: [] }, name)
}

const calls: Array<{ name: string, model?: string, given: string, rest?: RunBody, expected: Answer['calls'] }> = [
  { name: 'a call it is told to make', given: 'call tool get_weather with {"city": "Oslo"}', expected: [{ name: 'get_weather', arguments: '{"city": "Oslo"}' }] },
  { name: 'several of them', given: 'call tool get_weather with {"a":1} and call tool findFlights with {}', expected: [{ name: 'get_weather', arguments: '{"a":1}' }, { name: 'findFlights', arguments: '{}' }] },
  { name: 'one at a time if it must', model: KIMI, given: 'call tool get_weather with {} and call tool findFlights', rest: { parallel_tool_calls: false }, expected: [{ name: 'get_weather', arguments: '{}' }] },
  { name: 'arguments that are no JSON', given: 'call tool get_weather with {"city":', expected: [{ name: 'get_weather', arguments: '{"city":' }] },
  { name: 'a tool that is named', given: 'use get_weather for New York', expected: [{ name: 'get_weather', arguments: '{"city":"New York","unit":"celsius"}' }] },
  { name: 'a tool that is meant', given: 'Which flights go from Rome to Oslo?', expected: [{ name: 'findFlights', arguments: '{"from":"Rome","to":"Oslo"}' }] },
  { name: 'the first of the tools when any must be called', given: 'Hi', rest: { tool_choice: 'required' }, expected: [{ name: 'get_weather', arguments: '{"city":"city","unit":"celsius"}' }] },
  { name: 'the one that must be called', given: 'say hi', rest: { tool_choice: { type: 'function', function: { name: 'findFlights' } } }, expected: [{ name: 'findFlights', arguments: '{"from":"from","to":"to"}' }] },
  { name: 'none for words that mean none', given: 'Hi', expected: [] },
  { name: 'none when it is told to speak', given: 'say weather', expected: [] }
]
for (const { name, model = LLAMA, given, rest, expected } of calls) t.strictSame(answer(model, given, { tools, ...rest }).calls, expected, name)

t.strictSame(answer(QWEN, 'think hard then say yes'), { reasoning: 'hard', text: 'yes', calls: [] }, 'thoughts have their own place')
t.equal(answer(QWEN, 'say yes').reasoning, 'The user wrote “say yes”, so a short and friendly answer will do.', 'there are always some')
t.equal(answer(LLAMA, 'think hard then say yes').reasoning, '', 'except where the model has none')
