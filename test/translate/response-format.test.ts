import t from 'tap'
import type { ResponseFormat } from '../../src/openai/chat-completion-request.ts'
import { toNativeFormat } from '../../src/translate/response-format.ts'
import type { FamilyName } from '../../src/workers-ai/family.ts'
import { modelOf } from './model-of.ts'

const schema = { type: 'object', properties: { city: { type: 'string' } } }
const asked: ResponseFormat = { type: 'json_schema', json_schema: { name: 'place', schema, strict: true } }

function translated (format: ResponseFormat | null | undefined, family: FamilyName): unknown {
  return toNativeFormat({ model: 'm', messages: [], ...(format !== undefined && { response_format: format }) }, modelOf(family))
}

t.test('a format is asked for in the words of the family', t => {
  const cases: Array<{ name: string, given: ResponseFormat | null | undefined, family: FamilyName, expected: unknown }> = [
    { name: 'none', given: undefined, family: 'classic', expected: {} },
    { name: 'null', given: null, family: 'classic', expected: {} },
    { name: 'text', given: { type: 'text' }, family: 'guard', expected: {} },
    { name: 'any JSON', given: { type: 'json_object' }, family: 'classic', expected: { response_format: { type: 'json_object' } } },
    { name: 'any JSON of newer models', given: { type: 'json_object' }, family: 'openai', expected: { response_format: { type: 'json_object' } } },
    { name: 'a bare schema', given: asked, family: 'classic-2025', expected: { response_format: { type: 'json_schema', json_schema: schema } } },
    { name: 'a schema in OpenAI\'s envelope', given: asked, family: 'openai', expected: { response_format: asked } },
    { name: 'a schema in a field of its own', given: asked, family: 'guided', expected: { guided_json: schema } },
    { name: 'no schema in the envelope', given: { type: 'json_schema', json_schema: { name: 'any' } }, family: 'classic', expected: { response_format: { type: 'json_schema', json_schema: {} } } },
    { name: 'a schema of null', given: { type: 'json_schema', json_schema: { name: 'any', schema: null } }, family: 'guided', expected: { guided_json: {} } }
  ]
  for (const { name, given, family, expected } of cases) t.strictSame(translated(given, family), expected, name)
  t.end()
})

t.test('a format the model cannot hold is refused', t => {
  const cases: Array<{ name: string, given: ResponseFormat, family: FamilyName }> = [
    { name: 'any JSON', given: { type: 'json_object' }, family: 'guided' },
    { name: 'a schema', given: asked, family: 'guard' }
  ]
  for (const { name, given, family } of cases) {
    t.throws(() => translated(given, family), { status: 400, param: 'response_format', code: 'unsupported_value', message: `Invalid parameter: 'response_format' of type '${given.type}' is not supported with the model '@cf/tests/${family}'.` }, name)
  }
  t.end()
})
