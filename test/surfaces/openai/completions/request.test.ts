import fastify from 'fastify'
import t from 'tap'
import type { ValidationFailure } from '../../../../src/http/replies/caller-error.ts'
import { toInvalidRequest } from '../../../../src/surfaces/openai/validation-error.ts'
import { CompletionRequest } from '../../../../src/surfaces/openai/completions/request.ts'

const app = fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false, allowUnionTypes: true } } })
app.post('/', { schema: { body: CompletionRequest }, attachValidation: true }, request => {
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
    { name: 'a prompt', given: { prompt: 'a' } },
    { name: 'several', given: { prompt: ['a', 'b'] } },
    { name: 'tokens, which translate/ refuses with a word of help', given: { prompt: [[1, 2], [3]] } },
    { name: 'no prompt, which translate/ asks for', given: {} },
    { name: 'nulls', given: Object.fromEntries(['prompt', 'best_of', 'echo', 'frequency_penalty', 'logit_bias', 'logprobs', 'max_tokens', 'n', 'presence_penalty', 'seed', 'stop', 'stream', 'stream_options', 'suffix', 'temperature', 'top_p', 'user', 'top_k', 'repetition_penalty', 'raw', 'lora'].map(name => [name, null])) },
    { name: 'numbers at their ends', given: { best_of: 20, logprobs: 5, max_tokens: 0, n: 128, temperature: 2, top_p: 0, presence_penalty: -2, frequency_penalty: 2 } },
    { name: 'members nobody knows', given: { zzz: [1], constructor: 1 } }
  ]
  for (const { name, given } of cases) t.strictSame(await check(given), { taken: { model: 'm', ...given } }, name)
})

t.test('what is out of range is refused in OpenAI\'s words', async t => {
  const cases: Array<{ name: string, given: object, expected: object }> = [
    { name: 'the model comes first', given: { model: null, n: 'x' }, expected: { message: 'you must provide a model parameter', param: null } },
    { name: 'a prompt of another type', given: { prompt: 5 }, expected: { message: "Invalid type for 'prompt': expected one of a string or array of strings, but got an integer instead.", param: 'prompt', code: 'invalid_type' } },
    { name: 'no prompts', given: { prompt: [] }, expected: { message: "Invalid 'prompt': empty array. Expected an array with minimum length 1, but got an empty array instead.", param: 'prompt', code: 'empty_array' } },
    { name: 'too many log probabilities', given: { logprobs: 6 }, expected: { message: "Invalid 'logprobs': integer above maximum value. Expected a value <= 5, but got 6 instead.", code: 'integer_above_max_value' } },
    { name: 'log probabilities as chats ask for them', given: { logprobs: true }, expected: { message: "Invalid type for 'logprobs': expected an integer, but got a boolean instead." } },
    { name: 'too many to choose from', given: { best_of: 21 }, expected: { message: "Invalid 'best_of': integer above maximum value. Expected a value <= 20, but got 21 instead.", code: 'integer_above_max_value' } },
    { name: 'no choices', given: { n: 0 }, expected: { param: 'n', code: 'integer_below_min_value' } },
    { name: 'less than nothing', given: { max_tokens: -1 }, expected: { param: 'max_tokens', code: 'integer_below_min_value' } },
    { name: 'a word for an echo', given: { echo: 'yes' }, expected: { param: 'echo', code: 'invalid_type' } },
    { name: 'a temperature too high', given: { temperature: 2.1 }, expected: { param: 'temperature', code: 'decimal_above_max_value' } }
  ]
  for (const { name, given, expected } of cases) t.match(await check(given), { refused: expected }, name)
})
