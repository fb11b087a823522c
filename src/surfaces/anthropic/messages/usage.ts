import type { Usage } from '../../../generation/event.ts'
import type { MessageUsage } from './wire.ts'

/** Anthropic's usage: the tokens of a prompt that a cache held are counted apart from the others. */
export function toMessageUsage ({ promptTokens, completionTokens, cachedTokens = 0, reasoningTokens = 0 }: Usage): MessageUsage {
  return {
    input_tokens: promptTokens - cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    output_tokens: completionTokens,
    ...(reasoningTokens > 0 && { output_tokens_details: { thinking_tokens: reasoningTokens } })
  }
}
