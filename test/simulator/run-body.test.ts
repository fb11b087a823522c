import t from 'tap'
import { toFunction, toText } from '../../src/simulator/run-body.ts'

t.strictSame(toFunction({ name: 'f' }), { name: 'f' }, 'a flat tool is its function')
t.strictSame(toFunction({ type: 'function', function: { name: 'f' } }), { name: 'f' }, 'a wrapped tool holds it')

const cases = [
  { name: 'text is text', given: 'hi', expected: 'hi' },
  { name: 'null is nothing', given: null, expected: '' },
  { name: 'text parts are lines', given: [{ type: 'text', text: 'a' }, { type: 'image_url', image_url: { url: 'data:,' } }, { type: 'text', text: 'b' }], expected: 'a\nb' },
  { name: 'a part may stand alone', given: { type: 'text', text: 'a' }, expected: 'a' }
]
for (const { name, given, expected } of cases) t.equal(toText(given), expected, name)
