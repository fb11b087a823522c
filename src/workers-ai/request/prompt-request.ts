import { invalid, InvalidRequestError } from '../../errors.ts'
import type { Change } from '../../generation/change.ts'
import type { PromptRequest, ThinkingWords } from '../../generation/request.ts'
import { THINKING_WORDS } from '../../generation/thinking.ts'
import type { Family } from '../models/family.ts'
import type { Model } from '../models/model.ts'
import { newWorkBudget } from '../../json/work-budget.ts'
import { toExtras } from './other-parameters.ts'
import { toPromptJson } from './native-json.ts'
import { toReasoning } from './reasoning.ts'
import { NO_TOOLS, refuseDropped, toStops, type RunInput, type RunRequest, type RunRequestOptions } from './run-request.ts'
import { toSampling } from './sampling.ts'
import { toTexts } from './text-inputs.ts'
import { toLimitFields, toPromptEstimate, toTokenLimit, type PromptEstimate } from './token-limit.ts'

/** OpenAI's default limit, in tokens. */
const DEFAULT_MAX_TOKENS = 16

/** Fields that are translated here. */
const TRANSLATED = new Set([
  'model', 'prompt', 'stream', 'stream_options', 'n', 'best_of', 'echo', 'stop', 'suffix', 'max_tokens', 'max_completion_tokens', 'logprobs', 'raw',
  'temperature', 'top_p', 'top_k', 'seed', 'repetition_penalty', 'frequency_penalty', 'presence_penalty'
])
/** The same, and those that a chat template reads. */
const TRANSLATED_IN_TEMPLATE = new Set([...TRANSLATED, ...THINKING_WORDS])

/**
 * The prompts of a request, one or several.
 * @throws InvalidRequestError if there is none, or if one is empty or not text
 */
export function toPrompts ({ prompt }: PromptRequest): [string, ...string[]] {
  if (prompt == null) throw new InvalidRequestError("Missing required parameter: 'prompt'.", { param: 'prompt', code: 'missing_required_parameter' })
  return toTexts(prompt, 'prompt')
}

type CompletionOptions = Pick<RunRequestOptions, 'defaultMaxTokens' | 'maxChoices' | 'unsupportedParams' | 'rejectIfBusy'>

/**
 * Translates a text completion request for a model: one input for each prompt. Models that take no prompt get one user
 * message instead. A request for 0 tokens calls no model; its answer is its prompts, if `echo` is set.
 * @throws InvalidRequestError if something in it cannot be served, or if unsupported parameters are to be refused
 */
export function toCompletionRunRequest (request: PromptRequest, model: Model, options: CompletionOptions): RunRequest {
  const { family } = model
  const changes: Change[] = []
  const [first, ...rest] = toPrompts(request)
  const inputs: [Input, ...Input[]] = [toInput(first, family), ...rest.map(prompt => toInput(prompt, family))]
  if (request.max_tokens === 0) return toUnaskedRequest(request, inputs, options)
  const choices = toChoices(request, inputs.length, options.maxChoices, changes)
  const { seed, ...sampling } = toSampling(request, family, changes)
  const stop = toStops(request)
  const raw = toRaw(request, family, changes)
  // Without a chat template nothing asks the model to think.
  const isVerbatim = family.takesPrompt && raw !== false
  const others = {
    ...toLogprobs(request, family, changes),
    ...toExtras(request, isVerbatim ? TRANSLATED : TRANSLATED_IN_TEMPLATE, family.extras, changes),
    ...(!isVerbatim && toReasoning(request as ThinkingWords, family, changes).fields)
  }
  const maxTokens = toLimit(request, model, inputs, { defaultMaxTokens: options.defaultMaxTokens, isVerbatim }, changes)
  if (request.suffix) changes.push({ param: 'suffix', action: 'dropped', reason: 'Workers AI has no field for the text after the insertion; models that are trained for it take it inside the prompt' })
  if (!family.takesPrompt) {
    const thinking = family.thinking.channel === 'none' ? '' : '; its thinking is not told, but counts into max_tokens'
    changes.push({ param: 'prompt', action: 'emulated', reason: `this model takes no prompt, which is sent as one user message${thinking}` })
  }
  if (options.unsupportedParams === 'reject') refuseDropped(changes)
  return {
    fields: {
      ...toLimitFields(maxTokens, family),
      ...(raw !== undefined && { raw }),
      ...sampling,
      ...(family.nativeStop && stop.length > 0 && { stop }),
      ...others,
      ...(options.rejectIfBusy && { options: { rejectIfBusy: true } })
    },
    inputs,
    ...(seed !== undefined && { seed }),
    ...TEXT_ONLY,
    choices,
    stop,
    isVerbatim,
    maxTokens,
    workBudget: newWorkBudget(),
    changes
  }
}

/** Members with the same value in every text completion. */
const TEXT_ONLY = {
  canStream: true,
  singleToolCall: false,
  tools: NO_TOOLS,
  followsToolResult: false,
  legacyFunctions: false,
  hidesThinking: false
}

