import t from 'tap'
import { toAnswer, type Answer } from '../../../src/simulator/answers/answer.ts'
import { toConversation } from '../../../src/simulator/answers/conversation.ts'
import { toDialect } from '../../../src/simulator/native/dialect.ts'
import type { FunctionTool, RunBody, RunMessage } from '../../../src/simulator/run-body.ts'
import { toScript } from '../../../src/simulator/script/script.ts'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import { GPT_OSS, KIMI, LLAMA, MISTRAL, QWEN, weather } from '../asking.ts'

/** What a model answers to a message; the script is the message's, as in a run. */
function answer (model: string, content: string, rest: RunBody = {}, script?: string): Answer {
  const row = CATALOGUE.get(model)!
  const dialect = toDialect(row)
  const conversation = toConversation({ messages: [{ role: 'user', content }], ...rest }, row, dialect)
  return toAnswer(conversation, toScript(script ?? (conversation.toolResults.length > 0 ? '' : content)), dialect)
}

const R1 = '@cf/deepseek-ai/deepseek-r1-distill-qwen-32b'
const GUARD = '@cf/meta/llama-guard-3-8b'
const tools = [weather, { type: 'function', function: { name: 'findFlights', parameters: { properties: { from: {}, to: {} } } } }]
const schema = { type: 'object', properties: { name: { type: 'string' }, age: { type: 'integer' } } }
const strict = { ...schema, required: ['age'] }
const JSON_IN_WORDS = `Answer with one JSON object and nothing else. It must match this JSON Schema:\n${JSON.stringify(strict)}`
const TOOLS_IN_WORDS = `You can call these functions:\n${JSON.stringify(weather.function)}\n{"name":"findFlights","parameters":{"properties":{"from":{},"to":{}}}}\n` +
  'To call one:\n<tool_call>\n{"name": "FUNCTION_NAME", "arguments": {"PARAMETER": "VALUE"}}\n</tool_call>'
const FORCED_IN_WORDS = `${TOOLS_IN_WORDS}\n\nYou must call the function findFlights now.`

/** Messages in which a model is told something first, and more after the question. */
function told (system: string, content: string, ...more: RunMessage[]): RunBody {
  return { messages: [{ role: 'system', content: system }, { role: 'user', content }, ...more] }
}

