import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { checkSchema, countViolations, toViolations } from '../../src/translate/json-schema.ts'

t.test('what does not fit is told with its path', t => {
  const cases: Array<{ name: string, schema: Record<string, unknown>, given: unknown, expected: string[] }> = [
    { name: 'all fits', schema: { type: 'object', properties: { a: { type: 'integer' } } }, given: { a: 1 }, expected: [] },
    { name: 'another type', schema: { type: 'object', properties: { a: { type: 'integer' } } }, given: { a: '1' }, expected: ['/a must be integer'] },
    { name: 'the value itself', schema: { type: 'object' }, given: [], expected: ['/ must be object'] },
    { name: 'something missing', schema: { required: ['a'] }, given: {}, expected: ["/ must have required property 'a'"] },
    { name: 'something too much', schema: { properties: { a: {} }, additionalProperties: false }, given: { b: 1 }, expected: ["/ must NOT have additional properties ('b')"] },
    { name: 'another word', schema: { properties: { a: { enum: ['red', 'blue'] } } }, given: { a: 'green' }, expected: ['/a must be equal to one of the allowed values (["red","blue"])'] },
    { name: 'in a list, behind a reference', schema: { $defs: { A: { type: 'object', required: ['b'] } }, items: { $ref: '#/$defs/A' } }, given: [{ b: 1 }, {}], expected: ["/1 must have required property 'b'"] },
    { name: 'a format', schema: { type: 'string', format: 'date' }, given: 'today', expected: ['/ must match format "date"'] },
    { name: 'a format nobody knows', schema: { type: 'string', format: 'colour' }, given: 'red', expected: [] },
    { name: 'a pattern with Unicode classes', schema: { type: 'string', pattern: '^\\p{L}+$' }, given: 'Ö', expected: [] },
    { name: 'a pattern with escapes that JavaScript refuses', schema: { type: 'string', pattern: '^\\d\\-\\d$' }, given: '1-2', expected: [] },
    { name: 'keywords nobody knows', schema: { type: 'string', example: 'a', 'x-order': 1 }, given: 'a', expected: [] },
    { name: 'an older draft', schema: { $schema: 'http://json-schema.org/draft-07/schema#', definitions: { A: { type: 'string' } }, properties: { a: { $ref: '#/definitions/A' } } }, given: { a: 1 }, expected: ['/a must be string'] },
    { name: 'a schema with an address', schema: { $id: 'https://example.com/a', type: 'string' }, given: 1, expected: ['/ must be string'] },
    { name: 'another one with the same address', schema: { $id: 'https://example.com/a', type: 'number' }, given: '1', expected: ['/ must be number'] },
    { name: 'a verdict that is never a promise', schema: { $async: true, type: 'object', required: ['a'] }, given: {}, expected: ["/ must have required property 'a'"] }
  ]
  for (const { name, schema, given, expected } of cases) {
    t.strictSame(toViolations(schema, given), expected, name)
    t.equal(countViolations(schema, given), expected.length, `${name} (count)`)
  }
  t.end()
})

t.test('no more than five complaints are told, but all are counted', t => {
  const given = Array.from({ length: 9 }, () => 'x')
  t.equal(toViolations({ items: { type: 'number' } }, given).length, 5)
  t.equal(countViolations({ items: { type: 'number' } }, given), 9)
  t.end()
})

t.test('a schema that is none is refused', t => {
  const schemas: Array<Record<string, unknown>> = [{ type: 'any' }, { required: true }, { $ref: '#/$defs/none' }, { properties: [] }, { pattern: '(' }]
  for (const schema of schemas) {
    t.throws(() => checkSchema(schema), Error, JSON.stringify(schema))
    t.throws(() => toViolations(schema, {}), Error, `${JSON.stringify(schema)} (for a value)`)
  }
  t.throws(() => checkSchema({ $ref: '#' }), Error, 'and so is one that refers to itself without end')
  t.doesNotThrow(() => checkSchema({}))
  t.end()
})

t.test('a check that takes too long is broken off', t => {
  const slow = { type: 'string', pattern: '^(a+)+$' }
  const start = performance.now()
  t.strictSame(toViolations(slow, `${'a'.repeat(40)}!`), ['/ cannot be checked against the schema'])
  t.throws(() => countViolations(slow, `${'a'.repeat(40)}!`), { name: 'TooLongError' })
  t.ok(performance.now() - start < 15_000, 'which is not years')
  t.strictSame(toViolations(slow, 'aaa'), [], 'and nothing is the worse for it')
  t.end()
})

t.test('only so many compiled schemas are kept, those that were used last', t => {
  const compile = t.capture(Ajv2020.prototype, 'compile', Ajv2020.prototype.compile)
  const schema = (n: number) => ({ type: 'object', title: `kept ${n}` })
  const compiled = (one: Record<string, unknown>): boolean => {
    toViolations(one, {})
    return compile().length > 0
  }
  t.equal(compiled(schema(0)), true, 'a new one is compiled')
  t.equal(compiled({ ...schema(0) }), false, 'the same text is not compiled again')
  for (let n = 1; n < 200; n++) compiled(schema(n))
  t.equal(compiled(schema(0)), false, 'among 200 it is still there')
  compiled(schema(200))
  t.equal(compiled(schema(0)), false, 'and when one more comes, because it was used')
  t.equal(compiled(schema(1)), true, 'but not the one that was not')
  const long = { description: 'x'.repeat(70_000) }
  t.equal(compiled(long) && compiled(long), true, 'a very long one is compiled each time')
  t.end()
})

t.test('a check that takes too long is broken off', t => {
  const pattern = { type: 'string', pattern: '^(([a-z])+.)+[A-Z]([a-z])+$' }
  const levels = Array.from({ length: 60 }, (_, level) => [`l${level}`, { allOf: [{ $ref: `#/$defs/l${level + 1}` }, { $ref: `#/$defs/l${level + 1}` }] }])
  const doubling = { $defs: { ...Object.fromEntries(levels), l60: { type: 'string' } }, $ref: '#/$defs/l0' }
  for (const [schema, value] of [[pattern, 'a'.repeat(60)], [doubling, 'a']] as const) {
    t.strictSame(toViolations(schema, value), ['/ cannot be checked against the schema'])
    t.throws(() => countViolations(schema, value), { name: 'TooLongError' })
  }
  t.throws(() => checkSchema(doubling), { name: 'TooLongError' })
  t.doesNotThrow(() => checkSchema(pattern), 'it depends on the value')
  const nested = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000))
  t.strictSame(toViolations({ $defs: { list: { items: { $ref: '#/$defs/list' } } }, $ref: '#/$defs/list' }, nested), ['/ cannot be checked against the schema'], 'nor is what is too deep')
  t.end()
})
