import t from 'tap'
import { UpstreamError } from '../../src/errors.ts'
import type { Change } from '../../src/generation/change.ts'
import type { ChatCompletionRequest, ResponseFormat } from '../../src/openai/chat-completion-request.ts'
import { toComplaint, toInstruction, toNativeFormat, toOtherForm, toOutputForm, toOutputFormat, type OutputForm, type OutputFormat } from '../../src/translate/structured-output.ts'
import { FAMILIES, toRecord, type Family } from '../../src/workers-ai/family.ts'

const SCHEMA = { type: 'object', properties: { color: { enum: ['red', 'blue'] } }, required: ['color'] }

function formatOf (format: ResponseFormat | null | undefined): OutputFormat | undefined {
  return toOutputFormat({ model: 'm', messages: [], ...(format !== undefined && { response_format: format }) } as ChatCompletionRequest)
}

function schemaFormat (schema: Record<string, unknown>, more: object = {}): OutputFormat {
  return formatOf({ type: 'json_schema', json_schema: { name: 'color', schema, ...more } }) as OutputFormat
}

t.test('a format is what the caller wants to read', t => {
  const cases: Array<{ name: string, given: ResponseFormat | null | undefined, expected: OutputFormat | undefined }> = [
    { name: 'nothing said', given: undefined, expected: undefined },
    { name: 'null', given: null, expected: undefined },
    { name: 'text', given: { type: 'text' }, expected: undefined },
    { name: 'any object', given: { type: 'json_object' }, expected: { name: 'json_object', isStrict: false } },
    { name: 'an object of a schema, as other servers let one say it', given: { type: 'json_object', schema: SCHEMA }, expected: { name: 'json_object', schema: SCHEMA, isStrict: false, envelope: { name: 'json_object', schema: SCHEMA, strict: false } } },
    { name: 'a schema', given: { type: 'json_schema', json_schema: { name: 'color', schema: SCHEMA } }, expected: { name: 'color', schema: SCHEMA, isStrict: false, envelope: { name: 'color', schema: SCHEMA } } },
    { name: 'a schema that must be held', given: { type: 'json_schema', json_schema: { name: 'color', schema: SCHEMA, strict: true } }, expected: { name: 'color', schema: SCHEMA, isStrict: true, envelope: { name: 'color', schema: SCHEMA, strict: true } } },
    { name: 'a schema that was left out', given: { type: 'json_schema', json_schema: { name: 'color', strict: true } }, expected: { name: 'color', isStrict: false } },
    { name: 'a schema of null', given: { type: 'json_schema', json_schema: { name: 'color', schema: null } }, expected: { name: 'color', isStrict: false } }
  ]
  for (const { name, given, expected } of cases) t.strictSame(formatOf(given), expected, name)
  t.throws(() => schemaFormat({ type: 'colour' }), { name: 'InvalidRequestError', status: 400, param: 'response_format', message: /^Invalid schema for response_format 'color': / }, 'a schema that is none is refused')
  t.end()
})

t.test('each family takes a format in its own form', t => {
  const cases: Array<{ name: string, family: Family, object: OutputForm, schema: OutputForm }> = [
    { name: 'classic', family: FAMILIES['classic-2025'], object: 'object', schema: 'bare' },
    { name: 'classic, where the model holds no schema', family: toRecord(FAMILIES['classic-2025'], { tools: true, reasoning: true, json: false }), object: 'object', schema: 'prompt' },
    { name: 'guided', family: FAMILIES.guided, object: 'prompt', schema: 'guided' },
    { name: 'llama-4', family: FAMILIES['llama-4'], object: 'object', schema: 'guided' },
    { name: 'openai', family: FAMILIES.openai, object: 'object', schema: 'envelope' },
    { name: 'vision', family: FAMILIES.vision, object: 'prompt', schema: 'prompt' }
  ]
  for (const { name, family, object, schema } of cases) {
    t.equal(toOutputForm({ name: 'json_object', isStrict: false }, family), object, `${name}: any object`)
    t.equal(toOutputForm(schemaFormat(SCHEMA), family), schema, `${name}: a schema`)
  }
  t.end()
})

t.test('a form that was refused leads to another one, or to none', t => {
  const cases: Array<{ code: number | undefined, expected: Record<OutputForm, OutputForm | undefined> }> = [
    { code: 5006, expected: { bare: 'envelope', envelope: 'bare', guided: 'bare', object: 'prompt', prompt: undefined } },
    { code: 8001, expected: { bare: 'envelope', envelope: 'bare', guided: 'bare', object: 'prompt', prompt: undefined } },
    { code: 5023, expected: { bare: 'prompt', envelope: 'prompt', guided: 'prompt', object: 'prompt', prompt: undefined } },
    { code: 5025, expected: { bare: 'prompt', envelope: 'prompt', guided: 'prompt', object: 'prompt', prompt: undefined } },
    { code: 3040, expected: { bare: undefined, envelope: undefined, guided: undefined, object: undefined, prompt: undefined } },
    { code: undefined, expected: { bare: undefined, envelope: undefined, guided: undefined, object: undefined, prompt: undefined } }
  ]
  for (const { code, expected } of cases) {
    for (const [form, other] of Object.entries(expected)) t.equal(toOtherForm(form as OutputForm, new UpstreamError('no', { kind: 'refused', status: 400, code })), other, `${code}: ${form}`)
  }
  t.end()
})

