import t from 'tap'
import { LeakedToolCalls } from '../../../../src/stages/leaked-calls/stage.ts'
import type { NativeMessage } from '../../../../src/workers-ai/request/native-message.ts'
import { parseModelJsonExactly } from '../../../../src/json/lenient-json.ts'
import { toExactJsonText } from '../../../../src/json/exact-json.ts'
import { withPromptedTools } from '../../../../src/workers-ai/request/messages/prompted-tools.ts'
import type { NativeTool } from '../../../../src/workers-ai/request/tools.ts'

const weather: NativeTool = { type: 'function', function: { name: 'weather', description: 'Of a city', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }
const clock: NativeTool = { type: 'function', function: { name: 'clock', description: '', parameters: { type: 'object', properties: {} } } }
const question: NativeMessage = { role: 'user', content: 'Hello?' }

t.test('tools are described in the system message', t => {
  const [system, ...others] = withPromptedTools([{ role: 'system', content: 'Be kind.' }, question], [weather, clock])
  t.strictSame(others, [question])
  t.equal(system?.content, [
    'Be kind.',
    '',
    'You can call these functions:',
    '{"name":"weather","description":"Of a city","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}',
    '{"name":"clock","description":"","parameters":{"type":"object","properties":{}}}',
    'To call one, answer with nothing but a JSON object in this form, once for each call:',
    '<tool_call>',
    '{"name": "FUNCTION_NAME", "arguments": {"PARAMETER": "VALUE"}}',
    '</tool_call>',
    'The result of a call comes back in <tool_response> tags. When no function is needed, answer in plain words.'
  ].join('\n'))
  t.end()
})

t.test('earlier calls and results are text', t => {
  const call = (name: string, args: string) => ({ id: `id_${name}`, type: 'function' as const, function: { name, arguments: args } })
  const cases: Array<{ name: string, given: NativeMessage, expected: NativeMessage }> = [
    { name: 'a call', given: { role: 'assistant', content: '', tool_calls: [call('clock', '{}')] }, expected: { role: 'assistant', content: '<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>' } },
    { name: 'two calls behind text', given: { role: 'assistant', content: 'Let me see.', reasoning: 'Hm.', tool_calls: [call('weather', '{"city":"Oslo"}'), call('clock', '{}')] }, expected: { role: 'assistant', reasoning: 'Hm.', content: 'Let me see.\n<tool_call>\n{"name": "weather", "arguments": {"city":"Oslo"}}\n</tool_call>\n<tool_call>\n{"name": "clock", "arguments": {}}\n</tool_call>' } },
    { name: 'a result', given: { role: 'tool', content: 'warm', tool_call_id: 'id_weather', name: 'weather' }, expected: { role: 'user', content: '<tool_response>\nwarm\n</tool_response>' } },
    { name: 'a result in parts', given: { role: 'tool', content: [{ type: 'text', text: 'warm' }, { type: 'text', text: 'dry' }], tool_call_id: 'a' }, expected: { role: 'user', content: '<tool_response>\nwarm\ndry\n</tool_response>' } },
    { name: 'other messages stay', given: { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }], name: 'Ada' }, expected: { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }], name: 'Ada' } }
  ]
  for (const { name, given, expected } of cases) t.strictSame(withPromptedTools([given], []), [expected], name)
  t.end()
})

t.test('results of one turn are one message, with what the user says behind them', t => {
  const result = (content: string): NativeMessage => ({ role: 'tool', content, tool_call_id: content })
  const response = (content: string) => `<tool_response>\n${content}\n</tool_response>`
  const answer: NativeMessage = { role: 'assistant', content: 'Warm.' }
  const image: NativeMessage = { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] }
  const named: NativeMessage = { role: 'user', content: 'And I?', name: 'Ada' }
  const cases: Array<{ name: string, given: NativeMessage[], expected: NativeMessage[] }> = [
    { name: 'several results', given: [answer, result('a'), result('b'), result('c'), answer], expected: [answer, { role: 'user', content: [response('a'), response('b'), response('c')].join('\n') }, answer] },
    { name: 'a question behind them', given: [result('a'), result('b'), question, answer], expected: [{ role: 'user', content: `${response('a')}\n${response('b')}\nHello?` }, answer] },
    { name: 'results of different turns', given: [result('a'), answer, result('b')], expected: [{ role: 'user', content: response('a') }, answer, { role: 'user', content: response('b') }] },
    { name: 'what is more than text stays by itself', given: [result('a'), image], expected: [{ role: 'user', content: response('a') }, image] },
    { name: 'so does what somebody else says', given: [result('a'), named], expected: [{ role: 'user', content: response('a') }, named] },
    { name: 'and two questions, which the caller has chosen to ask', given: [question, question, result('a')], expected: [question, question, { role: 'user', content: response('a') }] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(withPromptedTools(given, []), expected, name)
  t.end()
})

t.test('a call that is written so is read as a call', t => {
  const [message] = withPromptedTools([{ role: 'assistant', content: '', tool_calls: [{ id: 'a', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }] }], [])
  const stage = new LeakedToolCalls({ tools: new Map([['weather', {}]]), parse: parseModelJsonExactly, write: toExactJsonText, newCallId: () => 'call_1', changes: [] })
  t.strictSame(stage.push([{ type: 'text', text: message?.content as string }]), [{ type: 'tool_call', index: 0, id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' }])
  t.end()
})
