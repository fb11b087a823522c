import t from 'tap'
import { UpstreamError } from '../../../src/errors.ts'
import type { Change } from '../../../src/generation/change.ts'
import type { GenerationRequest, ResponseFormat } from '../../../src/generation/request.ts'
import { newWorkBudget } from '../../../src/json/work-budget.ts'
import { loadCheckers } from '../../../src/json/json-schema.ts'
import { prepareChecks, toComplaint as complain, toDistance, toInstruction, toNativeFormat, toOtherForm, toOutputForm, toOutputFormat, type OutputForm, type OutputFormat } from '../../../src/workers-ai/request/structured-output.ts'
import { FAMILIES, restrictTo, type Family } from '../../../src/workers-ai/models/family.ts'
import { toFacts } from '../../../src/workers-ai/transport/error-codes.ts'

await loadCheckers()

const SCHEMA = { type: 'object', properties: { color: { enum: ['red', 'blue'] } }, required: ['color'] }

function formatOf (format: ResponseFormat | null | undefined, changes: Change[] = []): OutputFormat | undefined {
  return toOutputFormat({ model: 'm', messages: [], ...(format !== undefined && { response_format: format }) } as GenerationRequest, newWorkBudget(), changes)
}

function toComplaint (format: OutputFormat, answer: string, changes: Change[] = []): string | undefined {
  return complain(format, answer, newWorkBudget(), changes)
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
    { name: 'classic, where the model holds no schema', family: restrictTo(FAMILIES['classic-2025'], { tools: true, reasoning: true, json: false }), object: 'object', schema: 'prompt' },
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
    for (const [form, other] of Object.entries(expected)) t.equal(toOtherForm(form as OutputForm, toFacts(new UpstreamError('no', { kind: 'refused', status: 400, code })).otherForm), other, `${code}: ${form}`)
  }
  const unmet = toFacts(new UpstreamError("AiError: JSON Mode couldn't be met", { kind: 'refused', status: 200 })).otherForm
  for (const form of ['bare', 'envelope', 'guided', 'object'] as const) t.equal(toOtherForm(form, unmet), 'prompt', `${form}: not met`)
  t.equal(toOtherForm('prompt', unmet), undefined)
  t.end()
})

t.test('a form is native fields', t => {
  const strict = schemaFormat(SCHEMA, { strict: true, description: null })
  const cases: Array<{ form: OutputForm, format?: OutputFormat, expected: Record<string, unknown>, changes?: string[] }> = [
    { form: 'bare', expected: { response_format: { type: 'json_schema', json_schema: SCHEMA } } },
    { form: 'guided', expected: { guided_json: SCHEMA } },
    { form: 'envelope', expected: { response_format: { type: 'json_schema', json_schema: { name: 'color', strict: true, schema: SCHEMA } } } },
    { form: 'object', expected: { response_format: { type: 'json_object' } }, changes: ['response_format emulated'] },
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

function tell ({ param, action, reason }: Change): string {
  return `${param} ${action}: ${reason}`
}

t.test('what of a schema is not checked is told, strict or not', t => {
  const cases: Array<{ name: string, schema: Record<string, unknown>, answer: string, change: RegExp }> = [
    { name: 'a pattern of another language', schema: { pattern: '(?i)^abc$' }, answer: '"x"', change: /^response_format\.json_schema\.schema\.pattern dropped: a pattern is not enforced: it has a group of another language$/ },
    { name: 'a schema that is too large', schema: { description: 'x'.repeat(200_000) }, answer: '1', change: /^response_format\.json_schema\.schema dropped: the answer is not checked against it: the schema is too large/ }
  ]
  for (const { name, schema, answer, change } of cases) {
    for (const strict of [true, false]) {
      const changes: Change[] = []
      const format = formatOf({ type: 'json_schema', json_schema: { name: 'a', schema, strict } }, changes) as OutputFormat
      t.equal(changes.length, 1, name)
      t.match(changes.map(tell)[0], change, name)
      t.equal(toComplaint(format, answer, changes), undefined, `${name} (checked)`)
      t.equal(changes.length, 1, `${name} (told once)`)
    }
  }
  const changes: Change[] = []
  const format = schemaFormat({ $ref: '#' })
  t.equal(toComplaint(format, '{}', changes), undefined)
  t.equal(toComplaint(format, '{}', changes), undefined)
  t.strictSame(changes.map(tell), ['response_format.json_schema.schema dropped: the answer cannot be checked against the schema'], 'an answer that cannot be checked is told, once')
  t.end()
})

t.test('how far an answer is from its format', t => {
  const format = schemaFormat({ type: 'object', properties: { a: { maxLength: 2 }, b: { maxLength: 2 } } })
  t.strictSame(['{"a":"b"}', '{"a":"bcd"}', '{"a":"bcd","b":"bcd"}', 'Sorry.'].map(answer => toDistance(format, answer, newWorkBudget())), [0, 1, 2, Infinity])
  t.strictSame(['{}', '[]', 'Sorry.'].map(answer => toDistance({ name: 'json_object', isStrict: false }, answer, newWorkBudget())), [0, 1, Infinity])
  t.equal(toDistance(schemaFormat({ $ref: '#' }), '{}', newWorkBudget()), 0, 'of what cannot be checked nothing is known')
  t.end()
})

t.test('a schema is read in a turn of its own, before it is needed', async t => {
  const request = (more: object) => ({ model: 'm', messages: [], ...more }) as unknown as GenerationRequest
  const turns: string[] = []
  const ownTurn = async () => { turns.push('turn') }
  const format = { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object', title: 'read before' } } } }
  t.equal(prepareChecks(request({}), ownTurn), undefined)
  t.equal(prepareChecks(request({ response_format: { type: 'json_object' } }), ownTurn), undefined)
  await prepareChecks(request({ tools: [{ type: 'function', function: { name: 'f' } }] }), ownTurn)
  t.strictSame(turns, [], 'tools are read when they are called')
  await prepareChecks(request(format), ownTurn)
  await prepareChecks(request(structuredClone(format)), ownTurn)
  t.strictSame(turns, ['turn'], 'once')
  const invalid = request({ response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'colour' } } } })
  await prepareChecks(invalid, ownTurn)
  t.throws(() => toOutputFormat(invalid, newWorkBudget(), []), { name: 'InvalidRequestError' })
})
