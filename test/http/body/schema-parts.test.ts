import { Ajv } from 'ajv'
import t from 'tap'
import { inParts } from '../../../src/http/body/schema-parts.ts'
import { MessagesRequest } from '../../../src/surfaces/anthropic/messages/request.ts'
import { ChatCompletionRequest } from '../../../src/surfaces/openai/chat-completions/request.ts'
import { ResponseRequest } from '../../../src/surfaces/openai/responses/request.ts'

const text = { properties: { type: { const: 'text' }, text: { type: 'string' } }, required: ['type', 'text'] }
const image = { properties: { type: { const: 'image' } }, required: ['type'] }
const part = { type: 'object', discriminator: { propertyName: 'type' }, required: ['type'], oneOf: [text, image] }
const schema = {
  type: 'object',
  required: ['parts'],
  properties: {
    parts: { type: 'array', items: part },
    others: { type: ['array', 'null'], items: part },
    words: { type: 'array', items: { type: 'string' } },
    choice: { anyOf: [{ type: 'null' }, image] },
    enum: { enum: [{ properties: 1, oneOf: [] }] },
    tool: { allOf: [{ if: { type: 'object' }, then: image }, { if: { type: 'string' }, then: { maxLength: 3 } }] }
  }
}

t.test('alternatives, consequences and items are definitions, each once', t => {
  t.strictSame(inParts(schema), {
    type: 'object',
    required: ['parts'],
    properties: {
      parts: { type: 'array', items: { $ref: '#/$defs/part0' } },
      others: { type: ['array', 'null'], items: { $ref: '#/$defs/part0' } },
      words: { type: 'array', items: { type: 'string' } },
      choice: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/part2' }] },
      enum: { enum: [{ properties: 1, oneOf: [] }] },
      tool: { allOf: [{ if: { type: 'object' }, then: { $ref: '#/$defs/part2' } }, { if: { type: 'string' }, then: { maxLength: 3 } }] }
    },
    $defs: { part0: { ...part, oneOf: [{ $ref: '#/$defs/part1' }, { $ref: '#/$defs/part2' }] }, part1: text, part2: image }
  })
  t.end()
})

t.test('it takes and refuses the same, and the first error, which is all that is told, is the same', t => {
  const whole = new Ajv({ discriminator: true, allowUnionTypes: true }).compile(schema)
  const parted = new Ajv({ discriminator: true, allowUnionTypes: true, inlineRefs: false }).compile(inParts(schema))
  const bodies: unknown[] = [
    { parts: [] },
    { parts: [{ type: 'text', text: 'a' }, { type: 'image' }], others: null, words: ['a'], choice: null },
    { parts: [{ type: 'image' }], choice: { type: 'image' }, enum: { properties: 1, oneOf: [] } },
    {},
    [],
    { parts: [{ type: 'text' }] },
    { parts: [{ type: 'image' }, { type: 'text', text: 1 }] },
    { parts: [{ type: 'sound' }] },
    { parts: [{}] },
    { parts: ['a'] },
    { parts: [], others: [{ type: 'text', text: null }] },
    { parts: [], words: [1] },
    { parts: [], choice: { type: 'text' } },
    { parts: [], enum: {} },
    { parts: [], tool: { type: 'image' } },
    { parts: [], tool: { type: 'text' } },
    { parts: [], tool: {} },
    { parts: [], tool: 'long' }
  ]
  for (const body of bodies) {
    const name = JSON.stringify(body)
    t.equal(parted(body), whole(body), name)
    const [told, expected] = [parted, whole].map(({ errors }) => errors?.[0] && { ...errors[0], schemaPath: undefined })
    t.strictSame(told, expected, name)
  }
  t.end()
})

t.test('no function of a large schema is too large for V8 to optimize', t => {
  for (const [name, large] of Object.entries({ ChatCompletionRequest, ResponseRequest, MessagesRequest })) {
    const codes: string[] = []
    const process = (code: string) => {
      codes.push(code)
      return code
    }
    const ajv = new Ajv({ discriminator: true, allowUnionTypes: true, inlineRefs: false, code: { optimize: false, process } })
    ajv.compile(inParts(large as unknown as Record<string, unknown>))
    t.ok(codes.length > 10, name)
    // In one function each of them has more than 200,000 characters.
    for (const code of codes) t.ok(code.length < 100_000, `${name}: ${code.length} characters`)
  }
  t.end()
})
