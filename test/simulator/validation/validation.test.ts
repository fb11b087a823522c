import t from 'tap'
import { toDialect } from '../../../src/simulator/native/dialect.ts'
import { validate } from '../../../src/simulator/validation/validation.ts'
import { CATALOGUE } from '../../../src/workers-ai/models/catalogue.ts'
import { GPT_OSS, KIMI, LLAMA, LLAMA_4, MISTRAL, QWEN, weather } from '../asking.ts'

const GEMMA_2 = '@cf/google/gemma-2b-it-lora'
const hi = { messages: [{ role: 'user', content: 'Hi' }] }
const schema = { type: 'object', properties: { a: { type: 'string' } } }
const noPrompt = "oneOf at '/' not met, 0 matches: required properties at '/' are 'prompt'"

function check (model: string, body: unknown): unknown {
  const row = CATALOGUE.get(model)!
  return validate(body, row, toDialect(row))
}

const refusals: Array<{ name: string, model?: string, given: unknown, code?: number, expected?: string }> = [
  { name: 'a body that is no object', given: [], expected: "Type mismatch of '/', 'array' not in 'object'" },
  { name: 'neither prompt nor messages', given: {}, expected: `${noPrompt}, required properties at '/' are 'messages'` },
  { name: 'both', given: { prompt: 'Hi', ...hi }, expected: "oneOf at '/' not met, 2 matches" },
  { name: 'an empty prompt', given: { prompt: '' }, expected: "oneOf at '/' not met, 0 matches: required properties at '/' are 'messages', Length of '/prompt' must be >= 1 not met" },
  { name: 'parts', given: { messages: [{ role: 'user', content: [] }] }, expected: `${noPrompt}, Type mismatch of '/messages/0/content', 'array' not in 'string'` },
  { name: 'a temperature that is too high', given: { ...hi, temperature: 5.1 }, expected: `${noPrompt}, '/temperature' must be <= 5` },
  { name: 'a top_p of 0 since 2025', given: { ...hi, top_p: 0 }, expected: `${noPrompt}, '/top_p' must be >= 0.001` },
  { name: 'a penalty below 0 before', model: GEMMA_2, given: { ...hi, presence_penalty: -1 }, expected: `${noPrompt}, '/presence_penalty' must be >= 0` },
  { name: 'a seed of 0', given: { ...hi, seed: 0 }, expected: `${noPrompt}, '/seed' must be >= 1` },
  { name: 'a fraction for top_k', given: { ...hi, top_k: 1.5 }, expected: `${noPrompt}, Type mismatch of '/top_k', 'number' not in 'integer'` },
  { name: 'null for a parameter of a classic model', given: { ...hi, temperature: null }, expected: `${noPrompt}, Type mismatch of '/temperature', 'null' not in 'number'` },
  { name: 'a limit that is text', given: { ...hi, max_tokens: '5' }, expected: `${noPrompt}, Type mismatch of '/max_tokens', 'string' not in 'integer'` },
  { name: 'a stream that is text', given: { ...hi, stream: 'true' }, expected: `${noPrompt}, Type mismatch of '/stream', 'string' not in 'boolean'` },
  { name: 'qwen3 takes the ranges of classic models', model: QWEN, given: { ...hi, top_k: 51 }, expected: `${noPrompt}, '/top_k' must be <= 50` },
  { name: 'a temperature that OpenAI has not', model: KIMI, given: { ...hi, temperature: 2.1 }, expected: `${noPrompt}, '/temperature' must be <= 2` },
  { name: 'too many choices', model: KIMI, given: { ...hi, n: 129 }, expected: `${noPrompt}, '/n' must be <= 128` },
  { name: 'an input of texts', model: GPT_OSS, given: { input: ['Hi'] }, expected: `${noPrompt}, required properties at '/' are 'messages', Type mismatch of '/input/0', 'string' not in 'object'` },
  { name: 'a format of another kind', given: { ...hi, response_format: { type: 'text' } }, expected: `${noPrompt}, enum text not in json_object,json_schema at '/response_format/type'` },
  { name: 'a format without its schema', given: { ...hi, response_format: { type: 'json_schema' } }, expected: `${noPrompt}, required properties at '/response_format' are 'json_schema'` },
  { name: 'an envelope without a name', model: KIMI, given: { ...hi, response_format: { type: 'json_schema', json_schema: schema } }, expected: `${noPrompt}, required properties at '/response_format/json_schema' are 'name'` },
  { name: 'options that are none', given: { ...hi, options: true }, expected: `${noPrompt}, Type mismatch of '/options', 'boolean' not in 'object'` },
  { name: 'a limit of nothing', given: { ...hi, max_tokens: 0 }, code: 8007 },
  { name: 'a schema for a model without JSON mode', model: '@cf/meta/llama-3.1-8b-instruct-fp8', given: { ...hi, response_format: { type: 'json_schema', json_schema: schema } }, code: 5025 },
  { name: 'a schema and a stream', given: { ...hi, stream: true, response_format: { type: 'json_schema', json_schema: schema } }, code: 5023 },
  { name: 'flat tools for a strict model', model: LLAMA_4, given: { ...hi, tools: [weather.function] }, code: 8001 },
  { name: 'an id mistral does not like', model: MISTRAL, given: { messages: [{ role: 'tool', content: '', tool_call_id: '1' }] }, code: 8007 }
]
for (const { name, model = LLAMA, given, code = 5006, expected } of refusals) {
  t.throws(() => check(model, given), { code, ...(expected && { message: `AiError: Bad input: Error: ${expected}` }) }, `${name} is refused`)
}

const passing: Array<{ name: string, model?: string, given: object }> = [
  { name: 'what nobody knows', given: { ...hi, tool_choice: 'any', stop: 5, nonsense: true, options: { rejectIfBusy: true } } },
  { name: 'the ends of the ranges', given: { ...hi, temperature: 0, top_p: 1, top_k: 50, seed: 9_999_999_999, frequency_penalty: -2, presence_penalty: 2, max_tokens: 1 } },
  { name: 'nulls for OpenAI-shaped models', model: KIMI, given: { ...hi, temperature: null, max_tokens: null, stop: null, tools: null, tool_choice: null, response_format: null, stream: null } },
  { name: 'a schema and a stream for them', model: KIMI, given: { ...hi, stream: true, response_format: { type: 'json_schema', json_schema: { name: 'n', schema } } } },
  { name: 'flat tools for classic models', given: { ...hi, tools: [weather.function] } },
  { name: 'flat tools beside an input', model: GPT_OSS, given: { input: 'Hi', tools: [{ type: 'function', ...weather.function }] } },
  { name: 'a format where the schema has none', model: MISTRAL, given: { ...hi, response_format: { type: 'text' } } }
]
for (const { name, model = LLAMA, given } of passing) t.equal(check(model, given), given, `${name} passes`)
