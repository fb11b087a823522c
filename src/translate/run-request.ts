import { InvalidRequestError } from '../errors.ts'
import type { Change } from '../generation/change.ts'
import type { ChatCompletionRequest } from '../openai/chat-completion-request.ts'
import type { Model } from '../workers-ai/model.ts'
import { toNativeMessages, type NativeMessage } from './messages.ts'
import { toOtherParameters } from './other-parameters.ts'
import { toNativeFormat } from './response-format.ts'
import { toNativeSeed, toSampling } from './sampling.ts'
import { toPromptEstimate, toTokenLimit } from './token-limit.ts'
import { toNativeTools } from './tools.ts'

/** Tokens one image may cost; its base64 text says nothing about it. */
const TOKENS_PER_IMAGE = 1_500

export interface RunRequestOptions {
  /** The limit when the caller gives none, in tokens. */
  defaultMaxTokens: number
  /** The most choices one request may ask for. */
  maxChoices: number
  /** What becomes of parameters Workers AI does not take: told in the changes, or refused. */
  unsupportedParams: 'warn' | 'reject'
}

/** A chat request in Workers AI's words, and what our own stages have to do for the rest. */
export interface RunRequest {
  /** The native body but for `messages`, `seed` and `stream`. */
  fields: Record<string, unknown>
  /** JSON text of the native messages: written once, though it may be sent several times. */
  messages: string
  /** The caller's seed in the native range; absent when the caller gave none. */
  seed?: number
  /** Whether upstream may be asked to stream; classic JSON mode refuses it with 5023. */
  canStream: boolean
  choices: number
  /** Sequences our own stage ends the text at. */
  stop: string[]
  singleToolCall: boolean
  /** The caller spoke of `functions`, and is answered with `function_call`. */
  legacyFunctions: boolean
  /** The limit that is sent, in tokens. */
  maxTokens: number
  /** Guess of the prompt's tokens, for an upstream that does not count. */
  promptTokens: number
  /** The caller's `prompt_cache_key`, if it can be a header value. */
  cacheKey?: string
  changes: Change[]
}

/**
 * Translates a chat completion request for a model.
 * @throws InvalidRequestError when something in it cannot be served, or when parameters that are not taken are refused
 */
export function toRunRequest (request: ChatCompletionRequest, model: Model, options: RunRequestOptions): RunRequest {
  const { family } = model
  const changes: Change[] = []
  const choices = toChoices(request, options, changes)
  const messages = toNativeMessages(request.messages, model, changes)
  const { seed, ...sampling } = toSampling(request, family, changes)
  const tools = toNativeTools(request, family, changes)
  const format = toNativeFormat(request, model)
  const stop = toStops(request)
  const others = toOtherParameters(request, family, changes)
  const cacheKey = toCacheKey(request, changes)
  const text = toJson(messages)
  const prompt = toPromptEstimate(withoutImages(text, messages), messages.length)
  prompt.atMost += Math.ceil(JSON.stringify(tools.tools ?? '').length / 3) + TOKENS_PER_IMAGE * imagesOf(messages).length
  const maxTokens = toTokenLimit(request, model, prompt, options.defaultMaxTokens, changes)
  if (options.unsupportedParams === 'reject') refuseDropped(changes)
  return {
    fields: {
      [family.maxTokensName]: maxTokens,
      ...sampling,
      ...tools,
      ...format,
      ...(family.nativeStop && stop.length > 0 && { stop }),
      ...others
    },
    messages: text,
    ...(seed !== undefined && { seed }),
    canStream: family.toolChoice || Object.keys(format).length === 0,
    choices,
    stop,
    singleToolCall: request.parallel_tool_calls === false && !family.toolChoice,
    legacyFunctions: !request.tools?.length && !!request.functions?.length,
    maxTokens,
    promptTokens: prompt.asCloudflare,
    ...(cacheKey !== undefined && { cacheKey }),
    changes
  }
}

/**
 * The JSON text to send for one choice.
 * @param choice 0-based; later choices get the following seeds, so that they differ
 * @param anySeed a random seed for callers that gave none but ask for several choices
 */
export function toBody (request: RunRequest, { stream, choice, anySeed }: { stream: boolean, choice: number, anySeed: number }): string {
  const seed = request.seed ?? (request.choices > 1 ? anySeed : undefined)
  const fields = {
    ...request.fields,
    ...(seed !== undefined && { seed: toNativeSeed(seed + choice) }),
    ...(stream && { stream: true, ...(request.fields['max_completion_tokens'] !== undefined && { stream_options: { include_usage: true } }) })
  }
  return `{"messages":${request.messages},${toJson(fields).slice(1)}`
}

function toChoices (request: ChatCompletionRequest, { maxChoices }: RunRequestOptions, changes: Change[]): number {
  const choices = request.n ?? 1
  if (choices > maxChoices) {
    throw new InvalidRequestError(`Invalid 'n': integer above maximum value. Expected a value <= ${maxChoices}, but got ${choices} instead.`, { param: 'n', code: 'integer_above_max_value' })
  }
  if (choices > 1) changes.push({ param: 'n', action: 'emulated', from: choices, reason: 'each choice is a native call of its own, and billed as one' })
  return choices
}

function toStops ({ stop }: ChatCompletionRequest): string[] {
  return [stop ?? []].flat().filter(text => text !== '')
}

function toCacheKey ({ prompt_cache_key: key }: ChatCompletionRequest, changes: Change[]): string | undefined {
  if (key == null || key === '') return undefined
  if (/^[\w.:-]{1,128}$/.test(key)) return key
  changes.push({ param: 'prompt_cache_key', action: 'dropped', reason: 'only up to 128 letters, digits and . _ : - can be sent to Workers AI' })
  return undefined
}

function refuseDropped (changes: readonly Change[]): void {
  const change = changes.find(({ action }) => action === 'dropped')
  if (change === undefined) return
  throw new InvalidRequestError(`Unsupported parameter: '${change.param}' is not supported with this model.`, { param: change.param, code: 'unsupported_parameter' })
}

function imagesOf (messages: readonly NativeMessage[]): string[] {
  return messages.flatMap(({ content }) => typeof content === 'string' ? [] : content)
    .flatMap(part => part.type === 'image_url' ? [part.image_url.url] : [])
}

function withoutImages (text: string, messages: readonly NativeMessage[]): string {
  return imagesOf(messages).reduce((rest, url) => rest.replace(url, ''), text)
}

/** Strict JSON readers upstream refuse lone surrogates, which JavaScript writes as escapes; they become U+FFFD. */
function toJson (value: unknown): string {
  const text = JSON.stringify(value)
  if (!/\\ud[89a-f]/.test(text)) return text
  return JSON.stringify(value, (_key, one: unknown) => typeof one === 'string' ? one.toWellFormed() : one)
}
