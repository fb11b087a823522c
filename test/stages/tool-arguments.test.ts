import fc from 'fast-check'
import t from 'tap'
import type { Change } from '../../src/generation/change.ts'
import type { Batch, GenerationEvent } from '../../src/generation/event.ts'
import { newWorkBudget } from '../../src/json/work-budget.ts'
import { countViolations as count, loadCheckers } from '../../src/json/json-schema.ts'
import { ToolArguments, toMended as mend } from '../../src/stages/tool-arguments.ts'
import { runs } from '../property-runs.ts'
import { cpuTime } from '../cpu-time.ts'

await loadCheckers()

type Schema = Record<string, unknown>

function toMended (text: string, schema: Schema | undefined): ReturnType<typeof mend> {
  return mend(text, schema, newWorkBudget())
}

function countViolations (schema: Schema, value: unknown): number {
  return count(schema, value, newWorkBudget())
}

const SYNTAX = 'the model wrote JSON that does not parse'
const MARKS = 'the model wrote tokens of its chat template into the arguments'
const TWICE = 'the model encoded the arguments twice'
const TYPES = 'the model gave values of another type than the schema names'

function object (properties: Schema, more: Schema = {}): Schema {
  return { type: 'object', properties, ...more }
}

t.test('arguments that are sound, or beyond repair, pass byte for byte', t => {
  const number = object({ n: { type: 'number' } }, { required: ['n'], additionalProperties: false })
  const cases: Array<{ name: string, schema?: Schema, given: string }> = [
    { name: 'sound', schema: number, given: '{ "n" : 1.0e0 }\n' },
    { name: 'sound, with a number beyond JavaScript', schema: number, given: '{"n":12345678901234567890}' },
    { name: 'sound, of a tool nobody knows', given: '{"n":"1"}' },
    { name: 'sound, for a schema that is none', schema: { type: 'any' }, given: '{"n":"1"}' },
    { name: 'sound, for a schema that refers to itself', schema: { $ref: '#' }, given: '{"n":"1"}' },
    { name: 'sound, for a schema that promises its verdict', schema: { ...number, $async: true }, given: '{"n":1}' },
    { name: 'nothing', schema: number, given: '' },
    { name: 'null', schema: number, given: 'null' },
    { name: 'a list', schema: number, given: '[1]' },
    { name: 'a text', schema: number, given: '"one"' },
    { name: 'a text of a text', schema: number, given: JSON.stringify(JSON.stringify('one')) },
    { name: 'prose', schema: number, given: 'the number one' },
    { name: 'something that is no number', schema: number, given: '{"n":"one"}' },
    { name: 'something required that is missing', schema: number, given: '{}' },
    { name: 'something unknown', schema: number, given: '{"n":1,"m":2}' },
    { name: 'something required that is null', schema: number, given: '{"n":null}' },
    { name: 'a word that is none of those', schema: object({ c: { enum: ['red'] } }), given: '{"c":"blue"}' },
    { name: 'half a number where a whole one is wanted', schema: object({ n: { type: 'integer' } }), given: '{"n":"1.5"}' },
    { name: 'a text by the name of what every object has', schema: object({ o: { type: 'object' } }), given: '{"o":"__proto__"}' },
    { name: 'JSON that was cut in a text', schema: object({ s: { type: 'string' } }), given: '{"s":"half of it' },
    { name: 'JSON that was cut behind a text', schema: object({ s: { type: 'string' } }), given: '{"s":"rm -rf /tmp"' },
    { name: 'JSON that was cut and has other mistakes', schema: object({}), given: "{'s': [1, 2,], 't': [" },
    { name: 'JSON that was cut and encoded twice', schema: object({}), given: JSON.stringify('{"s":"half') },
    { name: 'JSON in a text that was cut', schema: object({ o: { type: 'object' } }), given: '{"o":"{\\"a\\": 1"}' },
    { name: 'brackets deeper than anybody means them', schema: number, given: `{"n":"one","m":${'['.repeat(50_000)}${']'.repeat(50_000)}}` },
    { name: 'the same beside what could be mended', schema: object({ n: { type: 'number' } }), given: `{"n":"1","m":${'['.repeat(50_000)}${']'.repeat(50_000)}}` },
    { name: 'JSON and more', schema: object({}), given: '{"a":1} and so on' }
  ]
  for (const { name, schema, given } of cases) t.strictSame(toMended(given, schema), { text: given, repairs: [] }, name)
  t.end()
})

