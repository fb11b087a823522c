import fc from 'fast-check'
import t from 'tap'
import type { Change } from '../../../src/generation/change.ts'
import type { Batch, GenerationEvent } from '../../../src/generation/event.ts'
import { FORMS } from '../../../src/stages/leaked-calls/forms.ts'
import { LeakedToolCalls } from '../../../src/stages/leaked-calls/stage.ts'
import { parseModelJsonExactly } from '../../../src/json/lenient-json.ts'
import { toExactJsonText } from '../../../src/json/exact-json.ts'
import { cut, FINISH, merged, places, recut, text, textOf, told, usage } from '../../streams/events.ts'
import { runs } from '../../property-runs.ts'
import { cpuTime } from '../../cpu-time.ts'

const TOOLS = new Map<string, Record<string, unknown>>([
  ['calc', { type: 'object', properties: { expression: { type: 'string' }, path: {}, digits: { type: 'integer' } } }],
  ['get_time', { type: 'object', properties: {} }],
  ['calc-2', {}]
])

function stageOf (changes: Change[] = []): LeakedToolCalls {
  let calls = 0
  return new LeakedToolCalls({ tools: TOOLS, parse: parseModelJsonExactly, write: toExactJsonText, newCallId: () => `call_${++calls}`, changes })
}

/** What becomes of a text: its calls as `name(arguments)`, its text in quotes. */
function tell (events: Batch): string[] {
  return events.flatMap(event => {
    switch (event.type) {
      case 'text': return [JSON.stringify(event.text)]
      case 'tool_call': return [`${event.name}(${event.arguments})`]
      default: return []
    }
  })
}

/** The same, whether the text comes whole or a letter at a time; both are returned when they differ. */
function read (whole: string): string[] {
  const [atOnce, byLetter] = [text(whole), text(...whole.split(''))].map(events => tell(told(stageOf(), [...events, FINISH])))
  return JSON.stringify(atOnce) === JSON.stringify(byLetter) ? atOnce ?? [] : [...atOnce ?? [], 'a letter at a time:', ...byLetter ?? []]
}

const ONE = '{"name": "calc", "arguments": {"expression": "1+1"}}'
const CALC = 'calc({"expression":"1+1"})'

