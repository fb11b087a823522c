import t from 'tap'
import type { Change } from '../../../src/generation/change.ts'
import { toSoundParameters } from '../../../src/workers-ai/request/tool-schema.ts'

type Schema = Record<string, unknown>

t.test('what schema writers leave behind is gone, at any depth', t => {
  const cases: Array<{ name: string, given: Schema, expected: Schema, changes?: string[] }> = [
    { name: 'what is sound', given: { type: 'object', properties: { a: { type: ['string', 'null'], enum: ['x', null], default: null } }, required: ['a'], additionalProperties: false }, expected: { type: 'object', properties: { a: { type: ['string', 'null'], enum: ['x', null], default: null } }, required: ['a'], additionalProperties: false } },
    { name: 'nulls', given: { type: 'object', properties: {}, required: null, description: null, additionalProperties: null, $defs: null }, expected: { type: 'object', properties: {} } },
    { name: 'properties of null and of an empty list', given: { properties: { a: { properties: null, type: 'object' }, b: { properties: [], type: 'object' } } }, expected: { properties: { a: { type: 'object' }, b: { properties: {}, type: 'object' } } } },
    { name: 'items of null and of an empty list', given: { properties: { a: { type: 'array', items: null }, b: { type: 'array', items: [] } } }, expected: { properties: { a: { type: 'array' }, b: { type: 'array' } } } },
    { name: 'empty choices', given: { properties: { a: { enum: [], anyOf: [], oneOf: null, allOf: [], type: '' } } }, expected: { properties: { a: {} } } },
    { name: 'in lists, choices and definitions', given: { anyOf: [{ required: null }], $defs: { A: { required: null, items: { properties: [] } } }, items: [{ required: null }] }, expected: { anyOf: [{}], $defs: { A: { items: { properties: {} } } }, items: [{}] } },
    { name: 'anything as a word', given: { properties: { a: true, b: null, c: false } }, expected: { properties: { a: {}, b: {}, c: false } } },
    { name: 'properties that bear the names of keywords', given: { properties: { required: { type: 'string' }, items: { type: 'null' }, properties: { type: 'object', properties: [] } } }, expected: { properties: { required: { type: 'string' }, items: { type: 'null' }, properties: { type: 'object', properties: {} } } } },
    { name: 'a required of draft-03', given: { properties: { a: { type: 'string', required: true }, b: { type: 'string', required: false } } }, expected: { properties: { a: { type: 'string' }, b: { type: 'string' } } }, changes: ['p.a.required dropped'] },
    { name: 'a list of properties', given: { properties: [{ name: 'a' }] }, expected: {}, changes: ['p.properties dropped'] },
    { name: 'a root reference', given: { $ref: '#/definitions/F', definitions: { F: { type: 'object', properties: { a: { $ref: '#/definitions/G' } } }, G: { type: 'string' } }, description: 'x' }, expected: { type: 'object', properties: { a: { $ref: '#/definitions/G' } }, definitions: { F: { type: 'object', properties: { a: { $ref: '#/definitions/G' } } }, G: { type: 'string' } }, description: 'x' } },
    { name: 'a root reference to a reference', given: { $ref: '#/$defs/a~1b', $defs: { 'a/b': { $ref: '#/$defs/F' }, F: { properties: {} } } }, expected: { properties: {}, $defs: { 'a/b': { $ref: '#/$defs/F' }, F: { properties: {} } } } },
    { name: 'a root reference to nothing', given: { $ref: '#/$defs/constructor', $defs: {} }, expected: { $ref: '#/$defs/constructor', $defs: {} } },
    { name: 'a root reference to elsewhere', given: { $ref: 'https://example.com/a' }, expected: { $ref: 'https://example.com/a' } }
  ]
  for (const { name, given, expected, changes = [] } of cases) {
    const told: Change[] = []
    t.strictSame(toSoundParameters(given, 'p', told), expected, name)
    t.strictSame(told.map(({ param, action }) => `${param} ${action}`), changes, `${name} (changes)`)
  }
  const loop = { $ref: '#/$defs/A', $defs: { A: { $ref: '#/$defs/A' } } }
  t.ok(toSoundParameters(loop, 'p', []), 'one that refers to itself ends')
  t.end()
})
