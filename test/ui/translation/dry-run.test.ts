import t from 'tap'
import { parseExactly, toValueText } from '../../../src/ui/translation/dry-run.ts'

t.equal(toValueText(undefined), '')
t.equal(toValueText('text'), 'text')
t.equal(toValueText(null), 'null')
t.equal(toValueText({ a: [1] }), '{"a":[1]}')
t.equal(toValueText('x'.repeat(300)).length, 201)

const canKeepDigits = 'rawJSON' in JSON
t.test('large integers keep their digits', { skip: canKeepDigits ? false : 'this version of Node does not tell the source of numbers' }, t => {
  t.equal(JSON.stringify(parseExactly('{"a":12345678901234567890,"b":1.5,"c":[1]}')), '{"a":12345678901234567890,"b":1.5,"c":[1]}')
  t.end()
})
t.strictSame(parseExactly('{"a":1.5,"b":[2,"x",null]}'), { a: 1.5, b: [2, 'x', null] })
