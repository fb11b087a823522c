import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { newWorkBudget, type WorkBudget } from '../../src/json/work-budget.ts'
import { countViolations as count, isRead, loadCheckers, readSchema, toViolations as tell } from '../../src/json/json-schema.ts'

await loadCheckers()

type Schema = Record<string, unknown>

function toViolations (schema: Schema, value: unknown, workBudget: WorkBudget = newWorkBudget()): string[] {
  return tell(schema, value, workBudget)
}

function countViolations (schema: Schema, value: unknown): number {
  return count(schema, value, newWorkBudget())
}

function unenforced (schema: Schema): readonly string[] {
  return readSchema(schema, newWorkBudget())
}

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
    { name: 'a number of decimals', schema: { properties: { a: { multipleOf: 0.01 } } }, given: { a: 19.99 }, expected: [] },
    { name: 'a number of more decimals', schema: { properties: { a: { multipleOf: 0.01 } } }, given: { a: 19.995 }, expected: ['/a must be multiple of 0.01'] },
    { name: 'a large number of small steps', schema: { multipleOf: 0.01 }, given: 1_000_000_000.01, expected: [] },
    { name: 'a huge number', schema: { multipleOf: 1e-7 }, given: 1e300, expected: [] },
    { name: 'a number beyond all numbers', schema: { multipleOf: 3 }, given: Infinity, expected: [] },
    { name: 'items that are the same in another order', schema: { uniqueItems: true }, given: [{ a: 1, b: [2] }, { b: [2], a: 1 }], expected: ['/ must NOT have duplicate items'] },
    { name: 'items that only look the same', schema: { uniqueItems: true }, given: [1, '1', [1], { a: 1 }, true, null], expected: [] },
    { name: 'items that may be the same', schema: { uniqueItems: false }, given: [1, 1], expected: [] },
    { name: 'a format nobody knows', schema: { type: 'string', format: 'colour' }, given: 'red', expected: [] },
    { name: 'a pattern with Unicode classes', schema: { type: 'string', pattern: '^\\p{L}+$' }, given: 'Ö', expected: [] },
    { name: 'a pattern with escapes that JavaScript refuses', schema: { type: 'string', pattern: '^\\d\\-\\d$' }, given: '1-2', expected: [] },
    { name: 'keywords nobody knows', schema: { type: 'string', example: 'a', 'x-order': 1 }, given: 'a', expected: [] },
    { name: 'an older draft', schema: { $schema: 'http://json-schema.org/draft-07/schema#', definitions: { A: { type: 'string' } }, properties: { a: { $ref: '#/definitions/A' } } }, given: { a: 1 }, expected: ['/a must be string'] },
    { name: 'a schema with an address', schema: { $id: 'https://example.com/a', type: 'string' }, given: 1, expected: ['/ must be string'] },
    { name: 'another one with the same address', schema: { $id: 'https://example.com/a', type: 'number' }, given: '1', expected: ['/ must be number'] },
    { name: 'a verdict that is no promise further down', schema: { properties: { a: { $async: true, type: 'string' } } }, given: { a: 1 }, expected: ['/a must be string'] },
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
  const schemas: Schema[] = [{ type: 'any' }, { required: true }, { $ref: '#/$defs/none' }, { properties: [] }, { $schema: 'http://json-schema.org/draft-07/schema#', exclusiveMinimum: true }]
  for (const schema of schemas) {
    t.throws(() => unenforced(schema), { name: 'InvalidSchemaError' }, JSON.stringify(schema))
    t.throws(() => toViolations(schema, {}), { name: 'UncheckedError' }, `${JSON.stringify(schema)} (for a value)`)
  }
  t.strictSame(unenforced({}), [])
  t.end()
})

