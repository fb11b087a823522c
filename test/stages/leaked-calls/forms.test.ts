import t from 'tap'
import { MARKERS, toOpening, type Opening } from '../../../src/stages/leaked-calls/forms.ts'
import { parseModelJsonExactly } from '../../../src/json/lenient-json.ts'
import { toExactJsonText } from '../../../src/json/exact-json.ts'

const grammar = { tools: new Map([['calc', {}], ['clock', {}]]), parse: parseModelJsonExactly, write: toExactJsonText }

/** What a text that begins like a call is: of a call the body and the calls in it. */
function opened (text: string): unknown {
  const opening: Opening = toOpening(text, grammar)
  if (typeof opening === 'string') return opening
  const body = text.slice(opening.start)
  const whole = body.slice(0, opening.scanner.read(body))
  return { body: whole, calls: opening.toCalls(whole)?.map(call => `${call.name}(${call.arguments})`), ...(opening.isFenced && { isFenced: true }) }
}

const CALC = ['calc({"a":1})']

t.test('an opening says where the body begins and how it is read', t => {
  const cases = [
    { given: '{"name": "calc", "arguments": {"a": 1}}; more', expected: { body: '{"name": "calc", "arguments": {"a": 1}}', calls: CALC } },
    { given: '[ {"name": "calc", "a": 1} ]', expected: { body: '[ {"name": "calc", "a": 1} ]', calls: CALC } },
    { given: '[ calc(a=1) ].', expected: { body: '[ calc(a=1) ]', calls: CALC } },
    { given: '```json\r\n{"name": "calc", "a": 1}\r\n```', expected: { body: '{"name": "calc", "a": 1}', calls: CALC, isFenced: true } },
    { given: '``` {"name": "calc", "a": 1}', expected: { body: '{"name": "calc", "a": 1}', calls: CALC, isFenced: true } },
    { given: '```xml\n<tool_call> {"name": "calc", "a": 1}', expected: { body: '{"name": "calc", "a": 1}', calls: CALC, isFenced: true } },
    { given: '<tool_call>\n\n{"name": "calc", "a": 1}</tool_call>', expected: { body: '{"name": "calc", "a": 1}', calls: CALC } },
    { given: '<tool_call>calc\n<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>', expected: { body: '<arg_key>a</arg_key><arg_value>1</arg_value>', calls: CALC } },
    { given: '<tool_call><function=calc><parameter=a>1</parameter></function>', expected: { body: '<parameter=a>1</parameter>', calls: CALC } },
    { given: '<function=calc> {"a": 1}</function>', expected: { body: '{"a": 1}', calls: CALC } },
    { given: '<|python_tag|> calc.call(a=1)', expected: { body: 'calc.call(a=1)', calls: CALC } },
    { given: '[TOOL_CALLS] [{"name": "calc", "arguments": {"a": 1}, "id": "abcdefghi"}]</s>', expected: { body: '[{"name": "calc", "arguments": {"a": 1}, "id": "abcdefghi"}]', calls: CALC } },
    { given: '[TOOL_CALLS]{"name": "calc", "arguments": {"a": 1}}', expected: { body: '{"name": "calc", "arguments": {"a": 1}}', calls: CALC } },
    { given: '[TOOL_CALLS]calc{"a": 1}[TOOL_CALLS]', expected: { body: '{"a": 1}', calls: CALC } },
    { given: '[TOOL_CALLS]calc[ARGS]{"a": 1}</s>', expected: { body: '{"a": 1}', calls: CALC } },
    { given: '[TOOL_CALLS] calc [CALL_ID]a1b2c3d4e[ARGS] {"a": 1}', expected: { body: '{"a": 1}', calls: CALC } },
    { given: '[TOOL_CALLS]calc{"a": 1', expected: { body: '{"a": 1', calls: undefined } },
    { given: '<|tool_calls_section_begin|>\n<|tool_call_begin|>functions.calc:0<|tool_call_argument_begin|> {"a": 1}<|tool_call_end|>', expected: { body: '{"a": 1}', calls: CALC } },
    { given: '<|tool_call>call:calc{a:1,}<tool_call|>', expected: { body: '{a:1,}', calls: CALC } },
    { given: '<|channel|>commentary to=functions.calc <|constrain|>json<|message|>{"a": 1}<|call|>', expected: { body: '{"a": 1}', calls: CALC } },
    { given: '<｜tool▁call▁begin｜>function<｜tool▁sep｜>calc\n```json\n{"a": 1}\n```', expected: { body: '{"a": 1}', calls: CALC, isFenced: true } },
    { given: '<｜DSML｜invoke name="calc"> <｜DSML｜parameter name="a" string="false">1</｜DSML｜parameter></｜DSML｜invoke>', expected: { body: '<｜DSML｜parameter name="a" string="false">1</｜DSML｜parameter>', calls: CALC } },
    { given: '<|python_tag|>{"name": "calc", "a": 1}', expected: { body: '{"name": "calc", "a": 1}', calls: CALC } },
    { given: '{"name": "calc", "arguments": {"a": }}', expected: { body: '{"name": "calc", "arguments": {"a": }}', calls: ['calc({"a":null})'] } },
    { given: '{"name": "calc", "arguments": {"a": <b>}}', expected: { body: '{"name": "calc", "arguments": {"a": ', calls: undefined } }
  ]
  for (const { given, expected } of cases) t.strictSame(opened(given), expected, JSON.stringify(given))
  t.end()
})

