import t from 'tap'
import type { Change } from '../../../src/generation/change.ts'
import type { GenerationRequest } from '../../../src/generation/request.ts'
import { toOtherParameters } from '../../../src/workers-ai/request/other-parameters.ts'
import { FAMILIES, type FamilyName } from '../../../src/workers-ai/models/family.ts'

function translated (given: Record<string, unknown>, family: FamilyName = 'classic'): { native: unknown, changes: string[] } {
  const changes: Change[] = []
  const native = toOtherParameters({ model: 'm', messages: [], ...given } as GenerationRequest, FAMILIES[family], changes)
  return { native, changes: changes.map(({ param, action }) => `${param} ${action}`) }
}

t.test('what is left over goes to models that take it, and is told otherwise', t => {
  const cases: Array<{ name: string, given: Record<string, unknown>, family?: FamilyName, native?: Record<string, unknown>, changes?: string[] }> = [
    { name: 'an extension the family takes', given: { lora: 'my-tune', raw: true }, native: { lora: 'my-tune', raw: true } },
    { name: 'an extension it does not take', given: { lora: 'my-tune' }, family: 'openai', changes: ['lora dropped'] },
    { name: 'an extension of another family', given: { guided_json: { type: 'object' } }, family: 'guided', native: { guided_json: { type: 'object' } } },
    { name: 'words for thinking, which are translated elsewhere', given: { chat_template_kwargs: { thinking: false }, thinking: { type: 'disabled' }, reasoning: { exclude: true }, enable_thinking: true }, family: 'openai' },
    { name: 'what Workers AI has no word for', given: { user: 'u-1', logit_bias: { 50256: -100 }, logprobs: true, metadata: { a: 'b' }, store: true }, changes: ['user dropped', 'logit_bias dropped', 'logprobs dropped', 'metadata dropped', 'store dropped'] },
    { name: 'a member nobody knows', given: { repeat_last_n: 3 }, changes: ['repeat_last_n dropped'] },
    { name: 'members with names of the object prototype', given: { constructor: 1, toString: 2, hasOwnProperty: true }, changes: ['constructor dropped', 'toString dropped', 'hasOwnProperty dropped'] },
    { name: 'null', given: { user: null, logit_bias: null, anything: null } },
    { name: 'what happens anyway', given: { store: false, logprobs: false, top_logprobs: 0, service_tier: 'auto', verbosity: 'medium', modalities: ['text'], metadata: {}, logit_bias: {} } },
    { name: 'what is off', given: { min_p: 0, typical_p: 1, mirostat: 0, ignore_eos: false, skip_special_tokens: true, user: '' } },
    { name: 'what is on', given: { min_p: 0.1, ignore_eos: true }, changes: ['min_p dropped', 'ignore_eos dropped'] },
    { name: 'what does not happen anyway', given: { service_tier: 'flex', verbosity: 'low', modalities: ['text', 'audio'] }, changes: ['service_tier dropped', 'verbosity dropped', 'modalities dropped'] },
    { name: 'a search, which asks for something without a word', given: { web_search_options: {} }, changes: ['web_search_options dropped'] },
    { name: 'what is translated elsewhere', given: { stream: true, stream_options: {}, n: 2, stop: ['a'], max_tokens: 3, temperature: 1, seed: 1, tools: [], tool_choice: 'none', functions: [], response_format: { type: 'text' }, prompt_cache_key: 'k' } }
  ]
  for (const { name, given, family, native = {}, changes = [] } of cases) t.strictSame(translated(given, family), { native, changes }, name)
  t.end()
})

t.test('top_logprobs without logprobs is refused, as OpenAI does', t => {
  const expected = { name: 'InvalidRequestError', status: 400, code: null, message: "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled." }
  t.throws(() => translated({ top_logprobs: 2 }), expected)
  t.throws(() => translated({ top_logprobs: 2, logprobs: false }), expected)
  t.strictSame(translated({ top_logprobs: 2, logprobs: true }).changes, ['top_logprobs dropped', 'logprobs dropped'])
  t.end()
})
