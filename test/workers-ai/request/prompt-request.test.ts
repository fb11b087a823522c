import t from 'tap'
import type { CompletionRequest } from '../../../src/surfaces/openai/completions/request.ts'
import { toCompletionRunRequest, toPrompts } from '../../../src/workers-ai/request/prompt-request.ts'
import { toBody, type RunRequest } from '../../../src/workers-ai/request/run-request.ts'
import { toText } from '../../../src/workers-ai/transport/request-body.ts'
import type { FamilyName } from '../../../src/workers-ai/models/family.ts'
import type { Model } from '../../../src/workers-ai/models/model.ts'
import { modelOf } from './model-of.ts'

const CLASSIC = modelOf('classic-2025', { contextWindow: 24_000 })
const OPENAI = modelOf('openai')
const GPT_OSS = modelOf('gpt-oss')
const OPTIONS = { defaultMaxTokens: 4_096, maxChoices: 8, unsupportedParams: 'warn' as const, rejectIfBusy: false }

function translated (more: Partial<CompletionRequest> = {}, model: Model = CLASSIC, options: Partial<typeof OPTIONS> | { unsupportedParams: 'reject' } = {}): RunRequest {
  return toCompletionRunRequest({ model: 'm', prompt: 'Once', ...more }, model, { ...OPTIONS, ...options })
}

function body (request: RunRequest, { stream = false, choice = 0 } = {}): Record<string, unknown> {
  return JSON.parse(toText(toBody(request, { stream, choice, baseSeed: 5 }))) as Record<string, unknown>
}

t.test('a prompt becomes the native body', t => {
  const cases: Array<{ name: string, given: Partial<CompletionRequest>, model?: Model, stream?: boolean, expected: Record<string, unknown> }> = [
    { name: 'the least there is has OpenAI\'s own limit, and no template around it', given: {}, expected: { prompt: 'Once', max_tokens: 16, raw: true } },
    { name: 'newer models know the limit by another name, and no template for prompts', given: {}, model: OPENAI, expected: { prompt: 'Once', max_completion_tokens: 4_096 } },
    { name: 'a stream of theirs', given: {}, model: OPENAI, stream: true, expected: { prompt: 'Once', max_completion_tokens: 4_096, stream: true, stream_options: { include_usage: true } } },
    { name: 'a template the caller asks for', given: { raw: false }, expected: { prompt: 'Once', max_tokens: 16, raw: false } },
    { name: 'an adapter', given: { lora: 'my-tune', max_tokens: 5 }, expected: { prompt: 'Once', max_tokens: 5, raw: true, lora: 'my-tune' } },
    { name: 'sampling', given: { temperature: 0.5, top_p: 0, top_k: 3, seed: 7 }, expected: { prompt: 'Once', max_tokens: 16, raw: true, temperature: 0.5, top_p: 0.001, top_k: 3, seed: 7 } },
    { name: 'a stop sequence, which we see to ourselves', given: { stop: '\n' }, expected: { prompt: 'Once', max_tokens: 16, raw: true } },
    { name: 'a stop sequence for models that know it', given: { stop: ['\n', ''] }, model: OPENAI, expected: { prompt: 'Once', max_completion_tokens: 4_096, stop: ['\n'] } },
    { name: 'log probabilities of a model that tells them', given: { logprobs: 2 }, model: OPENAI, expected: { prompt: 'Once', max_completion_tokens: 4_096, logprobs: true, top_logprobs: 2 } },
    { name: 'log probabilities of the tokens alone', given: { logprobs: 0 }, model: OPENAI, expected: { prompt: 'Once', max_completion_tokens: 4_096, logprobs: true, top_logprobs: 0 } },
    { name: 'what is no business of the model', given: { echo: true, user: 'u', stream_options: { include_usage: true }, best_of: 1 }, expected: { prompt: 'Once', max_tokens: 16, raw: true } },
    { name: 'nulls', given: { temperature: null, stop: null, seed: null, n: null, max_tokens: null, best_of: null, echo: null, logprobs: null, suffix: null, raw: null }, expected: { prompt: 'Once', max_tokens: 16, raw: true } },
    { name: 'a model that takes no prompt', given: {}, model: GPT_OSS, expected: { messages: [{ role: 'user', content: 'Once' }], max_completion_tokens: 4_096, max_tokens: 4_096 } },
    { name: 'a model that thinks, in its template', given: { raw: false }, model: modelOf('qwen3'), expected: { prompt: 'Once', max_tokens: 4_096, raw: false } },
    { name: 'a model that thinks, outside of it', given: {}, model: modelOf('qwen3'), expected: { prompt: 'Once', max_tokens: 4_096, raw: true } },
    { name: 'one whose thinking is in its text', given: {}, model: modelOf('r1-distill'), expected: { prompt: 'Once', max_tokens: 4_096, raw: true } },
    { name: 'a newer one', given: {}, model: modelOf('kimi'), expected: { prompt: 'Once', max_completion_tokens: 4_096 } },
    { name: 'one that thinks only when it is told to', given: {}, model: modelOf('deepseek-v4'), expected: { prompt: 'Once', max_completion_tokens: 16 } },
    { name: 'a limit for a model that thinks', given: { max_tokens: 20 }, model: GPT_OSS, expected: { messages: [{ role: 'user', content: 'Once' }], max_completion_tokens: 20, max_tokens: 20 } },
    { name: 'another one', given: {}, model: modelOf('guard'), expected: { messages: [{ role: 'user', content: 'Once' }], max_tokens: 16 } }
  ]
  for (const { name, given, model, stream = false, expected } of cases) t.strictSame(body(translated(given, model), { stream }), expected, name)
  t.strictSame(body(translated({}, CLASSIC, { rejectIfBusy: true }))['options'], { rejectIfBusy: true }, 'a wish to be refused rather than queued')
  t.end()
})