t.test('a schema is read by the draft it names, and by the first that takes it where it names none', t => {
  const cases: Array<{ name: string, schema: Schema, fits: unknown, fitsNot: unknown }> = [
    { name: 'draft-04', schema: { $schema: 'http://json-schema.org/draft-04/schema#', properties: { a: { minimum: 0, exclusiveMinimum: true } } }, fits: { a: 1 }, fitsNot: { a: 0 } },
    { name: 'draft-04 with its addresses', schema: { $schema: 'http://json-schema.org/draft-04/schema', id: 'https://example.com/a', definitions: { A: { id: '#a', type: 'string' } }, properties: { a: { $ref: '#a' } } }, fits: { a: 'x' }, fitsNot: { a: 0 } },
    { name: 'draft-06', schema: { $schema: 'http://json-schema.org/draft-06/schema#', properties: { a: { const: 1 } } }, fits: { a: 1 }, fitsNot: { a: 2 } },
    { name: 'draft-07', schema: { $schema: 'http://json-schema.org/draft-07/schema#', properties: { a: { items: [{ type: 'string' }], additionalItems: false } } }, fits: { a: ['x'] }, fitsNot: { a: ['x', 'y'] } },
    { name: '2019-09', schema: { $schema: 'https://json-schema.org/draft/2019-09/schema', $recursiveAnchor: true, properties: { a: { $recursiveRef: '#' } }, unevaluatedProperties: false }, fits: { a: { a: {} } }, fitsNot: { a: { b: 1 } } },
    { name: '2020-12', schema: { $schema: 'https://json-schema.org/draft/2020-12/schema', properties: { a: { prefixItems: [{ type: 'string' }], items: false } } }, fits: { a: ['x'] }, fitsNot: { a: ['x', 'y'] } },
    { name: 'no draft, a tuple of 2020-12', schema: { prefixItems: [{ type: 'string' }], items: { type: 'number' } }, fits: ['x', 1], fitsNot: ['x', 'y'] },
    { name: 'no draft, a tuple of draft-07', schema: { properties: { a: { items: [{ type: 'string' }] } } }, fits: { a: ['x'] }, fitsNot: { a: [1] } },
    { name: 'no draft, a bound of draft-04 and OpenAPI 3.0', schema: { properties: { a: { minimum: 0, exclusiveMinimum: true } } }, fits: { a: 1 }, fitsNot: { a: 0 } },
    { name: 'an address nobody knows', schema: { $schema: 'https://spec.openapis.org/oas/3.1/dialect/base', type: 'string' }, fits: 'x', fitsNot: 1 },
    { name: 'an id that is none any more', schema: { id: 'order', type: 'string' }, fits: 'x', fitsNot: 1 }
  ]
  for (const { name, schema, fits, fitsNot } of cases) {
    t.strictSame(toViolations(schema, fits), [], name)
    t.not(toViolations(schema, fitsNot).length, 0, `${name} (what does not fit)`)
  }
  t.end()
})

t.test('OpenAPI\'s nullable is read wherever it stands', t => {
  const cases: Array<{ name: string, schema: Schema }> = [
    { name: 'beside a type', schema: { type: 'string', nullable: true } },
    { name: 'beside an enum', schema: { type: 'string', enum: ['x'], nullable: true } },
    { name: 'beside a reference', schema: { $ref: '#/$defs/A', nullable: true } },
    { name: 'beside allOf', schema: { allOf: [{ type: 'string' }], nullable: true } },
    { name: 'beside anyOf', schema: { anyOf: [{ type: 'string' }], nullable: true } },
    { name: 'beside oneOf', schema: { oneOf: [{ type: 'string' }], nullable: true } },
    { name: 'beside a constant', schema: { const: 'x', nullable: true } },
    { name: 'alone with an enum', schema: { enum: ['x'], nullable: true } },
    { name: 'behind a reference', schema: { $ref: '#/$defs/B' } }
  ]
  for (const { name, schema } of cases) {
    const whole = { $defs: { A: { type: 'string' }, B: { type: 'string', nullable: true } }, properties: { a: schema } }
    t.strictSame(toViolations(whole, { a: null }), [], `${name}: null`)
    t.strictSame(toViolations(whole, { a: 'x' }), [], `${name}: a value`)
    t.not(toViolations(whole, { a: 1 }).length, 0, `${name}: something else`)
  }
  t.not(toViolations({ properties: { a: { type: 'string', nullable: false } } }, { a: null }).length, 0)
  t.end()
})