/** A client that was not content with the answer `{}`. */
function complaint (content: string): RunMessage[] {
  return [{ role: 'assistant', content: '{}' }, { role: 'user', content }]
}

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
  { name: 'in the form it is told to', given: 'leak tool f with {"a":1} as function_tag and leak tool g with {} as json', expected: '<function=f>{"a":1}</function>\n{"name": "g", "arguments": {}}' },
  { name: 'thoughts in tags that are open already', model: R1, given: 'think hard then say yes', expected: 'hard\n</think>\n\nyes' },
  { name: 'thoughts in tags', model: R1, given: 'think hard as tags then say yes', expected: '<think>\nhard\n</think>\n\nyes' },
  { name: 'of a model that has no thoughts', given: 'think hard as open-tags then say yes', expected: 'hard\n</think>\n\nyes' },
  { name: 'of a model that has another place for them', model: QWEN, given: 'think hard as tags then say yes', expected: '<think>\nhard\n</think>\n\nyes' },
  { name: 'a judge judges', model: GUARD, given: 'Hi', expected: 'safe' },
  { name: 'in JSON, too', model: GUARD, given: 'Hi', rest: { response_format: { type: 'json_object' } }, expected: '{"safe":true,"categories":[]}' },
  { name: 'JSON mode says JSON', given: 'say hi', rest: { response_format: { type: 'json_object' } }, expected: '{"answer":"hi"}' },
  { name: 'JSON is said as it is', given: 'say {"x": 1}', rest: { response_format: { type: 'json_object' } }, expected: '{"x": 1}' },
  { name: 'a schema is kept', given: 'Who is Ada Lovelace?', rest: { response_format: { type: 'json_schema', json_schema: schema } }, expected: '{"name":"Ada Lovelace","age":36}' },
  { name: 'a schema in words is kept', given: 'Who?', rest: told(JSON_IN_WORDS, 'Who is Ada Lovelace?'), expected: '{"name":"Ada Lovelace","age":36}' },
  { name: 'an object in words', given: 'say hi', rest: told('Answer with one JSON object and nothing else.', 'say hi'), expected: '{"answer":"hi"}' },
  { name: 'bad JSON lacks what is required', given: 'answer bad json', rest: { response_format: { type: 'json_schema', json_schema: strict } }, expected: '{"name":"name"}' },
  { name: 'also where it is asked for in words', given: 'answer bad json', rest: told(JSON_IN_WORDS, 'answer bad json'), expected: '{"name":"name"}' },
  { name: 'or is no object', given: 'answer bad json', rest: { response_format: { type: 'json_object' } }, expected: '[]' },
  { name: 'where nothing is required, too', given: 'answer bad json', rest: { response_format: { type: 'json_schema', json_schema: schema } }, expected: '[]' },
  { name: 'it stays bad', given: 'answer bad json', rest: told(JSON_IN_WORDS, 'answer bad json', ...complaint('That does not fit: age is missing.')), expected: '{"name":"name"}' },
  { name: 'unless it may become good', given: 'answer bad json then good json', rest: told(JSON_IN_WORDS, 'answer bad json then good json', ...complaint('That does not fit: age is missing.')), expected: '{"name":"name","age":36}' },
  { name: 'which it is not at first', given: 'answer bad json then good json', rest: { response_format: { type: 'json_schema', json_schema: strict } }, expected: '{"name":"name"}' },
  { name: 'a call that is refused', given: 'refuse to call', rest: { tools, tool_choice: 'required' }, expected: 'I would rather talk than call anything.' },
  { name: 'a call that is refused in other words', given: 'never call, call tool get_weather, say no', rest: { tools, tool_choice: 'required' }, expected: 'no' },
  { name: 'a call that is refused again', given: 'never call', rest: { tools, ...told(FORCED_IN_WORDS, 'never call', { role: 'user', content: 'You must call the function findFlights now.' }) }, expected: 'I would rather talk than call anything.' },
  { name: 'a call of a tool that was described', given: 'call tool get_weather with {"city": "Oslo"}', rest: told(TOOLS_IN_WORDS, ''), expected: '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>' },
  {
    name: 'several of them',
    given: 'call tool get_weather with {"a":1} and call tool findFlights with {}',
    rest: told(TOOLS_IN_WORDS, ''),
    expected: '<tool_call>\n{"name": "get_weather", "arguments": {"a":1}}\n</tool_call>\n<tool_call>\n{"name": "findFlights", "arguments": {}}\n</tool_call>'
  },
  { name: 'a tool that was described and is meant', given: '', rest: told(TOOLS_IN_WORDS, 'Which flights go from Rome to Oslo?'), expected: '<tool_call>\n{"name": "findFlights", "arguments": {"from":"Rome","to":"Oslo"}}\n</tool_call>' },
  { name: 'a tool that was described and must be called', given: 'say hi', rest: told(FORCED_IN_WORDS, 'say hi'), expected: '<tool_call>\n{"name": "findFlights", "arguments": {"from":"from","to":"to"}}\n</tool_call>' },
  { name: 'one that is called at last', given: 'refuse to call', rest: told(FORCED_IN_WORDS, 'refuse to call', { role: 'user', content: 'You must call the function findFlights now.' }), expected: '<tool_call>\n{"name": "findFlights", "arguments": {"from":"from","to":"to"}}\n</tool_call>' },
  { name: 'but not at first', given: 'refuse to call', rest: told(FORCED_IN_WORDS, 'refuse to call'), expected: 'I would rather talk than call anything.' },
  { name: 'words where a described tool is not meant', given: 'say hi', rest: told(TOOLS_IN_WORDS, 'say hi'), expected: 'hi' },
  {
    name: 'what described tools said is told, and nothing is called again',
    given: 'call tool get_weather',
    rest: told(TOOLS_IN_WORDS, 'call tool get_weather', { role: 'assistant', content: '<tool_call>\n{}\n</tool_call>' }, { role: 'user', content: '<tool_response>\nrain\n</tool_response>' }),
    expected: 'The tool answered: rain'
  },
  {
    name: 'what tools said is told, and nothing is called again',
    given: 'call tool get_weather',
    rest: { tools, messages: [{ role: 'user', content: 'call tool get_weather' }, { role: 'assistant', content: '' }, { role: 'tool', content: 'rain' }, { role: 'tool', content: '8°' }] },
    expected: 'The tool answered: rain 8°'
  },
  { name: 'what all of them said, one after the other', given: '', rest: { tools, ...brought('Weather and flights', [['get_weather', 'rain'], ['findFlights', 'none']]) }, expected: 'The tool answered: rain none' },
  {
    name: 'an image is guessed at',
    model: '@cf/meta/llama-4-scout-17b-16e-instruct',
    given: '',
    rest: { messages: [{ role: 'user', content: [{ type: 'text', text: 'Describe it' }, { type: 'image_url', image_url: { url: 'data:image/jpeg;base64,/9j/' } }] }] },
    expected: 'I got a JPEG. The simulator of Workers AI sees nothing, so it can only guess what is shown: a cat, as in most pictures.'
  },
  { name: 'arguments without their call', given: 'leave out the call, call tool get_weather with {"city": "Oslo"}', rest: { tools }, expected: '{"city": "Oslo"}' },
  { name: 'also of a call that is forced', given: 'leave out the call', rest: { tools, tool_choice: { type: 'function', function: { name: 'get_weather' } } }, expected: '{"city":"city","unit":"celsius"}' }
]
for (const { name, model = LLAMA, given, rest, expected } of texts) {
  t.strictSame(answer(model, given, rest), { reasoning: '', text: expected, calls: [] }, name)
}

