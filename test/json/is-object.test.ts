import t from 'tap'
import { isObject } from '../../src/json/is-object.ts'

t.test('an object is no list, no null and no plain value', t => {
  t.strictSame([{}, { a: 1 }, [], null, undefined, 'a', 1, true].map(isObject), [true, true, false, false, false, false, false, false])
  t.end()
})
