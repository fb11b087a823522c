import t from 'tap'
import { findSchema, readInstructions, toSystemText, withoutFollowUp, withToolRole, type Instructions } from '../../../src/simulator/script/instructions.ts'
import type { RunMessage } from '../../../src/simulator/run-body.ts'
import { withPromptedTools } from '../../../src/workers-ai/request/messages/prompted-tools.ts'
import { weather } from '../asking.ts'

const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }
const described = 'Be nice.\n\nYou can call these functions:\n' +
  '{"name":"f","description":"","parameters":{"type":"object","properties":{}}}\n' +
  '{"name":"g","description":"does g","parameters":{"type":"object","properties":{"x":{}}}}\n' +
  'To call one, answer with a JSON object in this form:\n' +
  '<tool_call>\n{"name": "FUNCTION_NAME", "arguments": {"PARAMETER": "VALUE"}}\n</tool_call>'
const f = { name: 'f', description: '', parameters: { type: 'object', properties: {} } }
const g = { name: 'g', description: 'does g', parameters: { type: 'object', properties: { x: {} } } }

const nothing: Instructions = { tools: [], mustCall: undefined, json: undefined }
const cases: Array<{ name: string, given: string, expected: Partial<Instructions> }> = [
  { name: 'ordinary words ask for nothing', given: 'You are a helpful assistant who may answer with a JSON object.', expected: {} },
  { name: 'functions', given: described, expected: { tools: [f, g] } },
  { name: 'descriptions without a way to call are no functions', given: '{"name":"f","parameters":{}}', expected: {} },
  { name: 'a function that must be called', given: `${described}\n\nYou must call the function get_weather now. Answer with that call and nothing else.`, expected: { tools: [f, g], mustCall: { name: 'get_weather' } } },
  { name: 'any function must be called', given: 'You must call one of the functions now. Answer with a call and nothing else.', expected: { mustCall: 'required' } },
  { name: 'an object', given: 'Answer with one JSON object and nothing else: no explanation and no code fence.', expected: { json: 'any' } },
  { name: 'an object, and more to read', given: 'Answer with one JSON object and nothing else.\n\nBe nice.', expected: { json: 'any' } },
  { name: 'an object of a schema', given: `Be nice.\n\nAnswer with one JSON object and nothing else. It must match this JSON Schema:\n${JSON.stringify(schema)}\n\nYou must call one of the functions now.`, expected: { json: schema, mustCall: 'required' } }
]
for (const { name, given, expected } of cases) {
  for (const role of ['system', 'developer']) t.strictSame(readInstructions([{ role, content: given }, { role: 'user', content: 'Hi' }]), { ...nothing, ...expected }, `${name}, said by ${role}`)
  t.strictSame(readInstructions([{ role: 'user', content: given }]), nothing, `${name}, but not said by a user`)
}

t.strictSame(findSchema(`Be nice. Answer in JSON that fits this:\n\`\`\`\n${JSON.stringify(schema, null, 2)}\n\`\`\``), schema, 'other words for a schema')
t.equal(findSchema(JSON.stringify(schema)), undefined, 'a schema that nobody asks for')
t.equal(findSchema(`JSON ${described}`), undefined, 'no parameters of functions')
t.equal(findSchema(`Answer in JSON by ${'x'.repeat(400)} ${JSON.stringify(schema)}`), undefined, 'what is far from the words')
t.equal(findSchema(`Respond with JSON to use a tool.\nInput Schema:\n${JSON.stringify(schema)}`), undefined, 'the input of a tool')

t.equal(toSystemText([{ role: 'system', content: 'a' }, { role: 'user', content: 'b' }, { role: 'developer', content: [{ type: 'text', text: 'c' }] }]), 'a\nc', 'system messages are read together')

const user: RunMessage = { role: 'user', content: 'Hi' }
const bad: RunMessage = { role: 'assistant', content: '{}' }
const tool: RunMessage = { role: 'tool', content: 'rain' }
const followUps: Array<{ name: string, given: RunMessage[], expected: RunMessage[] }> = [
  { name: 'a conversation without one', given: [user, bad, user], expected: [user, bad, user] },
  { name: 'no conversation', given: [], expected: [] },
  { name: 'a call that was missing', given: [user, bad, { role: 'user', content: 'You must call the function f now. Answer with that call and nothing else.' }], expected: [user] },
  { name: 'after an answer without words', given: [user, { role: 'user', content: 'You must call one of the functions now.' }], expected: [user] },
  { name: 'JSON that did not fit', given: [user, bad, { role: 'user', content: 'That does not fit: the answer is not valid JSON.' }], expected: [user] },
  { name: 'silence after a result', given: [user, bad, tool, { role: 'user', content: 'Now answer with this result.' }], expected: [user, bad, tool] },
  { name: 'the same words earlier in the conversation', given: [{ role: 'user', content: 'That does not fit: my shoe' }, bad, user], expected: [{ role: 'user', content: 'That does not fit: my shoe' }, bad, user] }
]
for (const { name, given, expected } of followUps) t.strictSame(withoutFollowUp(given), expected, name)

t.test('results in tags are results of tools', async t => {
  const result = { role: 'user', content: '<tool_response>\nrain\nand wind\n</tool_response>' }
  t.strictSame(withToolRole(result), { role: 'tool', content: 'rain\nand wind' })
  for (const message of [user, bad, tool, { role: 'user', content: 'What is <tool_response>\nx\n</tool_response>?' }, { ...result, role: 'assistant' }]) {
    t.equal(withToolRole(message), message, JSON.stringify(message.content))
  }
})

t.test('what the proxy writes is understood', async t => {
  const native = { ...weather, type: 'function' as const }
  const [system, , , result] = withPromptedTools([
    { role: 'system', content: 'Be nice.' },
    { role: 'user', content: 'Weather?' },
    { role: 'assistant', content: '', tool_calls: [{ id: 'c', type: 'function', function: { name: 'get_weather', arguments: '{}' } }] },
    { role: 'tool', content: 'rain', tool_call_id: 'c' }
  ], [native])
  t.strictSame(readInstructions([system as RunMessage]).tools, [weather.function])
  t.strictSame(withToolRole(result as RunMessage), { role: 'tool', content: 'rain' })
})
