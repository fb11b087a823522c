import type { Change } from '../../generation/change.ts'
import type { GenerationRequest } from '../../generation/request.ts'
import type { Family } from '../models/family.ts'
import type { Model } from '../models/model.ts'
import type { PromptJson } from './native-json.ts'

/** Room left for an answer when the over-estimated prompt already fills the window; Cloudflare then has the last word. */
const SMALLEST_DEFAULT = 256

/** Template tokens around one message, rounded up. */
const TOKENS_PER_MESSAGE = 8

/** How long a prompt is, in tokens, guessed without a tokenizer. */
export interface PromptEstimate {
  /** More than any tokenizer in use gives for ordinary text: 3 UTF-8 bytes a token, and 8 tokens a message. */
  atMost: number
  /** What Cloudflare's door check assumes before it answers 5021: 4 characters a token. */
  asCloudflare: number
}

/**
 * Estimates a native prompt from the size of its JSON; escapes and field names make the guess a little larger still.
 * @param messagesLength number of messages
 */
export function toPromptEstimate ({ bytes, characters }: PromptJson['size'], messagesLength: number): PromptEstimate {
  return {
    atMost: Math.ceil(bytes / 3) + TOKENS_PER_MESSAGE * messagesLength,
    asCloudflare: Math.ceil(characters / 4)
  }
}

/**
 * The limit to send for the answer, in tokens: what the caller asked for, else `defaultMaxTokens` cut to what the
 * context window leaves. Never left out, because Workers AI would stop at 256 tokens without a word.
 * A limit that Cloudflare would refuse for certain is clamped to what fits.
 */
export function toTokenLimit (request: Pick<GenerationRequest, 'max_tokens' | 'max_completion_tokens'>, model: Model, prompt: PromptEstimate, defaultMaxTokens: number, changes: Change[]): number {
  const name = request.max_completion_tokens != null ? 'max_completion_tokens' : 'max_tokens'
  const asked = request[name] ?? undefined
  if (request.max_completion_tokens != null && request.max_tokens != null && request.max_tokens !== asked) {
    changes.push({ param: 'max_tokens', action: 'dropped', from: request.max_tokens, reason: 'max_completion_tokens was given too and wins' })
  }
  const output = model.maxOutputTokens ?? Infinity
  const room = Math.min(output, roomFor(prompt, model.contextWindow ?? Infinity))
  if (asked === undefined) return Math.min(defaultMaxTokens, room)
  const ceiling = Math.min(output, (model.contextWindow ?? Infinity) - prompt.asCloudflare)
  if (asked <= Math.max(1, ceiling)) return asked
  changes.push({ param: name, action: 'clamped', from: asked, to: room, reason: `more than fits this model's ${model.contextWindow !== undefined && ceiling < output ? `context window of ${model.contextWindow}` : `output of at most ${output}`} tokens` })
  return room
}

/** Tokens to keep free for the answer where the prompt may be cut to fit: what was asked for, half the window at most. */
export function toReserve (request: Pick<GenerationRequest, 'max_completion_tokens'>, window: number): number {
  return Math.min(request.max_completion_tokens ?? SMALLEST_DEFAULT, Math.floor(window / 2))
}

/** The native fields of a limit. */
export function toLimitFields (maxTokens: number, { maxTokensName, bothMaxTokensNames }: Family): Record<string, number> {
  return { [maxTokensName]: maxTokens, ...(bothMaxTokensNames && { max_tokens: maxTokens }) }
}

function roomFor (prompt: PromptEstimate, window: number): number {
  const left = window - prompt.atMost
  if (left >= SMALLEST_DEFAULT) return left
  return Math.max(1, Math.min(SMALLEST_DEFAULT, window - prompt.asCloudflare))
}
