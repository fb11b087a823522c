import t from 'tap'
import { ARG_TAGS, jsonCalls, objectCall, PARAMETER_TAGS, pythonCalls, quotedCall, taggedCall, toInvokeTags, type LeakedCall } from '../../../src/stages/leaked-calls/bodies.ts'
import { parseModelJsonExactly } from '../../../src/json/lenient-json.ts'
import { toExactJsonText } from '../../../src/json/exact-json.ts'

const properties = { text: { type: 'string' }, maybe: { type: ['string', 'null'] }, number: { type: 'number' }, list: { type: 'array' }, any: {} }
const grammar = { tools: new Map<string, Record<string, unknown>>([['calc', { type: 'object', properties }], ['clock', {}]]), parse: parseModelJsonExactly, write: toExactJsonText }

function tell (calls: LeakedCall[] | undefined): string[] | undefined {
  return calls?.map(call => `${call.name}(${call.arguments})`)
}

t.test('JSON', t => {
  const cases = [
    { name: 'arguments', given: '{"name":"calc","arguments":{"any":1}}', expected: ['calc({"any":1})'] },
    { name: 'numbers with all their digits', given: '{"name":"calc","arguments":{"any":12345678901234567890,"number":1.10}}', expected: ['calc({"any":12345678901234567890,"number":1.10})'] },
    { name: 'flat, with all digits', given: '{"name":"calc","any":12345678901234567890}', expected: ['calc({"any":12345678901234567890})'] },
    { name: 'arguments before parameters', given: '{"name":"calc","parameters":{"any":2},"arguments":{"any":1}}', expected: ['calc({"any":1})'] },
    { name: 'arguments as text', given: '{"name":"calc","arguments":" {\\"any\\": 1} "}', expected: ['calc( {"any": 1} )'] },
    { name: 'arguments that are no object', given: '{"name":"calc","arguments":[]}', expected: ['calc({})'] },
    { name: 'flat', given: '{"name":"calc","any":1,"more":2}', expected: ['calc({"any":1,"more":2})'] },
    { name: 'flat, when nobody knows what it takes', given: '{"name":"clock","zone":"UTC"}', expected: ['clock({"zone":"UTC"})'] },
    { name: 'flat, with nothing it takes', given: '{"name":"calc","zone":"UTC"}', expected: undefined },
    { name: 'flat, with nothing it takes but what every object has', given: '{"name":"calc","constructor":1}', expected: undefined },
    { name: 'a definition', given: '{"name":"calc","parameters":{"type":"object","properties":{"any":{}}}}', expected: undefined },
    { name: 'a list', given: '[{"name":"calc","arguments":{}},{"type":"function","function":{"name":"clock"}}]', expected: ['calc({})', 'clock({})'] },
    { name: 'an empty list', given: '[]', expected: undefined },
    { name: 'a list of other things', given: '[{"name":"calc"},1]', expected: undefined },
    { name: 'a list in a list', given: '[[{"name":"calc"}]]', expected: undefined },
    { name: 'another tool', given: '{"name":"toString"}', expected: undefined },
    { name: 'a name that is no text', given: '{"name":{"name":"calc"}}', expected: undefined },
    { name: 'a bracket forgotten', given: '{"name":"calc","arguments":{"any":1}\n', expected: ['calc({"any":1})'] },
    { name: 'more than a bracket', given: '{"name":"calc","arguments":{"any":"1', expected: undefined },
    { name: 'no JSON', given: '{"name":"calc" [}', expected: undefined }
  ]
  for (const { name, given, expected } of cases) t.strictSame(tell(jsonCalls(given, grammar)), expected, name)
  t.end()
})

t.test('an object', t => {
  const cases = [
    { name: 'as JSON', given: '{"any": 1}', expected: ['calc({"any":1})'] },
    { name: 'nearly as JSON', given: "{'any': None,}", expected: ['calc({"any":null})'] },
    { name: 'cut', given: '{"any": "x', expected: undefined },
    { name: 'that is a list', given: '[1]', expected: undefined }
  ]
  for (const { name, given, expected } of cases) t.strictSame(tell(objectCall('calc', given, grammar)), expected, name)
  t.end()
})