t.test('what is written again keeps the digits of its numbers', t => {
  const schema = object({ n: { type: 'integer' }, price: { type: 'number' }, id: { type: 'string' }, list: { type: 'array', items: { type: ['number', 'null'] } }, yes: { type: 'boolean' } })
  const cases: Array<{ name: string, given: string, expected: string, repairs: string[] }> = [
    { name: 'beside what is mended', given: '{"n":12345678901234567890,"price":1.10,"list":[0.10,9007199254740993],"yes":"true"}', expected: '{"n":12345678901234567890,"price":1.10,"list":[0.10,9007199254740993],"yes":true}', repairs: [TYPES] },
    { name: 'that were texts', given: '{"n":"12345678901234567890","price":"1.10","list":["9007199254740993"]}', expected: '{"n":12345678901234567890,"price":1.10,"list":[9007199254740993]}', repairs: [TYPES] },
    { name: 'that become texts', given: '{"id":12345678901234567890}', expected: '{"id":"12345678901234567890"}', repairs: [TYPES] },
    { name: 'that become a list', given: '{"list":1.10}', expected: '{"list":[1.10]}', repairs: [TYPES] },
    { name: 'a whole number where only those are', given: '{"n":"1.0"}', expected: '{"n":1}', repairs: [TYPES] },
    { name: 'in nearly JSON', given: "{'n': 12345678901234567890, 'price': 1.10,}", expected: '{"n":12345678901234567890,"price":1.10}', repairs: [SYNTAX] },
    { name: 'in JSON that was encoded twice', given: JSON.stringify('{"n":12345678901234567890}'), expected: '{"n":12345678901234567890}', repairs: [TWICE] },
    { name: 'between marks', given: '{id:<|"|>a<|"|>,n:12345678901234567890}', expected: '{"id":"a","n":12345678901234567890}', repairs: [MARKS, SYNTAX] }
  ]
  for (const { name, given, expected, repairs } of cases) t.strictSame(toMended(given, schema), { text: expected, repairs }, name)
  t.end()
})

