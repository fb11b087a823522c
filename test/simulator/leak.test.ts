import t from 'tap'
import { LeakedToolCalls } from '../../src/generation/leaked-tool-calls.ts'
import { LEAK_FORMS, toLeak, type LeakForm } from '../../src/simulator/leak.ts'
import { parseModelJson } from '../../src/translate/model-json.ts'

const args = '{"city": "Oslo", "days": 2, "metric": true, "note": null}'
const cases: Array<{ form: LeakForm, expected: string, broken: string }> = [
  { form: 'tool_call', expected: `<tool_call>\n{"name": "f", "arguments": ${args}}\n</tool_call>`, broken: '<tool_call>\n{"name": "f", "arguments": {"a":}\n</tool_call>' },
  { form: 'json', expected: `{"name": "f", "arguments": ${args}}`, broken: '{"name": "f", "arguments": {"a":}' },
  { form: 'llama', expected: `{"type": "function", "name": "f", "parameters": ${args}}`, broken: '{"type": "function", "name": "f", "parameters": {"a":}' },
  { form: 'fence', expected: `\`\`\`json\n{"name": "f", "arguments": ${args}}\n\`\`\``, broken: '```json\n{"name": "f", "arguments": {"a":}\n```' },
  { form: 'python', expected: '[f(city="Oslo", days=2, metric=True, note=None)]', broken: '[f({"a":)]' },
  { form: 'python_tag', expected: '<|python_tag|>f.call(city="Oslo", days=2, metric=True, note=None)<|eom_id|>', broken: '<|python_tag|>f.call({"a":)<|eom_id|>' },
  { form: 'function_tag', expected: `<function=f>${args}</function>`, broken: '<function=f>{"a":</function>' },
  { form: 'array', expected: `[{"name": "f", "parameters": ${args}}]`, broken: '[{"name": "f", "parameters": {"a":}]' },
  { form: 'harmony', expected: '{"name": "f", "city": "Oslo", "days": 2, "metric": true, "note": null}', broken: '{"name": "f", {"a":}' }
]

for (const { form, expected, broken } of cases) {
  t.equal(toLeak(form, 'f', args), expected, form)
  t.equal(toLeak(form, 'f', '{"a":'), broken, `${form} with arguments that are no JSON`)
  const stage = new LeakedToolCalls({ tools: new Map([['f', {}]]), parse: parseModelJson, newCallId: () => 'call_1', changes: [] })
  const told = stage.push([{ type: 'text', text: expected }, { type: 'finish', reason: 'stop' }])
  t.match(told, [{ type: 'tool_call', name: 'f' }], `${form} is a form the proxy reads`)
  t.equal(told.some(({ type }) => type === 'text'), false, 'and nothing of it is left')
  const written = told.map(event => event.type === 'tool_call' ? event.arguments : '').join('')
  t.strictSame(JSON.parse(written), JSON.parse(args), 'with the same arguments')
}
t.strictSame(cases.map(({ form }) => form), LEAK_FORMS, 'no form is left out')