t.test('values between tags', t => {
  const cases = [
    { name: 'none', given: ' \n', tags: ARG_TAGS, expected: ['calc({})'] },
    { name: 'as text, whatever they look like', given: '<arg_key>text</arg_key>\n<arg_value>5</arg_value>\n<arg_key>maybe</arg_key><arg_value>null</arg_value>', tags: ARG_TAGS, expected: ['calc({"text":"5","maybe":"null"})'] },
    { name: 'as what they are', given: '<arg_key>number</arg_key><arg_value>5</arg_value><arg_key>list</arg_key><arg_value>["a"]</arg_value><arg_key>any</arg_key><arg_value>true</arg_value>', tags: ARG_TAGS, expected: ['calc({"number":5,"list":["a"],"any":true})'] },
    { name: 'with all their digits where they are numbers', given: '<arg_key>number</arg_key><arg_value>1.10</arg_value><arg_key>list</arg_key><arg_value>[12345678901234567890]</arg_value><arg_key>any</arg_key><arg_value>12345678901234567890</arg_value>', tags: ARG_TAGS, expected: ['calc({"number":1.10,"list":[12345678901234567890],"any":"12345678901234567890"})'] },
    { name: 'that only look like numbers', given: '<arg_key>any</arg_key><arg_value>1.0</arg_value><arg_key>more</arg_key><arg_value>007</arg_value>', tags: ARG_TAGS, expected: ['calc({"any":"1.0","more":"007"})'] },
    { name: 'between line breaks that are not theirs', given: '\n<parameter=text>\n a\nb \n</parameter>\n<parameter=any>\n[1]\n</parameter>\n', tags: PARAMETER_TAGS, expected: ['calc({"text":" a\\nb ","any":[1]})'] },
    { name: 'with tags of their own', given: '<parameter=text><b>1 < 2</b></parameter>', tags: PARAMETER_TAGS, expected: ['calc({"text":"<b>1 < 2</b>"})'] },
    { name: 'by any name', given: '<parameter=__proto__>{"a":1}</parameter>', tags: PARAMETER_TAGS, expected: ['calc({"__proto__":{"a":1}})'] },
    { name: 'not closed', given: '<parameter=text>1', tags: PARAMETER_TAGS, expected: undefined },
    { name: 'that say whether they are text', given: '<｜DSML｜parameter name="any" string="true">5\n</｜DSML｜parameter>\n<｜DSML｜parameter name="text" string="false">5</｜DSML｜parameter><｜DSML｜parameter name="number">5</｜DSML｜parameter>', tags: toInvokeTags('｜DSML｜'), expected: ['calc({"any":"5\\n","text":5,"number":5})'] },
    { name: 'and other things', given: '<parameter=text>1</parameter> and', tags: PARAMETER_TAGS, expected: undefined },
    { name: 'without a key', given: '<arg_value>1</arg_value>', tags: ARG_TAGS, expected: undefined }
  ]
  for (const { name, given, tags, expected } of cases) t.strictSame(tell(taggedCall('calc', given, tags, grammar)), expected, name)
  t.end()
})

t.test('an object with quotes of a template', t => {
  const cases = [
    { name: 'nothing', given: '{}', expected: ['calc({})'] },
    { name: 'texts', given: '{text:<|"|>a "b" {c}: \\d\n<|"|>,any:<|"|><|"|>}', expected: ['calc({"text":"a \\"b\\" {c}: \\\\d\\n","any":""})'] },
    { name: 'numbers with all their digits', given: '{number:1.10,any:12345678901234567890}', expected: ['calc({"number":1.10,"any":12345678901234567890})'] },
    { name: 'other values', given: '{number:5,list:[1,<|"|>a<|"|>],any:{<|"|>b c<|"|>:true,d:null}}', expected: ['calc({"number":5,"list":[1,"a"],"any":{"b c":true,"d":null}})'] },
    { name: 'JSON', given: '{"text": "a"}', expected: ['calc({"text":"a"})'] },
    { name: 'a text that is not closed', given: '{text:<|"|>a}', expected: undefined },
    { name: 'cut', given: '{text:<|"|>a<|"|>', expected: undefined }
  ]
  for (const { name, given, expected } of cases) t.strictSame(tell(quotedCall('calc', given, '<|"|>', grammar)), expected, name)
  t.end()
})

t.test('Python', t => {
  const cases = [
    { name: 'one', given: 'calc(any=1)', expected: ['calc({"any":1})'] },
    { name: 'as a method', given: 'calc.call(any=1)', expected: ['calc({"any":1})'] },
    { name: 'without arguments', given: 'clock( )', expected: ['clock({})'] },
    { name: 'a list', given: '[ calc(any=1),\n clock() ]', expected: ['calc({"any":1})', 'clock({})'] },
    { name: 'literals', given: "calc(a = 'it\\'s', b=\"x=1, y\", c=True, d=False, e=None, f=[1, {'g': (2)}], h=-2.5)", expected: ['calc({"a":"it\'s","b":"x=1, y","c":true,"d":false,"e":null,"f":[1,{"g":"(2)"}],"h":-2.5})'] },
    { name: 'words without quotes, and numbers that are none', given: 'calc(a=Oslo Airport, b=2024-01-01, c=007, d=)', expected: ['calc({"a":"Oslo Airport","b":"2024-01-01","c":"007","d":""})'] },
    { name: 'by any name', given: 'calc(__proto__={"a": 1})', expected: ['calc({"__proto__":{"a":1}})'] },
    { name: 'without names', given: 'calc(1)', expected: undefined },
    { name: 'another tool in the list', given: '[calc(any=1), other()]', expected: undefined },
    { name: 'another thing in the list', given: '[calc(any=1), 1]', expected: undefined },
    { name: 'cut', given: '[calc(any=1)', expected: undefined },
    { name: 'an empty list', given: '[]', expected: undefined }
  ]
  for (const { name, given, expected } of cases) t.strictSame(tell(pythonCalls(given, grammar)), expected, name)
  t.end()
})
