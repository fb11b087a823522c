import type { Change } from '../../generation/change.ts'
import type { GenerationRequest } from '../../generation/request.ts'
import type { Family } from '../models/family.ts'
import type { Model } from '../models/model.ts'
import type { PromptJson } from './native-json.ts'

/** Tokens for the answer if the upper estimate of the prompt already fills the window; Cloudflare then decides. */
const SMALLEST_DEFAULT = 256

/** Template tokens around one message, rounded up. */
const TOKENS_PER_MESSAGE = 8

/** Letters of ordinary English, of code and of JSON there are in a token, rather too few. */
const CHARACTERS_PER_TOKEN = 3.5

/** Bytes of UTF-8 there are in a token at least. */
const BYTES_PER_TOKEN = 3

/** Estimated tokens of a prompt, without a tokenizer. */
export interface PromptEstimate {
  /** Upper estimate, above any tokenizer in use for ordinary text: 3 UTF-8 bytes per token, and 8 tokens per message. */
  atMost: number
  /** Cloudflare's own estimate, by which it answers 5021: 4 characters per token. */
  asCloudflare: number
  /**
   * What is told to clients before Cloudflare has counted: 3.5 characters a token, and 3 bytes of what is beyond ASCII. That is
   * rather too many than too few, because clients shorten a conversation by it before it is too long.
   */
  likely: number
}

/** What decides how much room a prompt leaves. */
type Room = Pick<PromptEstimate, 'atMost' | 'asCloudflare'>

/**
 * Estimates a native prompt from the size of its JSON; escapes and field names make the estimate slightly larger.
 * @param messagesLength number of messages
 */
export function toPromptEstimate ({ bytes, characters }: PromptJson['size'], messagesLength: number): PromptEstimate {
  return {
    atMost: Math.ceil(bytes / BYTES_PER_TOKEN) + TOKENS_PER_MESSAGE * messagesLength,
    asCloudflare: Math.ceil(characters / 4),
    likely: Math.ceil(characters / CHARACTERS_PER_TOKEN + (bytes - characters) / BYTES_PER_TOKEN)
  }
}

/**
 * The limit to send for the answer, in tokens: the caller's, or `defaultMaxTokens` clamped to the rest of the context
 * window. Always sent, because Workers AI would otherwise stop at 256 tokens.
 * A limit that Cloudflare would certainly refuse is clamped to what fits.
 */
export function toTokenLimit (request: Pick<GenerationRequest, 'max_tokens' | 'max_completion_tokens'>, model: Model, prompt: Room, defaultMaxTokens: number, changes: Change[]): number {
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

/** Tokens to reserve for the answer if the prompt may be truncated: the caller's limit, at most half the window. */
export function toReserve (request: Pick<GenerationRequest, 'max_completion_tokens'>, window: number): number {
  return Math.min(request.max_completion_tokens ?? SMALLEST_DEFAULT, Math.floor(window / 2))
}

/** The native fields of a limit. */
export function toLimitFields (maxTokens: number, { maxTokensName, bothMaxTokensNames }: Family): Record<string, number> {
  return { [maxTokensName]: maxTokens, ...(bothMaxTokensNames && { max_tokens: maxTokens }) }
}

function roomFor (prompt: Room, window: number): number {
  const left = window - prompt.atMost
  if (left >= SMALLEST_DEFAULT) return left
  return Math.max(1, Math.min(SMALLEST_DEFAULT, window - prompt.asCloudflare))
}
