import { Type } from '@sinclair/typebox'
import { Ajv } from 'ajv'
import t from 'tap'
import { Content, Nullable, OneOf, OptionalOneOf, optionalString } from '../../../src/surfaces/anthropic/schema-parts.ts'

const block = Type.Object({ type: Type.Literal('text'), text: Type.String() })
const ajv = new Ajv({ discriminator: true, allowUnionTypes: true })
const accepts = (schema: object, value: unknown) => ajv.validate(schema, value)

t.test('null is as good as absent where it may be', t => {
  t.equal(accepts(Nullable(Type.Integer()), null), true)
  t.equal(accepts(Type.Object({ a: optionalString }), { a: null }), true)
  t.equal(accepts(Type.Object({ a: optionalString }), { a: 1 }), false)
  t.equal(accepts(Type.Object({ a: OptionalOneOf('type', [block]) }), { a: null }), true)
  t.end()
})

t.test('a union is told apart by one member', t => {
  t.equal(accepts(OneOf('type', [block]), { type: 'text', text: 'a' }), true)
  t.equal(accepts(OneOf('type', [block]), { type: 'image' }), false)
  t.match(ajv.errors, [{ keyword: 'discriminator', params: { tag: 'type', tagValue: 'image' } }])
  t.end()
})

t.test('content is a text or blocks', t => {
  for (const [value, isTaken] of [['a', true], [[{ type: 'text', text: 'a' }], true], [[1], false], [null, false]] as const) t.equal(accepts(Content(block), value), isTaken, JSON.stringify(value))
  t.end()
})