t.test('harmless mistakes are mended', t => {
  const point = object({ x: { type: 'number' }, y: { type: ['number', 'null'] } }, { required: ['x', 'y'] })
  const refs = { $defs: { Point: point, Alias: { $ref: '#/$defs/Point' }, 'a/b': { type: 'integer' } }, definitions: { Old: { type: 'boolean' } } }
  const tree = object({ value: { type: 'integer' }, next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } })
  const cases: Array<{ name: string, schema?: Schema, given: unknown, expected: unknown, repairs?: string[] }> = [
    { name: 'Python\'s quotes and words', given: "{'a': 'it\\'s', 'b': True, 'c': None}", expected: { a: "it's", b: true, c: null }, repairs: [SYNTAX] },
    { name: 'trailing commas', given: '{"a":[1,],}', expected: { a: [1] }, repairs: [SYNTAX] },
    { name: 'a closing brace too many', given: '{"a":1}}', expected: { a: 1 }, repairs: [SYNTAX] },
    { name: 'encoded twice', given: '"{\\"a\\":1}"', expected: { a: 1 }, repairs: [TWICE] },
    { name: 'encoded twice, in Python\'s quotes', given: '"{\'a\': 1}"', expected: { a: 1 }, repairs: [TWICE] },
    { name: 'marks of a chat template', given: '{"city": "<|\\"|>Paris<|\\"|>"}', expected: { city: 'Paris' }, repairs: [MARKS] },
    { name: 'a template\'s own form', given: '{city:<|"|>Paris<|"|>,days:2}', expected: { city: 'Paris', days: 2 }, repairs: [MARKS, SYNTAX] },
    { name: 'a mark behind it', given: '{"a":1}<|tool_call_end|>', expected: { a: 1 }, repairs: [SYNTAX] },
    { name: 'all at once', schema: object({ a: { type: 'integer' } }), given: "{'a': '1',}", expected: { a: 1 }, repairs: [SYNTAX, TYPES] },

    { name: 'numbers as text', schema: object({ a: { type: 'number' }, b: { type: 'integer' } }), given: { a: ' -1.5e3 ', b: '4' }, expected: { a: -1500, b: 4 } },
    { name: 'booleans as text', schema: object({ a: { type: 'boolean' }, b: { type: 'boolean' }, c: { type: 'boolean' } }), given: { a: 'true', b: 'False', c: true }, expected: { a: true, b: false, c: true } },
    { name: 'null as text', schema: object({ a: { type: ['integer', 'null'] }, b: { type: ['integer', 'null'] } }), given: { a: 'None', b: 'null' }, expected: { a: null, b: null } },
    { name: 'a list as text', schema: object({ a: { type: 'array', items: { type: 'integer' } } }), given: { a: '[1, "2"]' }, expected: { a: [1, 2] } },
    { name: 'a list as text, in Python\'s quotes', schema: object({ a: { type: 'array', items: { type: 'string' } } }), given: { a: "['x', 'y']" }, expected: { a: ['x', 'y'] } },
    { name: 'an object as text', schema: object({ a: point }), given: { a: '{"x": "1", "y": 2}' }, expected: { a: { x: 1, y: 2 } } },
    { name: 'texts as numbers and booleans', schema: object({ a: { type: 'string' }, b: { type: 'string' } }), given: { a: 7, b: true }, expected: { a: '7', b: 'true' } },
    { name: 'one thing where a list is wanted', schema: object({ a: { type: 'array' }, b: { type: 'array', items: { type: 'integer' } }, c: { type: 'array', items: { type: 'string' } } }), given: { a: { x: 1 }, b: '3', c: 'x' }, expected: { a: [{ x: 1 }], b: [3], c: ['x'] } },
    { name: 'null for what may be left out', schema: object({ a: { type: 'string' }, b: { enum: ['red'] }, c: {}, d: { type: ['string', 'null'] }, e: { type: 'integer' } }, { required: ['e'] }), given: { a: null, b: null, c: null, d: null, e: '1' }, expected: { c: null, d: null, e: 1 } },
    { name: 'nothing for what may be null', schema: object({ a: { type: ['string', 'null'] }, b: { anyOf: [{ type: 'integer' }, { type: 'null' }] }, c: { enum: ['red', null] } }, { required: ['a', 'b', 'c'] }), given: {}, expected: { a: null, b: null, c: null } },
    { name: 'nothing for what has a default', schema: object({ a: { type: 'integer', default: 3 }, b: { type: 'integer', default: 4 } }, { required: ['a'] }), given: {}, expected: { a: 3 } },
    { name: 'a word among numbers', schema: object({ a: { enum: [1, 2] } }), given: { a: '2' }, expected: { a: 2 } },

    { name: 'in objects in objects', schema: object({ a: object({ b: object({ c: { type: 'integer' } }) }) }), given: { a: { b: { c: '1' } } }, expected: { a: { b: { c: 1 } } } },
    { name: 'in lists of objects', schema: object({ a: { type: 'array', items: point } }), given: { a: [{ x: '1', y: 2 }, { x: 3 }] }, expected: { a: [{ x: 1, y: 2 }, { x: 3, y: null }] } },
    { name: 'in lists of lists', schema: object({ a: { type: 'array', items: { type: 'array', items: { type: 'integer' } } } }), given: { a: [['1'], '[2]', 3] }, expected: { a: [[1], [2], [3]] } },
    { name: 'behind references', schema: object({ a: { $ref: '#/$defs/Alias' }, b: { $ref: '#/definitions/Old' }, c: { $ref: '#/$defs/a~1b' } }, refs), given: { a: { x: '1', y: 2 }, b: 'true', c: '3' }, expected: { a: { x: 1, y: 2 }, b: true, c: 3 } },
    { name: 'behind a reference with a description', schema: object({ a: { allOf: [{ $ref: '#/$defs/Point' }], description: 'Where' } }, refs), given: { a: { x: '1', y: 2 } }, expected: { a: { x: 1, y: 2 } } },
    { name: 'behind a reference or null', schema: object({ a: { anyOf: [{ $ref: '#/$defs/Point' }, { type: 'null' }] }, b: { oneOf: [{ type: 'null' }, { $ref: '#/$defs/Point' }] } }, refs), given: { a: { x: '1', y: 2 }, b: '{"x": 1, "y": "2"}' }, expected: { a: { x: 1, y: 2 }, b: { x: 1, y: 2 } } },
    { name: 'in a tree', schema: tree, given: { value: '1', next: { value: '2', next: null } }, expected: { value: 1, next: { value: 2, next: null } } },
    { name: 'in members of any name', schema: { type: 'object', additionalProperties: { type: 'integer' } }, given: { a: '1', b: 2 }, expected: { a: 1, b: 2 } },
    { name: 'beside what cannot be', schema: object({ a: { type: 'integer' }, b: { type: 'integer' } }), given: { a: '1', b: 'x' }, expected: { a: 1, b: 'x' } },
    { name: 'beside more of that than is told', schema: object({ a: { type: 'integer' }, b: { type: 'array', items: { type: 'integer' } } }), given: { a: '1', b: 'abcdefg'.split('') }, expected: { a: 1, b: 'abcdefg'.split('') } },
    { name: 'and what the schema does not know stays', schema: object({ a: { type: 'integer' } }), given: { a: '1', b: '2', c: null }, expected: { a: 1, b: '2', c: null } }
  ]
  for (const { name, schema, given, expected, repairs = [TYPES] } of cases) {
    const mended = toMended(typeof given === 'string' ? given : JSON.stringify(given), schema)
    t.strictSame({ ...mended, text: JSON.parse(mended.text) }, { text: expected, repairs }, name)
  }
  t.end()
})

