import t from 'tap'
import { toMessageUsage } from '../../../../src/surfaces/anthropic/messages/usage.ts'

t.strictSame(toMessageUsage({ promptTokens: 30, completionTokens: 7 }), { input_tokens: 30, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 7 })
t.strictSame(toMessageUsage({ promptTokens: 30, completionTokens: 7, cachedTokens: 20, reasoningTokens: 3 }), { input_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 20, output_tokens: 7, output_tokens_details: { thinking_tokens: 3 } })
