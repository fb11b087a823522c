import t from 'tap'
import { UpstreamError } from '../../src/errors.ts'
import { parseExactly, toDigits, toExactJsonText, toJsonText, toNumber } from '../../src/json/exact-json.ts'

t.test('JSON text is what was read', t => {
  t.equal(toJsonText({ a: [1, 'é'] }), '{"a":[1,"é"]}')
  t.equal(toJsonText('text'), '"text"')
  t.equal(toExactJsonText({ a: [1, 'é'] }), '{"a":[1,"é"]}')
  t.end()
})

t.test('what is too deep to be written is malformed', t => {
  const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))
  const error = new UpstreamError('Cloudflare sent JSON that is nested too deeply', { kind: 'malformed' })
  t.throws(() => toJsonText(deep), error)
  t.throws(() => toExactJsonText(deep), error)
  t.equal(parseExactly(`[1.0,${'['.repeat(100_000)}${']'.repeat(100_000)}]`), undefined, 'and read as before')
  t.end()
})

t.test('numbers that JavaScript would write otherwise keep their digits', t => {
  for (const digits of ['1.0', '1.10', '-0', '0.0', '12345678901234567890', '-9007199254740993', '1e5', '1E+2', '1e400', '0.0000001', '0.1234567890123456789']) {
    const read = parseExactly(`{"a":[${digits}],"b": ${digits} }`) as { b: unknown }
    t.equal(toExactJsonText(read), `{"a":[${digits}],"b":${digits}}`, digits)
    t.equal(toDigits(read.b), digits)
    t.equal(toNumber(read.b), Number(digits))
  }
  t.equal(toDigits(parseExactly('1.10')), '1.10', 'alone, too')
  t.equal(toDigits(1), undefined)
  t.equal(toNumber('1'), undefined)
  t.end()
})

t.test('nothing else is read twice', t => {
  for (const json of ['{"a":1,"b":[0.5,-3,1e-7,1e+21],"c":"x"}', '[]', '"1.0"', '{"a":"1.0"}']) t.equal(parseExactly(json), undefined, json)
  t.end()
})

t.test('it is read as it was before', t => {
  const cases = [
    { name: 'a member twice', json: '{"a":1,"a":2,"b":1.0}', expected: '{"a":2,"b":1.0}' },
    { name: 'the name of the prototype', json: '{"__proto__":1.0}', expected: '{"__proto__":1.0}' },
    { name: 'a number in a string', json: '{"a":"1, 1.0","b":2}', expected: '{"a":"1, 1.0","b":2}' },
    { name: 'escapes', json: '{"a":"\\u00e9\\ud83d\\n","b":1.0}', expected: '{"a":"é\\ud83d\\n","b":1.0}' }
  ]
  for (const { name, json, expected } of cases) t.equal(toExactJsonText(parseExactly(json)), expected, name)
  t.equal(Object.getPrototypeOf(parseExactly('{"__proto__":{"x":1.0}}')), Object.prototype)
  t.end()
})