t.test('a member by the name of __proto__ is one like any other', t => {
  const schema = object({ a: { type: 'integer' }, ['__proto__']: { type: 'integer' } })
  t.equal(toMended('{"a":"1","__proto__":{"isAdmin":true}}', schema).text, '{"a":1,"__proto__":{"isAdmin":true}}')
  t.equal(toMended("{'__proto__': {'isAdmin': True}}", undefined).text, '{"__proto__":{"isAdmin":true}}')
  t.equal(({} as { isAdmin?: unknown }).isAdmin, undefined)
  t.end()
})

t.test('whatever a model writes, arguments do not get worse', t => {
  const schema = object({ n: { type: 'integer' }, s: { type: 'string' }, l: { type: 'array', items: { type: 'number' } }, o: object({ b: { type: ['boolean', 'null'] } }, { required: ['b'] }) }, { required: ['n'], additionalProperties: false })
  const leaf = fc.oneof(fc.integer(), fc.boolean(), fc.constantFrom(null, '1', '1.5', 'true', 'None', '[1]', '{"b":"true"}', 'x', ''), fc.string())
  const value = fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }), fc.dictionary(fc.constantFrom('b', 'n', 'x'), leaf, { maxKeys: 2 }))
  t.doesNotThrow(() => fc.assert(fc.property(fc.dictionary(fc.constantFrom('n', 's', 'l', 'o', 'x', '__proto__'), value, { maxKeys: 5 }), given => {
    const written = JSON.stringify(given)
    const { text, repairs } = toMended(written, schema)
    const [before, after] = [countViolations(schema, JSON.parse(written)), countViolations(schema, JSON.parse(text))]
    return repairs.length === 0 ? text === written : after < before && toMended(text, schema).text === text
  }), { numRuns: runs(2_000) }))
  t.doesNotThrow(() => fc.assert(fc.property(fc.array(fc.constantFrom('{', '}', '[', ']', '"', "'", ':', ',', 'n', '1', '\\', ' ', '{"n":"1"}'), { maxLength: 12 }), parts => {
    const written = parts.join('')
    const { text, repairs } = toMended(written, schema)
    return repairs.length === 0 ? text === written : typeof JSON.parse(text) === 'object'
  }), { numRuns: runs(2_000) }))
  t.end()
})