t.test('what does not pass as it was leaves a change', t => {
  const cases: Array<{ name: string, given: Partial<CompletionRequest>, family?: FamilyName, expected: string[] }> = [
    { name: 'nothing special', given: { n: 1, best_of: 1, echo: true, stop: 'a', logprobs: null, suffix: '' }, expected: [] },
    { name: 'several prompts', given: { prompt: ['a', 'b'] }, expected: ['prompt emulated'] },
    { name: 'several choices', given: { n: 2, best_of: 2 }, expected: ['n emulated'] },
    { name: 'the best of several', given: { best_of: 3 }, expected: ['best_of dropped'] },
    { name: 'log probabilities', given: { logprobs: 0 }, expected: ['logprobs dropped'] },
    { name: 'log probabilities of a model that tells none of a message', given: { logprobs: 1 }, family: 'gpt-oss', expected: ['logprobs dropped', 'max_tokens emulated', 'prompt emulated'] },
    { name: 'log probabilities of a prompt', given: { logprobs: 1, echo: true }, family: 'openai', expected: ['logprobs clamped', 'max_tokens emulated'] },
    { name: 'those of a prompt alone', given: { logprobs: 1, echo: true, max_tokens: 0 }, family: 'openai', expected: ['logprobs dropped'] },
    { name: 'what comes after the text', given: { suffix: 'end' }, expected: ['suffix dropped'] },
    { name: 'nothing at all to be said', given: { max_tokens: 0, n: 2, prompt: ['a', 'b'], temperature: 9 }, expected: [] },
    { name: 'nothing at all to be said by a model that takes no prompt', given: { max_tokens: 0 }, family: 'gpt-oss', expected: [] },
    { name: 'the limit by a chat\'s name', given: { max_completion_tokens: 5 }, expected: ['max_completion_tokens renamed'] },
    { name: 'more than the window holds, by a chat\'s name', given: { max_completion_tokens: 30_000 }, expected: ['max_completion_tokens renamed', 'max_completion_tokens clamped'] },
    { name: 'the limit by both names', given: { max_tokens: 5, max_completion_tokens: 6 }, expected: ['max_completion_tokens dropped'] },
    { name: 'more than the window holds', given: { max_tokens: 30_000 }, expected: ['max_tokens clamped'] },
    { name: 'biases', given: { logit_bias: { 50256: -100 }, user: 'u' }, expected: ['logit_bias dropped', 'user dropped'] },
    { name: 'no biases', given: { logit_bias: {} }, expected: [] },
    { name: 'a template where there is none', given: { raw: false }, family: 'openai', expected: ['raw dropped', 'max_tokens emulated'] },
    { name: 'no template where there is none', given: { raw: true }, family: 'openai', expected: ['max_tokens emulated'] },
    { name: 'no template where there is always one', given: { raw: true, max_tokens: 5 }, family: 'gpt-oss', expected: ['raw dropped', 'prompt emulated'] },
    { name: 'a template where there is always one', given: { raw: false, max_tokens: 5 }, family: 'gpt-oss', expected: ['prompt emulated'] }
  ]
  for (const { name, given, family, expected } of cases) {
    const { changes } = translated(given, family === undefined ? CLASSIC : modelOf(family))
    t.strictSame(changes.map(({ param, action }) => `${param} ${action}`), expected, name)
  }
  t.match(translated({}, GPT_OSS).changes, [{ param: 'max_tokens', to: 4_096, reason: /thinks first/ }, { reason: /thinking is not told, but counts/ }], 'a model that thinks may use the limit up')
  t.notMatch(translated({}, modelOf('guard')).changes[0]?.reason, /thinking/)
  t.throws(() => translated({ suffix: 'end' }, CLASSIC, { unsupportedParams: 'reject' }), { status: 400, param: 'suffix', code: 'unsupported_parameter' }, 'or is refused')
  t.equal(translated({ n: 2 }, CLASSIC, { unsupportedParams: 'reject' }).choices, 2, 'what is emulated is not')
  t.end()
})

