import t from 'tap'
import type { JsonSchema } from '../../../src/simulator/answers/json-schema.ts'
import { toSample } from '../../../src/simulator/answers/json-schema-sample.ts'
import { toTextValues } from '../../../src/simulator/answers/text-values.ts'

interface Case {
  name: string
  given: JsonSchema
  /** What was asked. */
  text?: string
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
  { name: 'names in the text are used up one by one', given: { properties: { a: {}, b: {}, c: {} } }, text: 'from Paris to Rome', expected: { a: 'Paris', b: 'Rome', c: 'c' } },
  { name: 'an empty schema allows a string', given: {}, expected: 'value' }
]
for (const { name, given, text = '', expected } of cases) t.strictSame(toSample(given, 'arguments', toTextValues(text)).value, expected, name)

const text = { type: 'string' }
const number = { type: 'number' }
const integer = { type: 'integer' }
const fromText: Case[] = [
  { name: 'numbers in their order', given: { properties: { a: integer, b: integer } }, text: 'What is the sum of 1836281973 and 19973286?', expected: { a: 1836281973, b: 19973286 } },
  { name: 'a number that fits its range', given: { properties: { hour: { type: 'integer', maximum: 24 } } }, text: 'Wake 31 people at 7', expected: { hour: 7 } },
  { name: 'a whole number where one is wanted', given: { properties: { a: integer, b: number } }, text: '2.5 or 4', expected: { a: 4, b: 2.5 } },
  { name: 'a quoted string before a name', given: { properties: { title: text } }, text: 'Play "Foggy Day" by Frank Sinatra', expected: { title: 'Foggy Day' } },
  { name: 'the enum value that occurs', given: { properties: { unit: { enum: ['celsius', 'fahrenheit'] } } }, text: 'in Fahrenheit, please', expected: { unit: 'fahrenheit' } },
  { name: 'no part of a word', given: { properties: { unit: { enum: ['c', 'f'] } } }, text: 'for you', expected: { unit: 'c' } },
  { name: 'labels', given: { properties: { service_name: text, maxItems: integer, mode: { enum: ['a', 'b'] } } }, text: 'Service name: MyService\nmax items = 7, mode: b', expected: { service_name: 'MyService', maxItems: 7, mode: 'b' } },
  { name: 'an object in the text', given: { properties: { city: text, days: integer } }, text: 'Use {"city": "Oslo", "days": 3}', expected: { city: 'Oslo', days: 3 } },
  { name: 'an object of any members', given: { properties: { parameters: { type: 'object' } } }, text: 'Parameters: {"p": 1}', expected: { parameters: { p: 1 } } },
  { name: 'none where there is none', given: { properties: { parameters: { type: 'object' } } }, expected: { parameters: {} } },
  { name: 'an address, a link and a date', given: { properties: { email: text, url: text, date: text, when: { type: 'string', format: 'date' } } }, text: 'Tell ada@example.org of https://example.org/a, 2026-02-03', expected: { email: 'ada@example.org', url: 'https://example.org/a', date: '2026-02-03', when: '2026-02-03' } },
  { name: 'an expression', given: { properties: { expression: text } }, text: 'What is 2+2? Compute it.', expected: { expression: '2+2' } },
  { name: 'an expression by its description', given: { properties: { sum: { type: 'string', description: 'A mathematical term' } } }, text: 'Take (3 + 4) * 2.', expected: { sum: '(3 + 4) * 2' } },
  { name: 'the question itself', given: { properties: { query: text } }, text: 'find cats', expected: { query: 'find cats' } },
  { name: 'all there are for a list', given: { properties: { numbers: { type: 'array', items: number } } }, text: 'Add 1, 2 and 3', expected: { numbers: [1, 2, 3] } },
  { name: 'no word in capitals', given: { properties: { city: text } }, text: 'You must ALWAYS call the API', expected: { city: 'city' } }
]
for (const { name, given, text = '', expected } of fromText) t.strictSame(toSample(given, 'arguments', toTextValues(text)).value, expected, name)