function toTool (name: string, parameters: object): FunctionTool {
  return { name, parameters }
}

const text = { type: 'string' }
const number = { type: 'number' }
const calculator = toTool('calculator', { properties: { expression: text } })
const adder = toTool('add', { properties: { a: number, b: number } })
const temperature = toTool('getTemperature', { properties: { city: text }, required: ['city'] })
const music = toTool('playMusic', { properties: { degrees: number }, required: ['degrees'] })

/** A conversation in which tools were called for a question, each by itself, and brought results. */
function brought (question: string, results: Array<[name: string, result: string]>): RunBody {
  const turns = results.flatMap(([name, result]) => [{ role: 'assistant', content: '', tool_calls: [{ function: { name } }] }, { role: 'tool', content: result }])
  return { messages: [{ role: 'user', content: question }, ...turns] }
}

const calls: Array<{ name: string, model?: string, given: string, rest?: RunBody, script?: string, expected: Answer['calls'] }> = [
  { name: 'a call it is told to make', given: 'call tool get_weather with {"city": "Oslo"}', expected: [{ name: 'get_weather', arguments: '{"city": "Oslo"}' }] },
  { name: 'several of them', given: 'call tool get_weather with {"a":1} and call tool findFlights with {}', expected: [{ name: 'get_weather', arguments: '{"a":1}' }, { name: 'findFlights', arguments: '{}' }] },
  { name: 'one at a time if it must', model: KIMI, given: 'call tool get_weather with {} and call tool findFlights', rest: { parallel_tool_calls: false }, expected: [{ name: 'get_weather', arguments: '{}' }] },
  { name: 'arguments that are no JSON', given: 'call tool get_weather with {"city":', expected: [{ name: 'get_weather', arguments: '{"city":' }] },
  { name: 'a tool that is named', given: 'use get_weather for New York', expected: [{ name: 'get_weather', arguments: '{"city":"New York","unit":"celsius"}' }] },
  { name: 'a tool that is meant', given: 'Which flights go from Rome to Oslo?', expected: [{ name: 'findFlights', arguments: '{"from":"Rome","to":"Oslo"}' }] },
  { name: 'the first of the tools when any must be called', given: 'Hi', rest: { tool_choice: 'required' }, expected: [{ name: 'get_weather', arguments: '{"city":"city","unit":"celsius"}' }] },
  { name: 'the one that must be called', given: 'say hi', rest: { tool_choice: { type: 'function', function: { name: 'findFlights' } } }, expected: [{ name: 'findFlights', arguments: '{"from":"from","to":"to"}' }] },
  { name: 'none for words that mean none', given: 'Hi', expected: [] },
  { name: 'one that was refused at first', given: 'refuse to call', rest: { tool_choice: 'required', messages: [{ role: 'user', content: 'refuse to call' }, { role: 'user', content: 'You must call one of the functions now.' }] }, expected: [{ name: 'get_weather', arguments: '{"city":"city","unit":"celsius"}' }] },
  { name: 'the only tool when it is to be used', given: 'What is 2+2? Use the tool.', rest: { tools: [calculator] }, expected: [{ name: 'calculator', arguments: '{"expression":"2+2"}' }] },
  { name: 'all that are named', given: 'Weather and flights in Oslo', expected: [{ name: 'get_weather', arguments: '{"city":"Oslo","unit":"celsius"}' }, { name: 'findFlights', arguments: '{"from":"Oslo","to":"to"}' }] },
  { name: 'the first of them where one is allowed', model: KIMI, given: 'Weather and flights in Oslo', rest: { parallel_tool_calls: false }, expected: [{ name: 'get_weather', arguments: '{"city":"Oslo","unit":"celsius"}' }] },
  { name: 'then the next', model: KIMI, given: '', rest: { parallel_tool_calls: false, ...brought('Weather and flights in Oslo', [['get_weather', 'rain']]) }, expected: [{ name: 'findFlights', arguments: '{"from":"Oslo","to":"to"}' }] },
  { name: 'none when all were called', given: '', rest: brought('Weather and flights in Oslo', [['get_weather', 'rain'], ['findFlights', 'none']]), expected: [] },
  { name: 'nor again under another name', given: '', rest: brought('Weather in Oslo', [['other', 'rain']]), expected: [] },
  { name: 'one that needs a result waits for it', given: 'Check the temperature in San Francisco and play music that matches', rest: { tools: [temperature, music] }, expected: [{ name: 'getTemperature', arguments: '{"city":"San Francisco"}' }] },
  { name: 'and gets it', given: '', rest: { tools: [temperature, music], ...brought('Check the temperature in San Francisco and play music that matches', [['getTemperature', '15']]) }, expected: [{ name: 'playMusic', arguments: '{"degrees":15}' }] },
  { name: 'one the system message always wants', given: '', rest: told('You must ALWAYS call the findFlights function.', 'from Rome to Oslo'), expected: [{ name: 'findFlights', arguments: '{"from":"Rome","to":"Oslo"}' }] },
  { name: 'all that are named when any must be called', given: 'Weather and flights in Oslo', rest: { tool_choice: 'required' }, expected: [{ name: 'get_weather', arguments: '{"city":"Oslo","unit":"celsius"}' }, { name: 'findFlights', arguments: '{"from":"Oslo","to":"to"}' }] },
  { name: 'numbers between brackets', given: 'What is add(1, 2)?', rest: { tools: [adder] }, expected: [{ name: 'add', arguments: '{"a":1,"b":2}' }] },
  { name: 'what is left of several', model: KIMI, given: '', rest: { parallel_tool_calls: false, ...brought('say hi', [['get_weather', 'rain']]) }, script: 'call tool get_weather and call tool findFlights with {}', expected: [{ name: 'findFlights', arguments: '{}' }] },
  { name: 'an answer as the arguments of a forced call', given: 'Extract', rest: { tools: [{ type: 'function', function: { name: 'f', parameters: { properties: { tags: { type: 'array', items: { type: 'string' } } } } } }], tool_choice: { type: 'function', function: { name: 'f' } } }, expected: [{ name: 'f', arguments: '{"tags":["tags 1","tags 2","tags 3","tags 4"]}' }] },
  { name: 'a decorated name', model: KIMI, given: 'decorate names, call tool get_weather with {}', expected: [{ name: 'functions.get_weather:0', arguments: '{}' }] },
  { name: 'marks around texts', given: 'mark arguments, call tool get_weather with {"city": "Os\\"lo", "n": 1}', expected: [{ name: 'get_weather', arguments: '{"city": "<|\\"|>Os\\"lo<|\\"|>", "n": 1}' }] },
  { name: 'none when it is told to speak', given: 'say weather', expected: [] }
]
for (const { name, model = LLAMA, given, rest, script, expected } of calls) t.strictSame(answer(model, given, { tools, ...rest }, script).calls, expected, name)

t.strictSame(answer(QWEN, 'think hard then say yes'), { reasoning: 'hard', text: 'yes', calls: [] }, 'thoughts have their own place')
t.equal(answer(QWEN, 'say yes').reasoning, 'The user wrote “say yes”, so a short and friendly answer will do.', 'there are always some')
t.equal(answer(LLAMA, 'think hard then say yes').reasoning, '', 'except where the model has none')
