import t from 'tap'
import { findObjects, isJson, toLeadingObject, toValue } from '../../src/simulator/json.ts'

t.strictSame(toValue('{"a":1}'), { a: 1 }, 'JSON is parsed')
t.equal(toValue('{"a":'), '{"a":', 'what is no JSON stays text')
t.strictSame(['null', '{"a":'].map(isJson), [true, false], 'JSON is told from other text')

t.equal(toLeadingObject('{"a": {"b": "}"}} and {}'), '{"a": {"b": "}"}}', 'an object ends with its brace')
t.equal(toLeadingObject('{"a": and more'), '{"a": and more', 'one that does not end is all of the text')

t.strictSame(findObjects('x {"a":1} y {b} {"c":{}}'), { objects: [{ a: 1 }, { c: {} }], rest: 'x  y {b} ' }, 'objects are taken out of a text')
t.strictSame(findObjects('none'), { objects: [], rest: 'none' })
