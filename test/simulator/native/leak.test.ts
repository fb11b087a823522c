import t from 'tap'
import { LeakedToolCalls } from '../../../src/stages/leaked-calls/stage.ts'
import { LEAK_FORMS, toLeak, type LeakForm } from '../../../src/simulator/native/leak.ts'
import { parseModelJsonExactly } from '../../../src/json/lenient-json.ts'
import { toExactJsonText } from '../../../src/json/exact-json.ts'

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
  { form: 'harmony', expected: '{"name": "f", "city": "Oslo", "days": 2, "metric": true, "note": null}', broken: '{"name": "f", {"a":}' },
  { form: 'channel', expected: `<|channel|>commentary to=functions.f <|constrain|>json<|message|>${args}<|call|>`, broken: '<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a":<|call|>' },
  { form: 'kimi', expected: `<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>${args}<|tool_call_end|><|tool_calls_section_end|>`, broken: '<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{"a":<|tool_call_end|><|tool_calls_section_end|>' },
  { form: 'gemma', expected: '<|tool_call>call:f{city:<|"|>Oslo<|"|>,days:2,metric:true,note:null}<tool_call|>', broken: '<|tool_call>call:f{"a":<tool_call|>' },
  { form: 'glm', expected: '<tool_call>f\n<arg_key>city</arg_key>\n<arg_value>Oslo</arg_value>\n<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n<arg_key>metric</arg_key>\n<arg_value>true</arg_value>\n<arg_key>note</arg_key>\n<arg_value>null</arg_value>\n</tool_call>', broken: '<tool_call>f\n{"a":\n</tool_call>' },
  { form: 'qwen_coder', expected: '<tool_call>\n<function=f>\n<parameter=city>\nOslo\n</parameter>\n<parameter=days>\n2\n</parameter>\n<parameter=metric>\ntrue\n</parameter>\n<parameter=note>\nnull\n</parameter>\n</function>\n</tool_call>', broken: '<tool_call>\n<function=f>\n{"a":\n</function>\n</tool_call>' },
  { form: 'mistral', expected: `[TOOL_CALLS]f[ARGS]${args}</s>`, broken: '[TOOL_CALLS]f[ARGS]{"a":</s>' },
  { form: 'deepseek', expected: `<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>${args}<｜tool▁call▁end｜><｜tool▁calls▁end｜>`, broken: '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{"a":<｜tool▁call▁end｜><｜tool▁calls▁end｜>' },
  { form: 'dsml', expected: '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="f">\n<｜DSML｜parameter name="city" string="true">Oslo</｜DSML｜parameter>\n<｜DSML｜parameter name="days" string="false">2</｜DSML｜parameter>\n<｜DSML｜parameter name="metric" string="false">true</｜DSML｜parameter>\n<｜DSML｜parameter name="note" string="false">null</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>', broken: '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="f">\n{"a":\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>' }
]

for (const { form, expected, broken } of cases) {
  t.equal(toLeak(form, 'f', args), expected, form)
  t.equal(toLeak(form, 'f', '{"a":'), broken, `${form} with arguments that are no JSON`)
  const stage = new LeakedToolCalls({ tools: new Map([['f', {}]]), parse: parseModelJsonExactly, write: toExactJsonText, newCallId: () => 'call_1', changes: [] })
  const told = stage.push([{ type: 'text', text: expected }, { type: 'finish', reason: 'stop' }])
  t.match(told, [{ type: 'tool_call', name: 'f' }], `${form} is a form the proxy reads`)
  t.equal(told.some(({ type }) => type === 'text'), false, 'and nothing of it is left')
  const written = told.map(event => event.type === 'tool_call' ? event.arguments : '').join('')
  t.strictSame(JSON.parse(written), JSON.parse(args), 'with the same arguments')
}
t.strictSame(cases.map(({ form }) => form), LEAK_FORMS, 'no form is left out')