t.test('patterns that cannot be read are not enforced, which is told', t => {
  const cases: Array<{ name: string, schema: Schema, given: unknown, reasons: RegExp[] }> = [
    { name: 'another language', schema: { properties: { a: { pattern: '\\A[a-z]+\\z' }, b: { pattern: '(?i)^x$' } } }, given: { a: '1', b: '1' }, reasons: [/escape/, /group of another language/] },
    { name: 'the same reason twice', schema: { properties: { a: { pattern: '(?=x)' }, b: { pattern: '(?!x)' } } }, given: { a: '', b: '' }, reasons: [/looks around/] },
    { name: 'what no language reads', schema: { pattern: '(' }, given: '', reasons: [/not closed/] },
    { name: 'names', schema: { patternProperties: { '(?i)x': { type: 'string' }, '^y': { type: 'string' } }, additionalProperties: false }, given: { x: 1, z: 1 }, reasons: [/group of another language/] },
    { name: 'a name that is a keyword', schema: { properties: { pattern: { type: 'string' } }, required: ['pattern'], enum: [{ pattern: '(' }] }, given: { pattern: '(' }, reasons: [] },
    { name: 'names of names', schema: { propertyNames: { pattern: 'a\\Z' } }, given: { x: 1 }, reasons: [/escape/] },
    { name: 'one so long that it would take for ever to compile', schema: { pattern: `${'('.repeat(1_200)}a${')*'.repeat(1_200)}` }, given: '', reasons: [/nested too deeply/] },
    { name: 'one of 27 KB', schema: { pattern: '(a)'.repeat(9_000) }, given: '', reasons: [/too long/] }
  ]
  for (const { name, schema, given, reasons } of cases) {
    const told = unenforced(schema)
    t.equal(told.length, reasons.length, name)
    for (const [index, reason] of reasons.entries()) t.match(told[index], reason, name)
    t.strictSame(toViolations(schema, given), [], `${name} (checked)`)
  }
  t.strictSame(toViolations({ patternProperties: { '(?i)x': {}, '^y': { type: 'string' } } }, { y1: 1 }), ['/y1 must be string'], 'the others are enforced')
  t.end()
})