t.test('a form is native fields', t => {
  const strict = schemaFormat(SCHEMA, { strict: true, description: null })
  const cases: Array<{ form: OutputForm, format?: OutputFormat, expected: Record<string, unknown>, changes?: string[] }> = [
    { form: 'bare', expected: { response_format: { type: 'json_schema', json_schema: SCHEMA } } },
    { form: 'guided', expected: { guided_json: SCHEMA } },
    { form: 'envelope', expected: { response_format: { type: 'json_schema', json_schema: { name: 'color', strict: true, schema: SCHEMA } } } },
    { form: 'object', expected: { response_format: { type: 'json_object' } } },
    { form: 'bare', format: { name: 'json_object', isStrict: false }, expected: { response_format: { type: 'json_object' } } },
    { form: 'prompt', expected: {}, changes: ['response_format emulated'] }
  ]
  for (const { form, format = strict, expected, changes = [] } of cases) {
    const told: Change[] = []
    t.strictSame(toNativeFormat(format, form, told), expected, `${form}, ${format.name}`)
    t.strictSame(told.map(({ param, action }) => `${param} ${action}`), changes, `${form}, ${format.name} (changes)`)
  }
  t.end()
})

t.test('keywords guided decoding stumbles over are not sent, but checked', t => {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'https://example.com/color',
    type: 'object',
    properties: {
      color: { type: 'string', not: { const: 'green' }, enum: ['red', 'green'] },
      not: { type: 'boolean' },
      list: { type: 'array', items: { if: { type: 'string' }, then: { minLength: 1 }, type: 'string' } }
    },
    patternProperties: { '^x': { propertyNames: {}, type: 'object' }, if: { type: 'string' } },
    $defs: { then: { anyOf: [{ else: {}, type: 'string' }, true], default: { not: 1 }, const: { if: 1 }, examples: [{ not: 1 }] } },
    unevaluatedProperties: false,
    dependentRequired: { color: ['not'] },
    required: ['color', 'not']
  }
  const format = schemaFormat(schema)
  const changes: Change[] = []
  t.strictSame(toNativeFormat(format, 'guided', changes), {
    guided_json: {
      type: 'object',
      properties: { color: { type: 'string', enum: ['red', 'green'] }, not: { type: 'boolean' }, list: { type: 'array', items: { type: 'string' } } },
      patternProperties: { '^x': { type: 'object' }, if: { type: 'string' } },
      $defs: { then: { anyOf: [{ type: 'string' }, true], default: { not: 1 }, const: { if: 1 }, examples: [{ not: 1 }] } },
      required: ['color', 'not']
    }
  })
  t.strictSame(changes.map(({ param, action }) => `${param.replace('response_format.json_schema.schema.', '')} ${action}`).sort(), ['not', 'if', 'then', 'else', 'propertyNames', 'unevaluatedProperties', 'dependentRequired'].map(keyword => `${keyword} dropped`).sort(), 'each is told, but not the addresses')
  t.match(toComplaint(format, '{"color":"green","not":true}'), /^\/color must NOT be valid$/)
  t.match(toComplaint(format, '{"color":"red","not":true,"more":1}'), /unevaluated/)
  t.equal(toComplaint(format, '{"color":"red","not":true}'), undefined)
  t.end()
})

t.test('a model without a form is told in words', t => {
  const cases = [
    { name: 'any object', given: { name: 'json_object', isStrict: false }, expected: 'Answer with one JSON object and nothing else: no explanation and no code fence.' },
    { name: 'a schema', given: schemaFormat({ type: 'object', not: {} }), expected: 'Answer with one JSON object and nothing else: no explanation and no code fence. It must match this JSON Schema:\n{"type":"object","not":{}}' },
    { name: 'a schema of a list', given: schemaFormat({ type: 'array' }), expected: 'Answer with one JSON array and nothing else: no explanation and no code fence. It must match this JSON Schema:\n{"type":"array"}' }
  ]
  for (const { name, given, expected } of cases) t.equal(toInstruction(given), expected, name)
  t.end()
})

t.test('an answer fits, or what is wrong is said in words', t => {
  const anyObject: OutputFormat = { name: 'json_object', isStrict: false }
  const cases: Array<{ name: string, format: OutputFormat, given: string, expected: string | undefined }> = [
    { name: 'an object', format: anyObject, given: '{}', expected: undefined },
    { name: 'a list', format: anyObject, given: '[]', expected: 'the answer is not a JSON object' },
    { name: 'null', format: anyObject, given: 'null', expected: 'the answer is not a JSON object' },
    { name: 'prose', format: anyObject, given: 'Hello', expected: 'the answer is not valid JSON' },
    { name: 'nothing', format: anyObject, given: '', expected: 'the answer is not valid JSON' },
    { name: 'nearly JSON', format: anyObject, given: "{'a': 1}", expected: 'the answer is not valid JSON' },
    { name: 'what the schema wants', format: schemaFormat(SCHEMA), given: '{"color":"red"}', expected: undefined },
    { name: 'another value', format: schemaFormat(SCHEMA), given: '{"color":"green"}', expected: '/color must be equal to one of the allowed values (["red","blue"])' },
    { name: 'two mistakes', format: schemaFormat({ required: ['a', 'b'] }), given: '{}', expected: "/ must have required property 'a'; / must have required property 'b'" },
    { name: 'a list where the schema wants one', format: schemaFormat({ type: 'array', items: { type: 'number' } }), given: '[1]', expected: undefined }
  ]
  for (const { name, format, given, expected } of cases) t.equal(toComplaint(format, given), expected, name)
  t.end()
})
