import t from 'tap'
import { toServedSchema, type Schema } from '../../src/json/served-schema.ts'

const options = { keepsId: false, reasonAgainst: (pattern: string) => pattern === 'bad' ? 'it is bad' : undefined }

t.test('a schema becomes one that can be checked', t => {
  const cases: Array<{ name: string, given: Schema, expected: Schema, unenforced?: string[] }> = [
    { name: 'what has nothing to change', given: { type: 'object', properties: { nullable: { type: 'string', pattern: 'a' } }, enum: [{ nullable: true, $async: true }] }, expected: { type: 'object', properties: { nullable: { type: 'string', pattern: 'a' } }, enum: [{ nullable: true, $async: true }] } },
    { name: 'its draft and what is Ajv\'s own', given: { $schema: 'x', $async: true, id: 'y', items: { $async: true, id: 'z' } }, expected: { items: {} } },
    { name: 'patterns', given: { items: [{ pattern: 'bad' }], anyOf: [{ pattern: 'a' }, { not: { pattern: 'bad' } }] }, expected: { items: [{}], anyOf: [{ pattern: 'a' }, { not: {} }] }, unenforced: ['it is bad'] },
    { name: 'patterns of names', given: { patternProperties: { bad: { type: 'string' }, a: {} }, additionalProperties: false, unevaluatedProperties: false }, expected: { patternProperties: { a: {} } }, unenforced: ['it is bad'] },
    { name: 'patterns of names that are all enforced', given: { patternProperties: { a: {} }, additionalProperties: false }, expected: { patternProperties: { a: {} }, additionalProperties: false } },
    { name: 'nullable', given: { $id: 'a', $ref: '#/$defs/a', nullable: true, $defs: {} }, expected: { $id: 'a', $defs: {}, anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] } },
    { name: 'nullable beside types', given: { type: ['string', 'null'], enum: ['a', null], nullable: true }, expected: { type: ['string', 'null'], enum: ['a', null] } },
    { name: 'no lists where maps belong', given: { properties: [1], items: true, patternProperties: 'x' }, expected: { properties: [1], items: true, patternProperties: 'x' } }
  ]
  for (const { name, given, expected, unenforced = [] } of cases) t.strictSame(toServedSchema(given, options), { schema: expected, unenforced }, name)
  t.strictSame(toServedSchema({ id: 'y' }, { ...options, keepsId: true }).schema, { id: 'y' })
  t.end()
})