t.test('a call is a call in every form models leak it in', t => {
  const cases = [
    { name: 'tagged', given: `<tool_call>\n${ONE}\n</tool_call>`, expected: [CALC] },
    { name: 'tagged, without a closing tag', given: `<tool_call>${ONE}`, expected: [CALC] },
    { name: 'tagged, with half a closing tag', given: `<tool_call>${ONE}\n</tool_c`, expected: [CALC] },
    { name: 'tagged, several', given: `<tool_call>${ONE}</tool_call>\n<tool_call>{"name": "get_time", "arguments": {}}</tool_call>`, expected: [CALC, 'get_time({})'] },
    { name: 'tagged, several in one tag', given: `<tool_call>\n${ONE}\n${ONE}\n</tool_call>`, expected: [CALC, CALC] },
    { name: 'tagged, a list', given: `<tool_call>[${ONE}, ${ONE}]</tool_call>`, expected: [CALC, CALC] },
    { name: 'tagged, not closed between two', given: `<tool_call>${ONE}\n<tool_call>${ONE}</tool_call>`, expected: [CALC, CALC] },
    { name: 'tagged, arguments first', given: '<tool_call>{"arguments": {"expression": "1+1"}, "name": "calc"}</tool_call>', expected: [CALC] },
    { name: 'tagged, in Python\'s quotes', given: "<tool_call>\n{'name': 'calc', 'arguments': {'expression': '1+1', 'exact': True, 'digits': None}}\n</tool_call>", expected: ['calc({"expression":"1+1","exact":true,"digits":null})'] },
    { name: 'tagged, in Python\'s quotes with an apostrophe', given: "<tool_call>{'name': 'calc', 'arguments': {'expression': \"it's }\", 'path': 'it\\'s'}}</tool_call>", expected: ['calc({"expression":"it\'s }","path":"it\'s"})'] },
    { name: 'tagged, the last brace forgotten', given: '<tool_call>{"name": "calc", "arguments": {"expression": "1+1"}</tool_call>', expected: [CALC] },
    { name: 'tagged, with a comma too many', given: '<tool_call>{"name": "calc", "arguments": {"expression": "1+1",},}</tool_call>', expected: [CALC] },
    { name: 'tagged, with the closing tag in a string', given: '<tool_call>{"name": "calc", "arguments": {"expression": "</tool_call>"}}</tool_call>', expected: ['calc({"expression":"</tool_call>"})'] },
    { name: 'tagged in a fence', given: '```xml\n<tool_call>' + ONE + '</tool_call>\n```', expected: [CALC] },
    { name: 'bare', given: ONE, expected: [CALC] },
    { name: 'bare, with parameters', given: '{"name": "calc", "parameters": {"expression": "1+1"}}', expected: [CALC] },
    { name: 'bare, with a type', given: '{"type": "function", "name": "calc", "parameters": {"expression": "1+1"}}', expected: [CALC] },
    { name: 'bare, on several lines', given: '{\n  "name": "calc",\n  "parameters": {\n    "expression": "1+1"\n  }\n}', expected: [CALC] },
    { name: 'bare, arguments as text', given: '{"name": "calc", "arguments": "{\\"expression\\": \\"1+1\\"}"}', expected: ['calc({"expression": "1+1"})'] },
    { name: 'bare, arguments as an empty text', given: '{"name": "get_time", "arguments": ""}', expected: ['get_time({})'] },
    { name: 'bare, arguments of null', given: '{"name": "get_time", "arguments": null}', expected: ['get_time({})'] },
    { name: 'bare, without arguments', given: '{"name": "get_time"}', expected: ['get_time({})'] },
    { name: 'bare, in Python\'s quotes', given: "{'name': 'calc', 'parameters': {'expression': '1+1'}}", expected: [CALC] },
    { name: 'bare, a function by name', given: '{"function": "calc", "parameters": {"expression": "1+1"}}', expected: [CALC] },
    { name: 'wrapped', given: `{"type": "function", "function": ${ONE}}`, expected: [CALC] },
    { name: 'wrapped, with an id', given: `{"id": "call_1", "type": "function", "function": ${ONE}}`, expected: [CALC] },
    { name: 'wrapped, without a type', given: `{"function": ${ONE}}`, expected: [CALC] },
    { name: 'a whole message', given: `{"tool_calls": [{"id": "a", "type": "function", "function": ${ONE}}, ${ONE}]}`, expected: [CALC, CALC] },
    { name: 'flat', given: '{"name":"calc","path":"x"}', expected: ['calc({"path":"x"})'] },
    { name: 'a list', given: `[${ONE},\n ${ONE}]`, expected: [CALC, CALC] },
    { name: 'a list on several lines', given: `[\n  ${ONE}\n]`, expected: [CALC] },
    { name: 'several between semicolons', given: `${ONE}; ${ONE};${ONE}`, expected: [CALC, CALC, CALC] },
    { name: 'several on lines of their own', given: `${ONE}\n${ONE}\n`, expected: [CALC, CALC] },
    { name: 'several with nothing between', given: `${ONE}${ONE}`, expected: [CALC, CALC] },
    { name: 'fenced', given: '```json\n' + ONE + '\n```', expected: [CALC] },
    { name: 'fenced, without a language', given: '```\n' + ONE + '\n```', expected: [CALC] },
    { name: 'fenced, in another language', given: '```tool_code\n' + ONE + '```\n', expected: [CALC] },
    { name: 'fenced, not closed', given: '```json\n' + ONE, expected: [CALC] },
    { name: 'fenced, several', given: '```json\n' + ONE + '\n' + ONE + '\n```', expected: [CALC, CALC] },
    { name: 'fenced twice', given: '```json\n' + ONE + '\n```\n```json\n' + ONE + '\n```', expected: [CALC, CALC] },
    { name: 'Python\'s, in a list', given: '[calc(expression="1+1", digits=2), get_time()]', expected: ['calc({"expression":"1+1","digits":2})', 'get_time({})'] },
    { name: 'Python\'s literals', given: "[calc(a='x, (y)', b=[1, 'z'], c={'d': True}, e=False, f=None, g=-1.5e3, h=word, i=\"it's\")]", expected: ['calc({"a":"x, (y)","b":[1,"z"],"c":{"d":true},"e":false,"f":null,"g":-1.5e3,"h":"word","i":"it\'s"})'] },
    { name: 'Python\'s, in a fence', given: '```python\n[calc(expression="1+1")]\n```', expected: [CALC] },
    { name: 'behind a Python tag', given: `<|python_tag|>${ONE}<|eom_id|>`, expected: [CALC] },
    { name: 'behind a Python tag, several', given: `<|python_tag|>${ONE}; ${ONE}<|eot_id|>`, expected: [CALC, CALC] },
    { name: 'behind a Python tag, as a method', given: '<|python_tag|>calc.call(expression="1+1")', expected: [CALC] },
    { name: 'behind a Python tag, as a function', given: '<|python_tag|>calc(expression="1+1")<|eom_id|>', expected: [CALC] },
    { name: 'behind a Python tag, in a list', given: '<|python_tag|>[calc(expression="1+1")]', expected: [CALC] },
    { name: 'a function tag', given: '<function=calc>{"expression": "1+1"}</function>', expected: [CALC] },
    { name: 'a function tag, closed by the end of the turn', given: '<function=calc>{"expression": "1+1"}<|eot_id|>', expected: [CALC] },
    { name: 'a function tag with nothing', given: '<function=get_time></function>', expected: ['get_time({})'] },
    { name: 'behind mistral\'s word, a list', given: `[TOOL_CALLS] [${ONE}, {"name": "get_time", "arguments": {}, "id": "a1b2c3d4e"}]`, expected: [CALC, 'get_time({})'] },
    { name: 'behind mistral\'s word, closed by the end of the turn', given: `[TOOL_CALLS][${ONE}]</s>`, expected: [CALC] },
    { name: 'behind mistral\'s word, an object', given: `[TOOL_CALLS] ${ONE}`, expected: [CALC] },
    { name: 'behind mistral\'s word, a name', given: '[TOOL_CALLS]calc{"expression": "1+1"}', expected: [CALC] },
    { name: 'behind mistral\'s word, a name and its arguments', given: '[TOOL_CALLS]calc[ARGS]{"expression": "1+1"}', expected: [CALC] },
    { name: 'behind mistral\'s word, a name and an id', given: '[TOOL_CALLS]calc[CALL_ID]a1b2c3d4e[ARGS]{"expression": "1+1"}</s>', expected: [CALC] },
    { name: 'behind mistral\'s word, several', given: '[TOOL_CALLS]calc[ARGS]{"expression": "1+1"}[TOOL_CALLS]get_time[ARGS]{}</s>', expected: [CALC, 'get_time({})'] },
    { name: 'parameters between tags', given: '<tool_call>\n<function=calc>\n<parameter=expression>\n1\n+ 1\n</parameter>\n<parameter=digits>\n2\n</parameter>\n</function>\n</tool_call>', expected: ['calc({"expression":"1\\n+ 1","digits":2})'] },
    { name: 'keys and values between tags', given: '<tool_call>calc\n<arg_key>expression</arg_key>\n<arg_value>7</arg_value>\n<arg_key>path</arg_key>\n<arg_value>["a", 1]</arg_value>\n</tool_call>', expected: ['calc({"expression":"7","path":["a",1]})'] },
    { name: 'a name between tags', given: '<tool_call>get_time</tool_call>', expected: ['get_time({})'] },
    { name: 'numbers between tags that are none', given: '<tool_call>calc<arg_key>path</arg_key><arg_value>1.10</arg_value><arg_key>digits</arg_key><arg_value>7</arg_value><arg_key>id</arg_key><arg_value>12345678901234567890</arg_value></tool_call>', expected: ['calc({"path":"1.10","digits":7,"id":"12345678901234567890"})'] },
    { name: 'kimi\'s section', given: '<|tool_calls_section_begin|><|tool_call_begin|>functions.calc:0<|tool_call_argument_begin|>{"expression": "1+1"}<|tool_call_end|><|tool_call_begin|>functions.get_time:1<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>', expected: [CALC, 'get_time({})'] },
    { name: 'kimi\'s section, by its other name', given: '<|tool_call_section_begin|><|tool_call_begin|>calc:12<|tool_call_argument_begin|>{"expression": "1+1"}<|tool_call_end|><|tool_call_section_end|>', expected: [CALC] },
    { name: 'one of kimi\'s calls without a section', given: '<|tool_call_begin|>functions.calc:0<|tool_call_argument_begin|>{"expression": "1+1"}<|tool_call_end|>', expected: [CALC] },
    { name: 'gemma\'s', given: '<|tool_call>call:calc{expression:<|"|>1+1<|"|>}<tool_call|>', expected: [CALC] },
    { name: 'gemma\'s, of every type', given: '<|tool_call>call:calc{expression:<|"|>say "}{" <b> \\ it\'s,\na:b<|"|>,digits:2,path:[<|"|>a<|"|>,{b:true,c:null,d:-1.5}]}<tool_call|>', expected: ['calc({"expression":"say \\"}{\\" <b> \\\\ it\'s,\\na:b","digits":2,"path":["a",{"b":true,"c":null,"d":-1.5}]})'] },
    { name: 'gemma\'s, two', given: '<|tool_call>call:calc{expression:<|"|>1+1<|"|>}<tool_call|><|tool_call>call:get_time{}<tool_call|><|tool_response>', expected: [CALC, 'get_time({})'] },
    { name: 'functiongemma\'s', given: '<start_function_call>call:calc{expression:<escape>1+1<escape>}<end_function_call>', expected: [CALC] },
    { name: 'harmony\'s', given: '<|channel|>commentary to=functions.calc <|constrain|>json<|message|>{"expression": "1+1"}<|call|>', expected: [CALC] },
    { name: 'harmony\'s, from the beginning of its message', given: '<|start|>assistant<|channel|>commentary to=functions.calc<|message|>{"expression": "1+1"}<|call|><|start|>assistant to=functions.get_time<|channel|>commentary json<|message|>{}<|call|>', expected: [CALC, 'get_time({})'] },
    { name: 'harmony\'s, in its channel of thoughts', given: '<|channel|>analysis to=functions.calc code<|message|>{"expression": "1+1"}<|end|>', expected: [CALC] },
    { name: 'deepseek\'s', given: '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>calc<｜tool▁sep｜>{"expression": "1+1"}<｜tool▁call▁end｜><｜tool▁call▁begin｜>get_time<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜><｜end▁of▁sentence｜>', expected: [CALC, 'get_time({})'] },
    { name: 'deepseek\'s, in a fence', given: '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>calc\n```json\n{"expression": "1+1"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>', expected: [CALC] },
    { name: 'DSML', given: '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="calc">\n<｜DSML｜parameter name="expression" string="true">1+1</｜DSML｜parameter>\n</｜DSML｜invoke>\n<｜DSML｜invoke name="get_time">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>', expected: [CALC, 'get_time({})'] },
    { name: 'DSML, by its other name, with values that are no text', given: '<｜DSML｜function_calls><｜DSML｜invoke name="calc"><｜DSML｜parameter name="digits" string="false">2</｜DSML｜parameter><｜DSML｜parameter name="expression">7</｜DSML｜parameter><｜DSML｜parameter name="path" string="true">5\n</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜function_calls>', expected: ['calc({"digits":2,"expression":"7","path":"5\\n"})'] },
    { name: 'DSML, alone and with an object', given: '<｜DSML｜invoke name="calc">{"expression": "1+1"}</｜DSML｜invoke>', expected: [CALC] },
    { name: 'DSML, with two bars', given: '<｜｜DSML｜｜invoke name="calc"><｜｜DSML｜｜parameter name="expression" string="true">1+1</｜｜DSML｜｜parameter></｜｜DSML｜｜invoke>', expected: [CALC] },
    { name: 'elements without a mark', given: '<function_calls>\n<invoke name="calc">\n<parameter name="expression">1+1</parameter>\n</invoke>\n</function_calls>', expected: [CALC] },
    { name: 'minimax\'s', given: '<minimax:tool_call>\n<invoke name="calc">\n<parameter name="expression">1+1</parameter>\n</invoke>\n</minimax:tool_call>', expected: [CALC] },
    { name: 'granite\'s', given: `<|tool_call|>[${ONE}]`, expected: [CALC] },
    { name: 'phi\'s', given: `<|tool_call|>[${ONE}]<|/tool_call|>`, expected: [CALC] },
    { name: 'nemotron\'s', given: `<TOOLCALL>[${ONE}]</TOOLCALL>`, expected: [CALC] },
    { name: 'jamba\'s', given: `<tool_calls>[${ONE}]</tool_calls>`, expected: [CALC] },
    { name: 'LFM\'s', given: '<|tool_call_start|>[calc(expression="1+1")]<|tool_call_end|>', expected: [CALC] },
    { name: 'llama 4\'s', given: '<|python_start|>[calc(expression="1+1")]<|python_end|>', expected: [CALC] },
    { name: 'a name that begins like another', given: '[calc-2(a=1)]', expected: ['calc-2({"a":1})'] },
    { name: 'a member by the name of __proto__', given: '<tool_call>{"name": "calc", "arguments": {"__proto__": {"a": 1}}}</tool_call>[calc(__proto__="x")]', expected: ['calc({"__proto__":{"a":1}})', 'calc({"__proto__":"x"})'] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(read(given), expected, name)
  t.end()
})

t.test('what is no call of an offered tool stays as it is', t => {
  const texts = [
    '{"name":"analysis"}', '{"name": "other", "arguments": {}}', `[${ONE}, {"name": "other", "arguments": {}}]`,
    '<tool_call>{"name": "other", "arguments": {}}</tool_call>', '<function=other>{"a": 1}</function>', '[other(a=1)]', '<|python_tag|>other.call(a=1)',
    '```json\n{"name": "other"}\n```', '```json\n{"a": 1}\n```\n', '```ts\nconst a = [calc(1)]\n```',
    `Like ${ONE}`, `Data:\n  ${ONE}`, `{"tools": [\n  ${ONE}\n]}`,
    'I use the <tool_call> tag', '<tool_call>', '<tool_call></tool_call>', '<tool_call>calc is a tool</tool_call>', '<function=calc', '<function=calc>(1)', '```', '``', '{', '[', '{}', '[]', '{"', '[{', '\n', '  ', '<', '<|python_tag|>print(1)',
    '{"name": "calc", "arguments": {"expression": "1+1"}', '<tool_call>{"name": "calc", "arguments": {"expression": "1+', '<tool_call>{"name": "calc", "arguments": <what>}</tool_call>', '<function=calc>{"expression": ', '<function=calc><parameter=a>1', '<function=calc><parameter=a>1</function>', '<function=calc>\n<b>1</b></function>', '<tool_call>calc<arg_key>a</arg_key><arg_value>1</tool_call>',
    '[calc("1+1")]', '[calc(a=1)', '[calc(a=1) or more]', '[calc.run(a=1)]', '[calculator(a=1)]', '[calc]', '<|python_tag|>calc.call(a=',
    '{"name": "calc", "description": "calculates"}', '{"name": "calc", "parameters": {"type": "object", "properties": {}}}', '{"name": "calc", "version": "1.0.0"}', '{"name": 7}', '{"name" "calc"}', '{"name": "calc", "arguments": {"a" 1 2}}',
    '{"id": 1, "name": "calc"}', '{"type": "object", "name": "calc"}', '{"type": "function"}', '{"type": "function", "x": 1}', '{"tool_calls": []}', '{"tool_calls": "calc"}', '{"arguments": 1}', '{"arguments": {}}', '{"function": {"a": 1}}',
    '[TOOL_CALLS]', 'The [TOOL_CALLS] token', '[TOOL_CALLS] [{"name": "other", "arguments": {}}]', '[TOOL_CALLS]other[ARGS]{}', '[TOOL_CALLS]calc', '[TOOL_CALLS]calc[ARGS]', '[TOOL_CALLS]calc[ARGS]{"expression": "1', '[TOOL_CALLS]calc[ARGS][1]', '[TOOL_CALLS]calc[CALL_ID]a1', '[TOOL', '</s>',
    'Kimi writes <|tool_calls_section_begin|> and `<|tool_call_begin|>functions.name:0<|tool_call_argument_begin|>{}`.', '<|tool_call_begin|>functions.other:0<|tool_call_argument_begin|>{"a": 1}<|tool_call_end|>', '<|tool_call_begin|>functions.calc:0', '<|tool_call_begin|>functions.calc:0<|tool_call_argument_begin|>{"a": 1', '<|tool_call_begin|>calc is called', '<|tool_calls_section_begin|><|tool_calls_section_end|>',
    '<|tool_call>call:other{a:<|"|>b<|"|>}<tool_call|>', '<|tool_call>call:calc{a:<|"|>b}<tool_call|>', '<|tool_call>call:calc{a:<b>}<tool_call|>', '<|tool_call>call:calc', '<|tool_call>call:calc(1)', 'The quotes <|"|> of <|tool_call> and <tool_call|>', '<start_function_call>call:other{}<end_function_call>', '<escape>',
    '<|channel|>commentary to=functions.other <|constrain|>json<|message|>{"a":1}<|call|>', '<|channel|>commentary<|message|>Let me calc.<|end|>', '<|channel|>final<|message|>Hello!<|return|>', '<|channel|>commentary to=functions.calc<|message|>(1)', '<|start|>assistant', 'Harmony begins with <|start|>assistant<|channel|>analysis<|message|>, and <|call|> ends a call.',
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>other<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>', '<｜tool▁call▁begin｜>calc<｜tool▁sep｜>1', '<｜tool▁call▁begin｜>function<｜tool▁sep｜>other\n```json\n{}\n```',
    '<｜DSML｜invoke name="other"></｜DSML｜invoke>', '<｜DSML｜invoke name="calc">1</｜DSML｜invoke>', '<｜DSML｜invoke name="calc"><｜DSML｜parameter name="a">1</｜DSML｜invoke>', '<｜DSML｜invoke name="calc" x="1">', '<｜DSML｜tool_calls>\n</｜DSML｜tool_calls>', '<｜DSML｜invoke name="calc"><parameter name="a">1</parameter></invoke>',
    '<invoke name="other"><parameter name="a">1</parameter></invoke>', '<function_calls>', 'An `<invoke name="calc">` element', '<invoke name="calc"/>', '<tool_calls>', '<TOOLCALL>[{"name": "other"}]</TOOLCALL>', '<|tool_call|>calc', '<|tool_call_start|>[other(a=1)]<|tool_call_end|>',
    '[\n  {"name": "calc", "description": "calculates"}\n]', '[1](calc)', '[Calc](http://calc)', '- [ ] calc'
  ]
  for (const given of texts) t.strictSame(read(given), [JSON.stringify(given)], JSON.stringify(given))
  t.end()
})

t.test('text around calls is kept', t => {
  const cases = [
    { name: 'before', given: `Let me see.\n\n<tool_call>${ONE}</tool_call>`, expected: ['"Let me see.\\n\\n"', CALC] },
    { name: 'before, on the same line as a tag', given: `Let me see: <tool_call>${ONE}</tool_call>`, expected: ['"Let me see: "', CALC] },
    { name: 'before, on the same line as mistral\'s word', given: `Let me see [1]: [TOOL_CALLS][${ONE}]`, expected: ['"Let me see [1]: "', CALC] },
    { name: 'before, on the line above', given: `Let me see:\n${ONE}`, expected: ['"Let me see:\\n"', CALC] },
    { name: 'after', given: `<tool_call>${ONE}</tool_call>\nWait.`, expected: [CALC, '"Wait."'] },
    { name: 'after, though it begins like a tag', given: `<tool_call>${ONE}</tool_call><b>`, expected: [CALC, '"<b>"'] },
    { name: 'between', given: `${ONE}\nAnd then\n${ONE}\nDone.`, expected: [CALC, '"And then\\n"', CALC, '"Done."'] },
    { name: 'behind a fence', given: '```json\n' + ONE + '\n```\nWait.', expected: [CALC, '"Wait."'] },
    { name: 'but white space before the answer goes with the call', given: `${'\n'.repeat(63)} ${ONE}`, expected: [CALC] },
    { name: 'unless there is much of it', given: `${'\n'.repeat(65)}${ONE}`, expected: [JSON.stringify('\n'.repeat(65)), CALC] },
    { name: 'and white space before text stays', given: `\n\n  Hello ${ONE}`, expected: [JSON.stringify(`\n\n  Hello ${ONE}`)] },
    { name: 'a call after one that was none', given: `{"name": "calc", "arguments": [<tool_call>${ONE}</tool_call>`, expected: [JSON.stringify('{"name": "calc", "arguments": ['), CALC] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(read(given), expected, name)
  t.end()
})

t.test('other events keep their place', t => {
  const native = (index: number): GenerationEvent => ({ type: 'tool_call', index, id: `native_${index}`, name: 'calc', arguments: '{}' })
  const leaked = (index: number, id: string): GenerationEvent => ({ type: 'tool_call', index, id, name: 'calc', arguments: '{"expression":"1+1"}' })
  const failure: GenerationEvent = { type: 'failure', error: new Error('broken') }
  const cases: Array<{ name: string, given: Batch, expected: Batch }> = [
    { name: 'reasoning and usage pass', given: [{ type: 'reasoning', text: 'Hm.', json: '"Hm."' }, usage(1), FINISH], expected: [{ type: 'reasoning', text: 'Hm.', json: '"Hm."' }, usage(1), FINISH] },
    { name: 'native calls come before those that leaked after them', given: [native(0), native(1), native(0), ...text(ONE), FINISH], expected: [native(0), native(1), native(0), leaked(2, 'call_1'), FINISH] },
    { name: 'and after those that leaked before them', given: [...text(ONE, ONE), native(0), native(3), FINISH], expected: [leaked(0, 'call_1'), leaked(1, 'call_2'), { ...native(2), id: 'native_0' } as GenerationEvent, native(3), FINISH] },
    { name: 'what is held before a native call is text', given: [...text('<tool_call>{"name'), native(0), FINISH], expected: [...text('<tool_call>{"name'), native(0), FINISH] },
    { name: 'what is held before a failure is text', given: [...text('<tool_call>{"name": "calc", "arguments": {'), failure], expected: [...text('<tool_call>{"name": "calc", "arguments": {'), failure] },
    { name: 'half a closing tag before a failure is nothing', given: [...text(`${ONE}</tool`), failure], expected: [leaked(0, 'call_1'), failure] }
  ]
  for (const { name, given, expected } of cases) t.strictSame(told(stageOf(), given), expected, name)
  t.end()
})

t.test('each text with calls is told as a repair', t => {
  const changes: Change[] = []
  told(stageOf(changes), [...text('Hello\n', `[${ONE}, ${ONE}]`), FINISH])
  t.strictSame(changes, [{ param: 'tool_calls', action: 'repaired', repair: 'leaked_call', reason: 'the model wrote its call into the text' }])
  t.end()
})

t.test('a call in the thinking is one when nothing else is said', t => {
  const thought = (text: string): GenerationEvent => ({ type: 'reasoning', text })
  const leaked = (index: number): GenerationEvent => ({ type: 'tool_call', index, id: `call_${index + 1}`, name: 'calc', arguments: '{"expression":"1+1"}' })
  const native: GenerationEvent = { type: 'tool_call', index: 0, id: 'native', name: 'calc', arguments: '{}' }
  const failure: GenerationEvent = { type: 'failure', error: new Error('broken') }
  const length: GenerationEvent = { type: 'finish', reason: 'length' }
  const kimi = '<|tool_calls_section_begin|><|tool_call_begin|>functions.calc:0<|tool_call_argument_begin|>{"expression": "1+1"}<|tool_call_end|><|tool_calls_section_end|>'
  const cases: Array<{ name: string, given: Batch, expected: Batch }> = [
    { name: 'as kimi writes it', given: [thought(`I add.${kimi}`), FINISH], expected: [thought('I add.'), leaked(0), FINISH] },
    { name: 'with white space for an answer', given: [thought(`I add.${kimi}`), ...text('\n', '\n'), FINISH], expected: [thought('I add.'), leaked(0), FINISH] },
    { name: 'between thoughts', given: [thought(`I add.${kimi} Then `), thought('I wait.'), FINISH], expected: [thought('I add.Then I wait.'), leaked(0), FINISH] },
    { name: 'several', given: [thought(`<tool_call>${ONE}</tool_call>\n`), thought(`<tool_call>${ONE}</tool_call>`), FINISH], expected: [leaked(0), leaked(1), FINISH] },
    { name: 'but not before an answer', given: [thought(`I could ${kimi}.`), ...text(' Two.'), FINISH], expected: [thought(`I could ${kimi}.`), ...text(' Two.'), FINISH] },
    { name: 'nor before an answer that goes on thinking', given: [...text('Two.'), thought(`I could ${kimi}.`), FINISH], expected: [...text('Two.'), thought(`I could ${kimi}.`), FINISH] },
    { name: 'nor before a native call', given: [thought(kimi), native, FINISH], expected: [thought(kimi), native, FINISH] },
    { name: 'nor before a call in the text', given: [thought(kimi), ...text(`<tool_call>${ONE}</tool_call>`), FINISH], expected: [thought(kimi), leaked(0), FINISH] },
    { name: 'nor where the tokens ran out', given: [thought(kimi), length], expected: [thought(kimi), length] },
    { name: 'nor where all broke', given: [thought(kimi), failure], expected: [thought(kimi), failure] },
    { name: 'nor when the tool was not offered', given: [thought(kimi.replace('calc', 'other')), FINISH], expected: [thought(kimi.replace('calc', 'other')), FINISH] },
    { name: 'nor when it is half a call', given: [thought('<tool_call>{"name": "calc"'), FINISH], expected: [thought('<tool_call>{"name": "calc"'), FINISH] }
  ]
  for (const { name, given, expected } of cases) {
    t.strictSame(merged(told(stageOf(), given)), expected, name)
    const letters = given.flatMap((event): Batch => event.type === 'reasoning' ? event.text.split('').map(thought) : [event])
    t.strictSame(told(stageOf(), letters), expected, `${name}, a letter at a time`)
  }
  const changes: Change[] = []
  told(stageOf(changes), [thought(kimi), FINISH])
  t.strictSame(changes, [{ param: 'tool_calls', action: 'repaired', repair: 'leaked_call', reason: 'the model wrote its call into its thinking' }])
  t.end()
})

t.test('only text that may still become a call is held back', t => {
  const cases = [
    { given: 'Hello', held: '' },
    { given: 'Hello <', held: '<' },
    { given: 'Hello <t', held: '<t' },
    { given: 'Hello <b', held: '' },
    { given: 'a < b', held: '' },
    { given: 'Hello <tool_call>', held: '<tool_call>' },
    { given: 'Hello <tool_call> t', held: '' },
    { given: 'Hello <tool_call>\nca', held: '<tool_call>\nca' },
    { given: 'Hello <tool_call>\ncalc', held: '<tool_call>\ncalc' },
    { given: 'Hello <tool_call>\ncat', held: '' },
    { given: 'Hello <function=', held: '<function=' },
    { given: 'Hello <function=g', held: '<function=g' },
    { given: 'Hello <function=x', held: '' },
    { given: 'Hello `', held: '`' },
    { given: 'Hello `a', held: '' },
    { given: 'Hello ```', held: '```' },
    { given: 'Hello ```py', held: '```py' },
    { given: 'Hello ```ts', held: '' },
    { given: 'Hello ```python\n', held: '```python\n' },
    { given: 'Hello ```python\np', held: '' },
    { given: 'Hello ```json\n{"na', held: '```json\n{"na' },
    { given: 'Hello ```json\n{"nu', held: '' },
    { given: 'Hello\n', held: '' },
    { given: 'Hello\n{', held: '{' },
    { given: 'Hello\n{\n  ', held: '{\n  ' },
    { given: 'Hello\n{ x', held: '' },
    { given: 'Hello\n{"', held: '{"' },
    { given: 'Hello\n{"x', held: '' },
    { given: 'Hello\n{"name": "', held: '{"name": "' },
    { given: 'Hello\n{"name": "ca', held: '{"name": "ca' },
    { given: 'Hello\n{"name": "cal"', held: '' },
    { given: 'Hello\n{"name": "Bob', held: '' },
    { given: 'Hello\n{"id": "x", "ty', held: '{"id": "x", "ty' },
    { given: 'Hello\n{"id": "x", "ti', held: '' },
    { given: 'Hello\n{"id": 4', held: '' },
    { given: 'Hello\n{"type": "o', held: '' },
    { given: 'Hello\n[', held: '[' },
    { given: 'Hello\n[ca', held: '[ca' },
    { given: 'Hello\n[calc.c', held: '[calc.c' },
    { given: 'Hello\n[link', held: '' },
    { given: 'Hello\n[1', held: '' },
    { given: 'Hello <|', held: '<|' },
    { given: 'Hello <|tool_calls_section_begin|>', held: '<|tool_calls_section_begin|>' },
    { given: 'Hello <|tool_call_begin|>functions.c', held: '<|tool_call_begin|>functions.c' },
    { given: 'Hello <|tool_call_begin|>functions.x', held: '' },
    { given: 'Hello <|tool_call_begin|>functions.calc:', held: '<|tool_call_begin|>functions.calc:' },
    { given: 'Hello <|tool_call_begin|>functions.calc;', held: '' },
    { given: 'Hello <|tool_call>call:calc', held: '<|tool_call>call:calc' },
    { given: 'Hello <|channel|>comm', held: '<|channel|>comm' },
    { given: 'Hello <|channel|>final', held: '' },
    { given: 'Hello <｜DSML｜inv', held: '<｜DSML｜inv' },
    { given: 'Hello <｜DSML｜invoke name="x', held: '' },
    { given: 'Hello {', held: '' },
    { given: 'Hello [', held: '[' },
    { given: 'Hello [1', held: '' },
    { given: 'Hello [TOOL_', held: '[TOOL_' },
    { given: 'Hello [TOOL_CALLS] ', held: '[TOOL_CALLS] ' },
    { given: 'Hello [TOOL_CALLS] a', held: '' },
    { given: 'Hello [TOOL_CALLS]calc[AR', held: '[TOOL_CALLS]calc[AR' },
    { given: 'Hello [TOOL_CALLS]calc[AT', held: '' },
    { given: '{', held: '{' },
    { given: '\n ', held: '\n ' },
    { given: '\n H', held: '' },
    { given: `\n{${' '.repeat(510)}`, held: `\n{${' '.repeat(510)}` },
    { given: `H\n{${' '.repeat(511)}`, held: '' },
    { given: `${ONE}\n`, held: '' },
    { given: `${ONE}\n</tool`, held: '' }
  ]
  for (const { given, held } of cases) {
    const whole = tell(told(stageOf(), text(given)))
    const pieces = tell(told(stageOf(), text(...given.split(''))))
    const expected = given.startsWith(ONE) ? [CALC] : given === held ? [] : [JSON.stringify(given.slice(0, given.length - held.length))]
    t.strictSame(whole, expected, `${JSON.stringify(given.slice(-40))} holds ${held.length}`)
    t.strictSame(pieces, expected, `${JSON.stringify(given.slice(-40))} holds ${held.length}, a letter at a time`)
  }
  t.end()
})

const fragment = fc.constantFrom(
  '{', '}', '[', ']', '(', ')', '"', "'", '`', '```', '```json\n', '<', '>', '\n', ' ', ',', ':', ';', '=', '\\', 'x', '1', '🙂',
  '<tool_call>', '</tool_call>', '<function=', '</function>', '<|python_tag|>', '<|eom_id|>', '<parameter=', '<arg_key>', '.call',
  '[TOOL_CALLS]', '[CALL_ID]', '[ARGS]', '</s>', ...FORMS.flatMap(({ opens, closes }) => [...opens, ...closes]),
  '<|tool_call_argument_begin|>', 'functions.', ':0', '<|"|>', 'call:', 'commentary', ' to=', '<|message|>', '<｜tool▁sep｜>', '<｜DSML｜parameter name="', '</｜DSML｜parameter>', '">',
  '"name"', '"arguments"', '"parameters"', '"type":"function"', '"function"', '"tool_calls"', '"id"', '{"name":"', '\n{'
)
const offered = fc.constantFrom('<|tool_call_begin|>functions.calc:0<|tool_call_argument_begin|>{}', '<|tool_call>call:calc{a:<|"|>', '<|channel|>commentary to=functions.calc<|message|>{', '<｜DSML｜invoke name="calc">', '<｜tool▁call▁begin｜>calc<｜tool▁sep｜>{}', 'calc', '"calc"', 'get_time', ONE, '[calc(a=1)]', '<tool_call>' + ONE, '{"name":"calc",', '<function=calc>', '[TOOL_CALLS]calc', '[TOOL_CALLS]calc[ARGS]{')

t.test('text that names no offered tool comes out as it went in, however it is cut', t => {
  const given = fc.array(fragment, { maxLength: 25 }).map(parts => parts.join(''))
  t.doesNotThrow(() => fc.assert(fc.property(given, places, (whole, places) => {
    const out = told(stageOf(), [...text(...cut(whole, places)), FINISH])
    return textOf(out) === whole && out.every(({ type }) => type !== 'tool_call')
  }), { numRuns: runs(3_000) }))
  t.end()
})

t.test('however a stream is cut, the same events come out', t => {
  const piece = fc.array(fc.oneof({ weight: 3, arbitrary: fragment }, offered), { maxLength: 20 }).map(parts => text(parts.join('')))
  const thoughts = piece.map(batch => batch.map((event): GenerationEvent => event.type === 'text' ? { type: 'reasoning', text: event.text } : event))
  const events = fc.array(fc.oneof({ weight: 4, arbitrary: piece }, { weight: 2, arbitrary: thoughts }, fc.constantFrom<Batch>([{ type: 'tool_call', index: 0, id: 'native', name: 'calc', arguments: '{}' }], [usage(3)])), { maxLength: 4 }).map(batches => batches.flat())
  t.doesNotThrow(() => fc.assert(fc.property(events, places, (events, places) => {
    const [whole, pieces] = [events, recut(events, places)].map(given => JSON.stringify(told(stageOf(), [...given, FINISH])))
    return whole === pieces
  }), { numRuns: runs(3_000) }))
  t.end()
})

t.test('long answers cost no more than their length', t => {
  const argument = JSON.stringify('{"a": [1, "</tool_call>", `x`]}\n'.repeat(6_500))
  const cases = [
    { name: 'an argument of 200 KB', given: `<tool_call>{"name": "calc", "arguments": {"path": ${argument}}}</tool_call>`, calls: 1 },
    { name: 'bare', given: `{"name": "calc", "arguments": {"path": ${argument}}}`, calls: 1 },
    { name: 'between tags', given: `<tool_call>calc<arg_key>path</arg_key><arg_value>${'x = {"a": `1`}\n'.repeat(14_000)}</arg_value></tool_call>`, calls: 1 },
    { name: 'in Python\'s form', given: `[calc(path='${'(x) = {"a"}, '.repeat(7_000)}')]`, calls: 1 },
    { name: 'many calls', given: `${ONE}\n`.repeat(4_000), calls: 4_000 },
    { name: 'prose with many brackets', given: 'if (a) {\n{"x": [1]}\n[2](y) `z` < 3\n'.repeat(6_000), calls: 0 },
    { name: 'calls that are never closed', given: '{"name": "calc", "arguments": {\n'.repeat(6_000), calls: 0 },
    { name: 'tags that are never closed', given: '<tool_call>calc<arg_key>a</arg_key><arg_value>'.repeat(4_000), calls: 0 },
    { name: 'values that are never closed', given: `<tool_call>calc${'<arg_key>a</arg_key><arg_value>'.repeat(6_000)}</tool_call>`, calls: 0 },
    { name: 'white space before the answer', given: ' \n'.repeat(100_000), calls: 0 },
    { name: 'white space in a call', given: `{${' '.repeat(200_000)}"name": "calc"}`, calls: 0 },
    { name: 'white space behind a call', given: `${ONE}${'\n'.repeat(200_000)}`, calls: 1 },
    { name: 'brackets in brackets', given: `{"name": "calc", "arguments": {"a": ${'['.repeat(200_000)}`, calls: 0 },
    { name: 'mistral\'s words', given: '[TOOL_CALLS]calc[CALL_ID]a'.repeat(8_000), calls: 0 },
    { name: 'mistral\'s words that never go on', given: `[TOOL_CALLS]calc${'[CALL_ID]'.repeat(20_000)}`, calls: 0 },
    { name: 'fences', given: '```json\n{"name": "'.repeat(10_000), calls: 0 }
  ]
  for (const { name, given, calls } of cases) {
    for (const [pieces, how] of [[given.match(/[^]{1,5}/g) ?? [], 'in pieces'], [[given], 'at once']] as const) {
      const start = cpuTime()
      const out = told(stageOf(), [...text(...pieces), FINISH])
      const duration = cpuTime() - start
      t.equal(out.filter(({ type }) => type === 'tool_call').length, calls, `${name}, ${how}`)
      t.ok(duration < 1_000, `${name}, ${how}: ${Math.round(duration)} ms`)
    }
  }
  t.end()
})
