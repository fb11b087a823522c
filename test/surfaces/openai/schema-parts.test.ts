import { Type } from '@sinclair/typebox'
import { Ajv } from 'ajv'
import t from 'tap'
import { Nullable, optionalBoolean, optionalInteger, optionalNumber, optionalObject, optionalString, stop, streamOptions } from '../../../src/surfaces/openai/schema-parts.ts'

const ajv = new Ajv({ allowUnionTypes: true })
const isTaken = ajv.compile(Type.Object({
  number: optionalNumber(0, 2),
  integer: optionalInteger(1),
  limited: optionalInteger(0, 5),
  boolean: optionalBoolean,
  string: optionalString,
  object: optionalObject,
  stop,
  streamOptions,
  list: Type.Optional(Nullable(Type.Array(Type.String())))
}))

const cases: Array<{ name: string, given: object, expected: boolean }> = [
  { name: 'nothing', given: {}, expected: true },
  { name: 'null, which means the same', given: { number: null, integer: null, limited: null, boolean: null, string: null, object: null, stop: null, streamOptions: null, list: null }, expected: true },
  { name: 'both ends of a range', given: { number: 2, limited: 5, integer: 1 }, expected: true },
  { name: 'beyond the lower end', given: { number: -0.1 }, expected: false },
  { name: 'beyond the upper end', given: { limited: 6 }, expected: false },
  { name: 'a fraction where a whole number is asked for', given: { integer: 1.5 }, expected: false },
  { name: 'one stop sequence', given: { stop: 'a' }, expected: true },
  { name: 'four of them', given: { stop: ['a', 'b', 'c', 'd'] }, expected: true },
  { name: 'five of them', given: { stop: ['a', 'b', 'c', 'd', 'e'] }, expected: false },
  { name: 'options of a stream', given: { streamOptions: { include_usage: null, include_obfuscation: true } }, expected: true },
  { name: 'a word for a yes', given: { boolean: 'true' }, expected: false },
  { name: 'a list of something else', given: { list: [1] }, expected: false }
]
for (const { name, given, expected } of cases) t.equal(isTaken(given), expected, name)
