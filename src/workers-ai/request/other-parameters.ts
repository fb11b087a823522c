import { InvalidRequestError } from '../../errors.ts'
import type { Change } from '../../generation/change.ts'
import type { GenerationRequest } from '../../generation/request.ts'
import { THINKING_WORDS } from '../../generation/thinking.ts'
import type { Family } from '../models/family.ts'
import { isOff } from '../../generation/off-values.ts'

/** Fields that other files translate. */
const TRANSLATED = new Set([
  'model', 'messages', 'stream', 'stream_options', 'n', 'stop', 'max_tokens', 'max_completion_tokens',
  'temperature', 'top_p', 'top_k', 'seed', 'repetition_penalty', 'frequency_penalty', 'presence_penalty',
  'tools', 'tool_choice', 'parallel_tool_calls', 'functions', 'function_call', 'response_format', 'prompt_cache_key',
  ...THINKING_WORDS
])

const LOGPROBS = ['logprobs', 'top_logprobs'] as const

/**
 * Every remaining member of the body. Native extras pass to families that take them. The rest is not sent, and each
 * leaves a change unless it requests what happens anyway.
 * @throws InvalidRequestError for `top_logprobs` without `logprobs`, as OpenAI does
 */
export function toOtherParameters (request: GenerationRequest, family: Family, changes: Change[]): Record<string, unknown> {
  if (request.top_logprobs && request.logprobs !== true) {
    throw new InvalidRequestError((name, nameOf) => `The '${name}' parameter is only allowed when '${nameOf('logprobs')}' is enabled.`, { param: 'top_logprobs' })
  }
  if (!isRewritten(request, family)) return toExtras(request, TRANSLATED, family.extras, changes)
  for (const name of LOGPROBS) {
    const value = request[name]
    if (!isOff(name, value)) changes.push({ param: name, action: 'dropped', from: value, reason: 'the text is searched for tool calls, JSON or thinking, so its pieces are no longer tokens' })
  }
  return toExtras(request, new Set([...TRANSLATED, ...LOGPROBS]), family.extras, changes)
}

/**
 * The untranslated members of a body that the model takes. Any other leaves a change, unless it requests what happens
 * anyway.
 * @param translated names to skip
 * @param extras names that the model takes
 */
export function toExtras (
  request: object,
  translated: ReadonlySet<string>,
  extras: readonly string[],
  changes: Change[]
): Record<string, unknown> {
  const native: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(request)) {
    if (translated.has(name) || isOff(name, value)) continue
    if (extras.includes(name)) {
      native[name] = value
    } else {
      changes.push({ param: name, action: 'dropped', from: value, reason: 'Workers AI does not take it' })
    }
  }
  return native
}

/** Whether the answer's text passes stages that split it differently, so that logprobs no longer match. */
function isRewritten ({ tools, functions, response_format: format }: GenerationRequest, { thinking }: Family): boolean {
  return !!tools?.length || !!functions?.length || (format != null && format.type !== 'text') || thinking.channel === 'tags' || thinking.channel === 'open-tags'
}