/** Evaluation harnesses request 0 tokens to get the prompt back with its log probabilities. */
function toUnaskedRequest (
  request: PromptRequest,
  inputs: [Input, ...Input[]],
  { maxChoices, unsupportedParams }: CompletionOptions
): RunRequest {
  const changes: Change[] = []
  const choices = toChoices(request, inputs.length, maxChoices, [])
  if (request.logprobs != null) { changes.push({ param: 'logprobs', action: 'dropped', from: request.logprobs, reason: 'Workers AI returns none for a prompt' }) }
  if (unsupportedParams === 'reject') refuseDropped(changes)
  return { ...TEXT_ONLY, fields: {}, inputs, choices, stop: [], isVerbatim: true, maxTokens: 0, workBudget: newWorkBudget(), changes }
}

interface Input extends RunInput {
  tokens: PromptEstimate
}

function toInput (prompt: string, { takesPrompt }: Family): Input {
  const { json, size } = toPromptJson(takesPrompt ? prompt : [{ role: 'user', content: prompt }])
  const tokens = toPromptEstimate(size, 1)
  return { member: takesPrompt ? 'prompt' : 'messages', json, promptTokens: tokens.asCloudflare, tokens }
}

function toChoices ({ n, best_of: best }: PromptRequest, prompts: number, maxChoices: number, changes: Change[]): number {
  const each = n ?? 1
  if (best != null && best < each) {
    throw new InvalidRequestError((name, nameOf) => `Invalid '${name}': expected a value >= '${nameOf('n')}', which is ${each}, but got ${best} instead.`, { param: 'best_of', code: 'invalid_value' })
  }
  const choices = prompts * each
  if (choices > maxChoices) {
    const param = prompts > maxChoices ? 'prompt' : 'n'
    throw invalid(param, `${prompts} prompts with ${each} choices each are ${choices} choices, but one request may have ${maxChoices}. MAX_CHOICES of the proxy sets the limit.`, 'invalid_value')
  }
  if (best != null && best > each) changes.push({ param: 'best_of', action: 'dropped', from: best, reason: 'the best answer cannot be determined without the log probabilities of all' })
  if (prompts > 1) changes.push({ param: 'prompt', action: 'emulated', reason: 'each prompt is a separate native call' })
  if (each > 1) changes.push({ param: 'n', action: 'emulated', from: each, reason: 'each choice is a separate native call, and billed as one' })
  return choices
}

/**
 * A completion continues its prompt, but classic models put the prompt into their chat template unless `raw` is set.
 * Families without that field take every prompt unchanged.
 */
function toRaw ({ raw }: PromptRequest, { takesPrompt, extras }: Family, changes: Change[]): boolean | undefined {
  if (takesPrompt && extras.includes('raw')) return raw ?? true
  if (raw != null && raw !== takesPrompt) {
    changes.push({ param: 'raw', action: 'dropped', from: raw, reason: takesPrompt ? 'this model puts no prompt into its chat template' : 'this model puts everything into its chat template' })
  }
  return undefined
}

function toLogprobs ({ logprobs, echo }: PromptRequest, { takesPrompt, extras }: Family, changes: Change[]): Record<string, unknown> {
  if (logprobs == null) return {}
  if (takesPrompt && extras.includes('logprobs')) {
    if (echo === true) changes.push({ param: 'logprobs', action: 'clamped', from: logprobs, reason: 'Workers AI returns those of the answer, and none of the prompt' })
    return { logprobs: true, top_logprobs: logprobs }
  }
  changes.push({ param: 'logprobs', action: 'dropped', from: logprobs, reason: 'this model returns none' })
  return {}
}

/**
 * One limit for all prompts: the room that the longest one leaves. A model that thinks first would spend OpenAI's default
 * on its thinking, which a text completion does not return. A model that thinks by default may do so without its template
 * as well.
 */
function toLimit (
  { max_tokens: own, max_completion_tokens: chats }: PromptRequest,
  model: Model,
  inputs: readonly Input[],
  { defaultMaxTokens, isVerbatim }: { defaultMaxTokens: number, isVerbatim: boolean },
  changes: Change[]
): number {
  const longest = inputs.map(({ tokens }) => tokens).reduce((one, other) => (one.atMost >= other.atMost ? one : other))
  const { channel, isDefault } = model.family.thinking
  const thinks = channel !== 'none' && (!isVerbatim || isDefault)
  const asked = own ?? chats
  if (chats != null) {
    changes.push({
      param: 'max_completion_tokens',
      action: own == null ? 'renamed' : 'dropped',
      from: chats,
      reason: own == null ? 'a text completion calls it max_tokens' : 'max_tokens was given too and wins'
    })
  }
  const limit = toTokenLimit(
    own == null ? { max_completion_tokens: chats ?? null } : { max_tokens: own },
    model,
    longest,
    thinks ? defaultMaxTokens : DEFAULT_MAX_TOKENS,
    changes
  )
  if (thinks && asked == null) {
    changes.push({
      param: 'max_tokens',
      action: 'emulated',
      to: limit,
      reason: `this model ${isVerbatim ? 'may think' : 'thinks'} first, for which OpenAI's default of ${DEFAULT_MAX_TOKENS} tokens is too little`
    })
  }
  return limit
}