t.test('each prompt has its choices, one after the other', t => {
  const request = translated({ prompt: ['a', 'bb'], n: 3, seed: 40 })
  t.equal(request.choices, 6)
  t.strictSame(Array.from({ length: 6 }, (_, choice) => body(request, { choice })).map(({ prompt, seed }) => [prompt, seed]), [['a', 40], ['a', 41], ['a', 42], ['bb', 40], ['bb', 41], ['bb', 42]])
  t.strictSame([0, 1].map(choice => body(translated({ prompt: ['a', 'b'] }), { choice })['seed']), [undefined, undefined], 'prompts that are answered once need no seed')
  t.strictSame(request.inputs.map(({ promptTokens }) => promptTokens), [1, 1])
  const long = translated({ prompt: ['a', 'word '.repeat(12_000)], max_tokens: 20_000 })
  t.ok(long.maxTokens < 10_000, 'the longest prompt says what is left for all')
  t.end()
})

t.test('a request for no tokens has no limit to send', t => {
  const request = translated({ max_tokens: 0, n: 2, prompt: ['a', 'bb'] })
  t.match(request, { maxTokens: 0, choices: 4, fields: {} })
  t.throws(() => translated({ max_tokens: 0, n: 9 }), { param: 'n', code: 'invalid_value' }, 'and no more choices than any other')
  t.throws(() => translated({ max_tokens: 0, logprobs: 5 }, CLASSIC, { unsupportedParams: 'reject' }), { param: 'logprobs', code: 'unsupported_parameter' })
  t.end()
})

t.test('what nobody could answer is refused', t => {
  const cases: Array<{ name: string, given: Partial<CompletionRequest>, expected: object }> = [
    { name: 'no prompt', given: { prompt: null }, expected: { status: 400, param: 'prompt', code: 'missing_required_parameter', message: "Missing required parameter: 'prompt'." } },
    { name: 'an empty prompt', given: { prompt: '' }, expected: { param: 'prompt', code: 'empty_string' } },
    { name: 'an empty prompt among others', given: { prompt: ['a', ''] }, expected: { param: 'prompt[1]', code: 'empty_string' } },
    { name: 'tokens', given: { prompt: [1, 2] }, expected: { param: 'prompt', code: 'unsupported_value', message: /Send text/ } },
    { name: 'more choices than the proxy allows', given: { n: 9 }, expected: { status: 400, param: 'n', code: 'invalid_value', message: /9 choices, but one request may have 8/ } },
    { name: 'more prompts than that', given: { prompt: Array.from({ length: 9 }, () => 'a') }, expected: { param: 'prompt', code: 'invalid_value' } },
    { name: 'more of both together', given: { prompt: ['a', 'b', 'c'], n: 3 }, expected: { param: 'n', message: /3 prompts with 3 choices each are 9 choices/ } },
    { name: 'fewer to choose from than to tell', given: { n: 2, best_of: 1 }, expected: { status: 400, param: 'best_of', code: 'invalid_value' } }
  ]
  for (const { name, given, expected } of cases) t.throws(() => translated(given), expected as Error, name)
  t.strictSame(toPrompts({ model: 'm', prompt: ['a', 'b'] }), ['a', 'b'])
  t.end()
})

t.test('text without a template is told as it was written', t => {
  const cases: Array<{ name: string, given: Partial<CompletionRequest>, family: FamilyName, expected: boolean }> = [
    { name: 'a prompt', given: {}, family: 'qwq', expected: true },
    { name: 'a prompt in a template', given: { raw: false }, family: 'qwq', expected: false },
    { name: 'a prompt for a newer model', given: { raw: false }, family: 'openai', expected: true },
    { name: 'a message', given: { raw: true }, family: 'gpt-oss', expected: false }
  ]
  for (const { name, given, family, expected } of cases) t.equal(translated(given, modelOf(family)).isVerbatim, expected, name)
  t.end()
})

t.test('thinking is asked for where a template asks for it', t => {
  const cases: Array<{ name: string, given: object, family: FamilyName, expected: object, changes: string[] }> = [
    { name: 'an effort', given: { reasoning_effort: 'none' }, family: 'gpt-oss', expected: { reasoning_effort: 'low' }, changes: ['reasoning_effort clamped', 'max_tokens emulated', 'prompt emulated'] },
    { name: 'other words', given: { thinking: { type: 'enabled', budget_tokens: 9_000 } }, family: 'gpt-oss', expected: { reasoning_effort: 'high' }, changes: ['thinking renamed', 'max_tokens emulated', 'prompt emulated'] },
    { name: 'a prompt in a template', given: { raw: false, enable_thinking: false }, family: 'qwen3', expected: { chat_template_kwargs: { enable_thinking: false } }, changes: ['enable_thinking renamed', 'enable_thinking renamed', 'max_tokens emulated'] },
    { name: 'a prompt without one', given: { enable_thinking: false }, family: 'qwen3', expected: {}, changes: ['enable_thinking dropped', 'max_tokens emulated'] }
  ]
  for (const { name, given, family, expected, changes } of cases) {
    const request = translated(given as Partial<CompletionRequest>, modelOf(family))
    const { reasoning_effort: effort, chat_template_kwargs: kwargs } = request.fields
    t.strictSame(JSON.parse(JSON.stringify({ reasoning_effort: effort, chat_template_kwargs: kwargs })), expected, name)
    t.strictSame(request.changes.map(({ param, action }) => `${param} ${action}`), changes, `${name} (changes)`)
  }
  t.end()
})
