import t from 'tap'
import { findObjects, isJson, isObjectSchema, toLeadingObject, toValue, withoutPieces } from '../../../src/simulator/script/json.ts'

t.strictSame(toValue('{"a":1}'), { a: 1 }, 'JSON is parsed')
t.equal(toValue('{"a":'), '{"a":', 'what is no JSON stays text')
t.strictSame(['null', '{"a":'].map(isJson), [true, false], 'JSON is told from other text')

t.equal(toLeadingObject('{"a": {"b": "}"}} and {}'), '{"a": {"b": "}"}}', 'an object ends with its brace')
t.equal(toLeadingObject('{"a": and more'), '{"a": and more', 'one that does not end is all of the text')

const text = 'x {"a":1} y {b} {"c":{}}'
const objects = findObjects(text)
t.strictSame(objects, [{ value: { a: 1 }, start: 2, end: 9 }, { value: { c: {} }, start: 16, end: 24 }], 'objects are found in a text')
t.equal(withoutPieces(text, objects), 'x  y {b} ', 'and taken out of it')
t.strictSame(findObjects('none'), [])

t.strictSame([{ type: 'object', properties: {} }, { type: 'object' }, { properties: {} }, 'object', null].map(isObjectSchema), [true, false, false, false, false], 'a schema has members')