t.test('a check that would take too long is given up', t => {
  const levels = Array.from({ length: 60 }, (_, level) => [`l${level}`, { allOf: [{ $ref: `#/$defs/l${level + 1}` }, { $ref: `#/$defs/l${level + 1}` }] }])
  const branches = Array.from({ length: 60 }, (_, level) => [`l${level}`, { anyOf: [{ allOf: [{ $ref: `#/$defs/l${level + 1}` }, false] }, { $ref: `#/$defs/l${level + 1}` }] }])
  const nested = JSON.parse('['.repeat(50_000) + ']'.repeat(50_000))
  const cases: Array<{ name: string, schema: Schema, given: unknown }> = [
    { name: 'allOf that doubles', schema: { $defs: { ...Object.fromEntries(levels), l60: { type: 'string' } }, $ref: '#/$defs/l0' }, given: 'a' },
    { name: 'anyOf that doubles', schema: { $defs: { ...Object.fromEntries(branches), l60: { type: 'number' } }, $ref: '#/$defs/l0' }, given: 'a' },
    { name: 'a value that doubles with each level', schema: { $defs: { n: { allOf: [{ properties: { a: { $ref: '#/$defs/n' } } }, { properties: { a: { $ref: '#/$defs/n' } } }] } }, $ref: '#/$defs/n' }, given: JSON.parse(`${'{"a":'.repeat(150)}1${'}'.repeat(150)}`) },
    { name: 'a schema that refers to itself without end', schema: { $ref: '#' }, given: {} },
    { name: 'what is too deep', schema: { $defs: { list: { items: { $ref: '#/$defs/list' } } }, $ref: '#/$defs/list' }, given: nested },
    { name: 'what is missing everywhere', schema: { items: { required: Array.from({ length: 900 }, (_, n) => `n${n}`) } }, given: Array.from({ length: 10_000 }, () => ({})) },
    { name: 'a long list of one type', schema: { items: { type: 'string' } }, given: Array.from({ length: 100_000 }, () => 1) },
    { name: 'many names and many patterns', schema: { patternProperties: Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`^(a+)+${n}$`, {}])) }, given: Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`aaaa${n}`, 1])) },
    { name: 'a long text and a long pattern', schema: { pattern: '(a?){300}a{300}' }, given: 'a'.repeat(2_000) },
    { name: 'a large enum and many items', schema: { items: { enum: Array.from({ length: 5_000 }, (_, n) => `word ${n}`) } }, given: Array.from({ length: 1_000 }, () => 'word') },
    { name: 'a long list of different things', schema: { uniqueItems: true }, given: Array.from({ length: 200_000 }, (_, n) => n) }
  ]
  for (const { name, schema, given } of cases) {
    unenforced(schema)
    const start = performance.now()
    t.throws(() => toViolations(schema, given), { name: 'UncheckedError', message: /cannot be checked/ }, name)
    t.throws(() => countViolations(schema, given), { name: 'UncheckedError' }, name)
    t.ok(performance.now() - start < 2_000, `${name}, which takes ${Math.round(performance.now() - start)} ms`)
  }
  t.strictSame(toViolations({ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(4_000)}!`), ['/ must match pattern "^(a+)+$"'], 'a pattern that other engines never end is checked')
  const spent = newWorkBudget()
  for (let n = 0; n < 20; n++) {
    try { toViolations({ pattern: '^(?:[a-z]{1,20}){1,5}$' }, 'a'.repeat(100), spent) } catch {}
  }
  t.throws(() => toViolations({ pattern: '^[a-z]{1,100}$' }, 'a'.repeat(100), spent), { name: 'UncheckedError' }, 'one request has its share')
  t.strictSame(toViolations({ pattern: '^[a-z]{1,100}$' }, 'a'.repeat(100)), [], 'and each its own')
  t.end()
})

t.test('a schema that is too large or too entangled is not compiled', t => {
  const property = { type: 'string', description: 'a thing' }
  const some = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, index) => [`p${index}`, property]))
  const refs = Array.from({ length: 300 }, (_, n) => ({ $ref: `#/$defs/%${(0x61).toString(16)}${'/properties/p'.repeat(n % 2)}${n % 2 ? n : ''}` }))
  const cases: Array<{ name: string, schema: Schema }> = [
    { name: 'many properties', schema: { properties: some(1_500) } },
    { name: 'a million schemas', schema: { allOf: Array.from({ length: 1_000_000 }, () => ({})) } },
    { name: 'megabytes of text', schema: { description: 'x'.repeat(6_400_000) } },
    { name: 'long names', schema: { properties: { ['x'.repeat(200_000)]: {} } } },
    { name: 'more than is compiled for one request', schema: { properties: Object.fromEntries(Array.from({ length: 800 }, (_, index) => [`p${index}`, { type: 'string', minLength: 1, maxLength: 9, pattern: '^a' }])) } }
  ]
  for (const { name, schema } of cases) {
    const start = performance.now()
    t.throws(() => unenforced(schema), { name: 'UncheckedError', message: /^the schema / }, name)
    t.throws(() => toViolations(schema, {}), { name: 'UncheckedError' }, `${name} (for a value)`)
    t.ok(performance.now() - start < 2_000, name)
  }
  const start = performance.now()
  try { unenforced({ $defs: { a: { properties: some(400) } }, allOf: refs }) } catch {}
  t.ok(performance.now() - start < 2_000, 'references in many spellings are not compiled once for each')
  t.equal(isRead({ properties: some(1_501) }), true, 'nobody has to wait to hear that it is too large')
  t.equal(isRead({ title: 'never seen' }), false)
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
  const long = () => ({ description: 'x'.repeat(70_000) })
  t.equal(compiled(long()) && compiled(long()), true, 'a very long one is compiled each time')
  t.end()
})
