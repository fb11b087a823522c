import t from 'tap'
import { newWorkBudget } from '../../src/json/work-budget.ts'
import { parseJson, parseModelJson } from '../../src/json/lenient-json.ts'
import { cpuTime } from '../cpu-time.ts'

t.test('JSON is read as models write it', t => {
  const cases = [
    { name: 'as it should be', given: ' {"a": [1, null]} ', expected: { a: [1, null] } },
    { name: 'a number', given: '-1.5e3', expected: -1500 },
    { name: 'null', given: 'null', expected: null },
    { name: 'Python\'s quotes and words', given: "{'a': 'it\\'s', 'b': True, 'c': False, 'd': None}", expected: { a: "it's", b: true, c: false, d: null } },
    { name: 'trailing commas', given: '{"a": [1, 2,],}', expected: { a: [1, 2] } },
    { name: 'comments', given: '{"a": 1, // one\n /* two */ "b": 2}', expected: { a: 1, b: 2 } },
    { name: 'keys without quotes', given: '{a: 1}', expected: { a: 1 } },
    { name: 'line breaks in strings', given: '{"a": "one\ntwo\tthree"}', expected: { a: 'one\ntwo\tthree' } },
    { name: 'quotes that are not escaped', given: '{"a": "say "hi" to"}', expected: { a: 'say "hi" to' } },
    { name: 'backslashes that are not escaped', given: '{"a": "\\d+\\.\\d C:\\Users", "b": "\\n\\u00e9\\\\"}', expected: { a: '\\d+\\.\\d C:\\Users', b: '\né\\' } },
    { name: 'a bracket forgotten', given: '{"a": {"b": 1}', expected: { a: { b: 1 } } },
    { name: 'a text in single quotes', given: "'a'", expected: 'a' },
    { name: 'prose is none', given: 'Hello', expected: undefined },
    { name: 'nor is a number with words', given: '12 monkeys', expected: undefined },
    { name: 'nor is nothing', given: '', expected: undefined },
    { name: 'nor are brackets that mean something else', given: '{{{', expected: undefined }
  ]
  for (const { name, given, expected } of cases) t.strictSame(parseModelJson(given), expected, name)
  t.end()
})

t.test('a member by the name of __proto__ is one like any other', t => {
  const value = parseModelJson("{'__proto__': {'isAdmin': True}}")
  t.equal(JSON.stringify(value), '{"__proto__":{"isAdmin":true}}')
  t.equal(({} as { isAdmin?: unknown }).isAdmin, undefined)
  t.end()
})

t.test('what would take long to mend is not mended', t => {
  const cases = [
    { name: 'a list without commas', given: `[${'"a" '.repeat(100)}]`, isMended: true },
    { name: 'a long list without commas', given: `[${'"a" '.repeat(24_000)}]`, isMended: false },
    { name: 'one that is too long', given: `[${'"a" '.repeat(25_000)}]`, isMended: false },
    { name: 'a long text with quotes', given: `{"a":"${'x" '.repeat(33_000)}`, isMended: false },
    { name: 'brackets in brackets', given: '[a('.repeat(33_000), isMended: false }
  ]
  for (const { name, given, isMended } of cases) {
    const start = cpuTime()
    const mended = parseModelJson(given) !== undefined
    const duration = cpuTime() - start
    t.equal(mended, isMended, name)
    t.ok(duration < 1_500, `${name}: ${Math.round(duration)} ms`)
  }
  t.end()
})

t.test('JSON that is meant exactly', t => {
  t.strictSame(['{"a":1}', 'null', "{'a':1}", ''].map(parseJson), [{ a: 1 }, null, undefined, undefined])
  t.end()
})

t.test('a repair that takes too long is none', t => {
  const began = Date.now()
  t.equal(parseModelJson(`{"a":${'"b'.repeat(49_000)}`), undefined)
  t.ok(Date.now() - began < 1_000)
  t.end()
})

t.test('what one request may have mended has an end', t => {
  const workBudget = newWorkBudget()
  const broken = `[${'"a" '.repeat(1_000)}]`
  const mended = Array.from({ length: 100 }, () => parseModelJson(broken, workBudget) !== undefined)
  t.equal(mended[0], true)
  t.equal(mended.at(-1), false)
  t.ok(parseModelJson("{'a': 1}", workBudget), 'what is short may still be mended')
  t.ok(parseModelJson(`{"path": "a", "text": "${'x'.repeat(90_000)}",}`, newWorkBudget()), 'a long text that is written well costs little')
  t.end()
})
