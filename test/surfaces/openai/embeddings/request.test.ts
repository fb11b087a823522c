import fastify from 'fastify'
import t from 'tap'
import type { ValidationFailure } from '../../../../src/http/replies/caller-error.ts'
import { toInvalidRequest } from '../../../../src/surfaces/openai/validation-error.ts'
import { EmbeddingRequest } from '../../../../src/surfaces/openai/embeddings/request.ts'

const app = fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false, allowUnionTypes: true } } })
app.post('/', { schema: { body: EmbeddingRequest }, attachValidation: true }, request => {
  const failures = request.validationError?.validation as ValidationFailure[] | undefined
  if (failures === undefined) return { taken: request.body }
  const { message, param, code } = toInvalidRequest(failures, request.body)
  return { refused: { message, param, code } }
})
t.teardown(() => app.close())

/** What becomes of a body with `model` and whatever is given. */
async function check (more: object): Promise<unknown> {
  return (await app.inject({ method: 'POST', url: '/', payload: { model: 'm', ...more } })).json()
}

t.test('odd but valid bodies reach us as they were sent', async t => {
  const cases: Array<{ name: string, given: object }> = [
    { name: 'a text', given: { input: 'a' } },
    { name: 'as many as OpenAI takes', given: { input: Array.from({ length: 2_048 }, () => 'a') } },
    { name: 'tokens, which translate/ refuses with a word of help', given: { input: [[1, 2], [3]] } },
    { name: 'nulls', given: { input: 'a', encoding_format: null, dimensions: null, user: null } },
    { name: 'either encoding', given: { input: 'a', encoding_format: 'base64', dimensions: 1 } },
    { name: 'members nobody knows', given: { input: 'a', pooling: 'cls', zzz: [1] } }
  ]
  for (const { name, given } of cases) t.strictSame(await check(given), { taken: { model: 'm', ...given } }, name)
})

t.test('the rest is refused in OpenAI\'s words', async t => {
  const cases: Array<{ name: string, given: object, expected: object }> = [
    { name: 'no model', given: { model: '', input: 'a' }, expected: { message: 'you must provide a model parameter', param: null } },
    { name: 'no input', given: {}, expected: { message: "Missing required parameter: 'input'.", param: 'input', code: 'missing_required_parameter' } },
    { name: 'input of another type', given: { input: { text: 'a' } }, expected: { message: "Invalid type for 'input': expected one of a string or array, but got an object instead.", param: 'input', code: 'invalid_type' } },
    { name: 'no texts', given: { input: [] }, expected: { param: 'input', code: 'empty_array' } },
    { name: 'too many', given: { input: Array.from({ length: 2_049 }, () => 'a') }, expected: { message: "Invalid 'input': array too long. Expected an array with maximum length 2048, but got an array with length 2049 instead.", param: 'input', code: 'array_above_max_length' } },
    { name: 'another encoding', given: { input: 'a', encoding_format: 'hex' }, expected: { message: "Invalid value: 'hex'. Supported values are: 'float', and 'base64'.", param: 'encoding_format', code: 'invalid_value' } },
    { name: 'no dimensions', given: { input: 'a', dimensions: 0 }, expected: { message: "Invalid 'dimensions': integer below minimum value. Expected a value >= 1, but got 0 instead.", param: 'dimensions', code: 'integer_below_min_value' } },
    { name: 'half a dimension', given: { input: 'a', dimensions: 1.5 }, expected: { param: 'dimensions', code: 'invalid_type' } }
  ]
  for (const { name, given, expected } of cases) t.match(await check(given), { refused: expected }, name)
})