t.test('no word that opens a call begins like another', t => {
  const alike = MARKERS.filter(word => MARKERS.some(other => other !== word && other.startsWith(word)))
  t.strictSame(alike, [])
  t.equal(new Set(MARKERS).size, MARKERS.length)
  t.end()
})

t.test('every beginning of an opening leaves it open', t => {
  const openings = [
    '{"name": "calc"', '{"name": "clock"', '{ "type" : "function" , "name" : "calc"', '{"id": "a", "type": "function", "function": {"name": "calc"', '{"function": "calc"', '{"tool_calls": [{"name": "calc"', '{"arguments": {',
    "{'parameters': '", '[ {"name": "calc"', '[calc(', '[calc.call(', '<tool_call> {"name": "calc"', '<tool_call>[{"name": "calc"', '<tool_call>calc<', '<tool_call>\n<function=calc> {', '<function=calc><', '<|python_tag|>calc(', '<|python_tag|>[calc(',
    '[TOOL_CALLS] [{"name": "calc"', '[TOOL_CALLS]{"name": "calc"', '[TOOL_CALLS]calc{', '[TOOL_CALLS] calc[ARGS]{', '[TOOL_CALLS]calc[CALL_ID]a1b2c3d4e[ARGS] {',
    '<|tool_calls_section_begin|><|tool_call_begin|>functions.calc:0<|tool_call_argument_begin|>{', '<|tool_call>call:calc{', '<start_function_call>call:calc{', '<|start|>assistant<|channel|>commentary to=functions.calc <|constrain|>json<|message|>{', '<|channel|>commentary to=functions.calc json<|message|>{',
    '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>calc\n```json\n{', '<｜DSML｜tool_calls>\n<｜DSML｜invoke name="calc">\n<', '<invoke name="calc">{', '<TOOLCALL>[{"name": "calc"', '<|tool_call_start|>[calc(',
    '```json\n{"name": "calc"', '```tool_call\n[calc(', '```\n<tool_call>calc <'
  ]
  for (const opening of openings) {
    const shortest = ['{', '[', ...MARKERS].find(word => opening.startsWith(word))?.length ?? 0
    const beginnings = Array.from({ length: opening.length - shortest }, (_, cut) => opening.slice(0, shortest + cut))
    t.strictSame(beginnings.filter(text => toOpening(text, grammar) !== 'open'), [], JSON.stringify(opening))
    t.type(toOpening(opening, grammar), Object, `${JSON.stringify(opening)} is one`)
  }
  t.end()
})

t.test('an opening that cannot be one is text at once', t => {
  const cases = [
    '{x', '{"x', '{"names', '{"name" x', '{"name":7', '{"name": "x', '{"name": "calculator', '{"type": "object"', '{"type": "function";', '{"id": 1', '{"id": "a" "', '{"id": "a", x', '{"function": [', '{"tool_calls": {', '{"tool_calls": [[', '{"arguments": [', '{"parameters": nu', '{name', '{{',
    '[[', '[x', '[]', '[ca(', '[calc)', '[calc (', '[calc.cat', '[calc.run(', '<tool_call><b', '<tool_call>x', '<tool_call>calculator', '<tool_call>calc(', '<tool_call></', '<function=x', '<function=calc ', '<function=ca>', '<function=calc>x', '<|python_tag|>x', '<|python_tag|>calc =',
    '[TOOL_CALLS]x', '[TOOL_CALLS]calculator', '[TOOL_CALLS]calc(', '[TOOL_CALLS]calc: {', '[TOOL_CALLS]calc[NAME]', '[TOOL_CALLS][1', '[TOOL_CALLS] are', '[TOOL_RESULTS]', '[TOOL CALLS]',
    '<|tool_call_begin|>functions.x', '<|tool_call_begin|>calc:x', '<|tool_call>calc(', '<|tool_call>call:x', '<|tool_call>call:calc(', '<|channel|>final', '<|channel|>commentary<|message|>', '<|channel|>commentary to=x', '<|channel|>commentary to=calc: {', '<｜tool▁call▁begin｜>x', '<｜DSML｜invoke name="x', '<｜DSML｜invoke name="calc"/', '<｜DSML｜invoke name="calc">x', '<invoke id', '<TOOLCALL>x',
    '```a', '```yaml', '```json\nx', '```json\n```', '```jsonl', '````'
  ]
  for (const given of cases) t.equal(toOpening(given, grammar), 'text', JSON.stringify(given))
  t.end()
})
