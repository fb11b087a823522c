import t from 'tap'
import { toSample, type JsonSchema } from '../../src/simulator/json-schema-sample.ts'

interface Case {
  name: string
  given: JsonSchema
  words?: string[]
  expected: unknown
}

const cases: Case[] = [
  {
    name: 'an object has all its properties, required or not',
    given: { type: 'object', properties: { a: { type: 'string' }, b: { type: 'integer' }, c: { type: 'boolean' }, d: { type: 'null' } }, required: ['a'] },
    expected: { a: 'a', b: 1, c: true, d: null }
  },
  { name: 'objects nest', given: { type: 'object', properties: { a: { type: 'object', properties: { b: { type: 'number' } } } } }, expected: { a: { b: 1 } } },
  { name: 'properties mean an object', given: { properties: { a: {} } }, expected: { a: 'a' } },
  { name: 'a property may be called __proto__', given: JSON.parse('{"properties":{"__proto__":{"const":1}}}'), expected: JSON.parse('{"__proto__":1}') },
  { name: 'an enum says its first value', given: { enum: [3, 4] }, expected: 3 },
  { name: 'a const says itself', given: { const: 'x' }, expected: 'x' },
  { name: 'a list has one item', given: { type: 'array', items: { enum: ['x'] } }, expected: ['x'] },
  { name: 'or as many as it must', given: { type: 'array', items: { enum: ['x'] }, minItems: 3 }, expected: ['x', 'x', 'x'] },
  { name: 'or none if it may not', given: { type: 'array', items: {}, maxItems: 0 }, expected: [] },
  { name: 'a tuple has its items', given: { type: 'array', prefixItems: [{ const: 1 }, { const: 2 }] }, expected: [1, 2] },
  { name: 'the first of anyOf', given: { anyOf: [{ const: 1 }, { const: 2 }] }, expected: 1 },
  { name: 'the first of oneOf', given: { oneOf: [{ const: 1 }, { const: 2 }] }, expected: 1 },
  { name: 'all of allOf', given: { allOf: [{ properties: { a: { const: 1 } } }, { properties: { b: { const: 2 } } }] }, expected: { a: 1, b: 2 } },
  { name: 'a reference', given: { type: 'object', properties: { a: { $ref: '#/$defs/n~1m' } }, $defs: { 'n/m': { const: 7 } } } as JsonSchema, expected: { a: 7 } },
  { name: 'a type that may be null is not', given: { type: ['null', 'string'] }, expected: 'value' },
  { name: 'a minimum', given: { type: 'integer', minimum: 5 }, expected: 5 },
  { name: 'a fraction as the minimum of whole numbers', given: { type: 'integer', minimum: 4.5 }, expected: 5 },
  { name: 'a maximum below one', given: { type: 'integer', maximum: -3 }, expected: -3 },
  { name: 'an open interval', given: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 }, expected: 0.5 },
  { name: 'an open end of whole numbers', given: { type: 'integer', exclusiveMinimum: 1 }, expected: 2 },
  { name: 'a multiple', given: { type: 'integer', minimum: 11, multipleOf: 5 }, expected: 15 },
  { name: 'lengths', given: { properties: { long: { minLength: 6 }, short: { maxLength: 2 } } }, expected: { long: 'long..', short: 'sh' } },
  { name: 'formats', given: { properties: { a: { format: 'date' }, b: { format: 'email' } } }, expected: { a: '2025-01-01', b: 'someone@example.com' } },
  { name: 'an example in a description', given: { properties: { a: { description: 'The city and state, e.g. San Francisco, CA' } } }, expected: { a: 'San Francisco, CA' } },
  { name: 'words are used up one by one', given: { properties: { a: {}, b: {}, c: {} } }, words: ['Paris', 'Rome'], expected: { a: 'Paris', b: 'Rome', c: 'c' } },
  { name: 'an empty schema allows a string', given: {}, expected: 'value' }
]
for (const { name, given, words, expected } of cases) t.strictSame(toSample(given, words), expected, name)

t.test('a schema that contains itself comes to an end', async t => {
  const tree = { type: 'object', properties: { next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } }, required: ['next'] }
  t.strictSame(toSample(tree), { next: { next: { next: null } } })
  const endless = toSample({ type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] })
  t.ok(JSON.stringify(endless).length < 500, 'even when it allows no end')
})

t.test('a schema of the wrong types is no reason to fail', async t => {
  for (const odd of [{ enum: 'x' }, { type: 5 }, { properties: 'ab' }, { anyOf: [null] }, { allOf: [null] }, { required: 1, properties: {} }, { $ref: '#/constructor' }, { format: 'constructor' }, { minItems: 1e9, type: 'array' }]) {
    t.doesNotThrow(() => toSample(odd as unknown as JsonSchema), `${JSON.stringify(odd)} is taken for something`)
  }
})