const answers: Case[] = [
  { name: 'four items of a list without bounds', given: { type: 'array', items: text }, expected: ['value 1', 'value 2', 'value 3', 'value 4'] },
  { name: 'three objects, with numbers in their texts', given: { type: 'array', items: { properties: { name: text, quantity: number } } }, expected: [{ name: 'name 1', quantity: 2 }, { name: 'name 2', quantity: 2 }, { name: 'name 3', quantity: 2 }] },
  { name: 'fewer inside a list', given: { type: 'array', maxItems: 1, items: { properties: { tags: { type: 'array', items: text } } } }, expected: [{ tags: ['tags 1', 'tags 2'] }] },
  { name: 'as many as there must be', given: { type: 'array', items: { properties: {} }, minItems: 5 }, expected: [{}, {}, {}, {}, {}] },
  { name: 'other values of an enum', given: { type: 'array', items: { enum: ['x', 'y'] } }, expected: ['x', 'y', 'x', 'y'] },
  { name: 'each once where they are unique', given: { type: 'array', items: { enum: ['x', 'y'] }, uniqueItems: true }, expected: ['x', 'y'] },
  { name: 'a sentence for a described text', given: { properties: { summary: { type: 'string', description: 'A 2-3 sentence overview of the main points.' } } }, expected: { summary: 'Simulated summary: a 2-3 sentence overview of the main points.' } },
  { name: 'an example all the same', given: { properties: { city: { type: 'string', description: 'A city, e.g. Oslo' } } }, expected: { city: 'Oslo' } },
  { name: 'numbers people expect', given: { properties: { age: integer, readingMinutes: integer, price: number, priceInCents: integer } }, expected: { age: 36, readingMinutes: 5, price: 19.99, priceInCents: 1 } },
  { name: 'unless they are out of range', given: { properties: { age: { type: 'integer', maximum: 10 } } }, expected: { age: 1 } },
  { name: 'addresses people expect', given: { properties: { email: text, phone: text, home_address: text, websiteUrl: text, zip: text, birthDate: text } }, expected: { email: 'someone@example.com', phone: '+1 202 555 0123', home_address: '1 Example Street, Springfield', websiteUrl: 'https://example.com/', zip: '12345', birthDate: '2025-01-01' } }
]
for (const { name, given, text = '', expected } of answers) t.strictSame(toSample(given, 'answer', toTextValues(text)).value, expected, `in an answer: ${name}`)

t.test('whether the text had all that is needed is told', async t => {
  const schema = { properties: { city: text, days: integer, note: text }, required: ['city', 'days'] }
  t.equal(toSample(schema, 'arguments', toTextValues('the weather in Oslo for 3 days')).isFromText, true)
  t.equal(toSample(schema, 'arguments', toTextValues('the weather in Oslo')).isFromText, false)
  t.equal(toSample({ properties: { unit: { enum: ['a'] } }, required: ['unit'] }, 'arguments').isFromText, true, 'a choice can always be made')
})

t.test('a schema that contains itself comes to an end', async t => {
  const tree = { type: 'object', properties: { next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } }, required: ['next'] }
  t.strictSame(toSample(tree, 'answer').value, { next: { next: { next: null } } })
  const endless = toSample({ type: 'object', properties: { next: { $ref: '#' } }, required: ['next'] }, 'answer').value
  t.ok(JSON.stringify(endless).length < 500, 'even when it allows no end')
})

t.test('a schema of the wrong types is no reason to fail', async t => {
  for (const odd of [{ enum: 'x' }, { type: 5 }, { properties: 'ab' }, { anyOf: [null] }, { allOf: [null] }, { required: 1, properties: {} }, { $ref: '#/constructor' }, { format: 'constructor' }, { minItems: 1e9, type: 'array' }]) {
    t.doesNotThrow(() => toSample(odd as unknown as JsonSchema, 'answer'), `${JSON.stringify(odd)} is taken for something`)
  }
})