t.test('calls are held until they are whole', t => {
  const finish: GenerationEvent = { type: 'finish', reason: null }
  const error: GenerationEvent = { type: 'failure', error: new Error('broken') }
  const usage: GenerationEvent = { type: 'usage', usage: { promptTokens: 1, completionTokens: 1 } }
  const call = (index: number, args: string): GenerationEvent => ({ type: 'tool_call', index, id: `call_${index}`, name: 'f', arguments: args })
  const more = (index: number, args: string): GenerationEvent => ({ type: 'tool_call', index, arguments: args })
  const cases: Array<{ name: string, given: Batch[], expected: Batch, changes?: string[] }> = [
    { name: 'sound ones come as they were', given: [[call(0, '')], [more(0, '{"n"'), more(0, ': 1}')], [usage, finish]], expected: [usage, call(0, '{"n": 1}'), finish] },
    { name: 'two at the same time', given: [[call(0, '{"n"'), call(1, '{"n":')], [more(0, ':1}'), more(1, '"2"}')], [finish]], expected: [call(0, '{"n":1}'), call(1, '{"n":2}'), finish], changes: [`tool_calls[1].function.arguments repaired: ${TYPES}`] },
    { name: 'text goes on', given: [[call(0, "{'n': '1'}"), { type: 'text', text: 'a' }], [finish]], expected: [{ type: 'text', text: 'a' }, call(0, '{"n":1}'), finish], changes: [`tool_calls[0].function.arguments repaired: ${SYNTAX}`, `tool_calls[0].function.arguments repaired: ${TYPES}`] },
    { name: 'a tool that was not offered is left alone', given: [[{ ...call(0, '{"n":"1"}'), name: 'g' } as GenerationEvent, finish]], expected: [{ ...call(0, '{"n":"1"}'), name: 'g' } as GenerationEvent, finish] },
    { name: 'a call that breaks off is not told', given: [[call(0, '{"n"')], [error]], expected: [error] }
  ]
  for (const { name, given, expected, changes = [] } of cases) {
    const told: Change[] = []
    const stage = new ToolArguments(new Map([['f', object({ n: { type: 'integer' } })]]), told, newWorkBudget())
    t.strictSame(given.flatMap(batch => stage.push(batch)), expected, name)
    t.strictSame(told.map(({ param, action, reason }) => `${param} ${action}: ${reason}`), changes, `${name} (changes)`)
  }
  t.end()
})

t.test('long arguments cost no more than their length', t => {
  const stage = new ToolArguments(new Map([['f', object({ s: { type: 'string' }, n: { type: 'integer' } })]]), [], newWorkBudget())
  const pieces = JSON.stringify({ s: 'x "y" {z}\n'.repeat(20_000), n: '1' }).match(/[^]{1,5}/g) ?? []
  const start = cpuTime()
  stage.push([{ type: 'tool_call', index: 0, id: 'a', name: 'f', arguments: '' }])
  for (const piece of pieces) stage.push([{ type: 'tool_call', index: 0, arguments: piece }])
  const [call] = stage.push([{ type: 'finish', reason: null }])
  t.match(call, { type: 'tool_call', arguments: /"n":1}$/ })
  const duration = cpuTime() - start
  t.ok(duration < 1_000, `${Math.round(duration)} ms`)
  t.end()
})

t.test('once checks have taken their time, only what is quickly checked is', t => {
  const trap = object({ s: { type: 'string', pattern: '(a?){300}a{300}' } })
  const stage = new ToolArguments(new Map([['trap', trap], ['f', object({ n: { type: 'integer' } })]]), [], newWorkBudget())
  const calls: Batch = ['f', ...Array.from({ length: 200 }, () => 'trap'), 'f'].map((name, index) => ({ type: 'tool_call', index, id: `call_${index}`, name, arguments: JSON.stringify({ n: '1', s: 'a'.repeat(4_000) }) }))
  const start = performance.now()
  const told = stage.push([...calls, { type: 'finish', reason: null }])
  t.ok(performance.now() - start < 2_000)
  t.match(told[0], { arguments: /"n":1,/ })
  t.match(told[1], { arguments: /"n":"1"/ })
  t.match(told[201], { arguments: /"n":1,/ })
  t.end()
})

t.test('arguments whose schema cannot be checked pass as they are', t => {
  for (const schema of [{ type: 'any' }, object({ n: { type: 'integer' } }, { $ref: '#' }), object({ n: { type: 'integer' } }, { description: 'x'.repeat(200_000) })]) {
    t.strictSame(toMended('{"n":"1"}', schema), { text: '{"n":"1"}', repairs: [] })
    t.equal(toMended("{'n': '1'}", schema).text, '{"n":"1"}', 'but are JSON')
  }
  t.strictSame(toMended('{"n":"1","s":"x"}', object({ n: { type: 'integer' }, s: { type: 'string', pattern: '\\Ay' } })).text, '{"n":1,"s":"x"}', 'what is not enforced is in the way of nothing')
  t.end()
})
