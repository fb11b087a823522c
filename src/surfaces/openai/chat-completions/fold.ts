import type { Batch, ToolCallEvent, Usage } from '../../../generation/event.ts'
import type { ChatCompletion, ChatCompletionChoice, ChatCompletionMessage, OpenAIFinishReason, TokenLogprob, ToolCall } from './wire.ts'
import { toSum } from '../../../generation/usage.ts'
import { toUsage } from '../usage.ts'

/** Values that all parts of one reply share. */
export interface ReplyIdentity {
  /** `chatcmpl-` and 29 letters or digits. */
  id: string
  /** Unix time in seconds. */
  created: number
  /** The model as the caller named it. */
  model: string
  /** OpenAI's `system_fingerprint`. */
  fingerprint: string
  /** Calls are returned as the deprecated `function_call`. */
  legacyFunctions: boolean
}

/** One finished generation, folded from its events. */
export interface FoldedChoice {
  choice: ChatCompletionChoice
  usage: Usage
}

/**
 * Folds the events of one generation into a choice.
 * @param index 0-based number of the choice
 * @throws the error of a failure event
 */
export function toChoice (events: Batch, index: number, identity: ReplyIdentity): FoldedChoice {
  let content = ''
  let reasoning = ''
  let finishReason: OpenAIFinishReason = 'stop'
  let usage: Usage = { promptTokens: 0, completionTokens: 0 }
  const calls: ToolCall[] = []
  const logprobs: TokenLogprob[] = []
  for (const event of events) {
    switch (event.type) {
      case 'text':
        content += event.text
        if (event.logprobs) logprobs.push(...event.logprobs)
        break
      case 'reasoning':
        reasoning += event.text
        break
      case 'tool_call': {
        const call = calls[event.index] ??= toCall(event)
        if (call.type === 'function') call.function.arguments += event.arguments
        break
      }
      case 'usage':
        usage = event.usage
        break
      case 'finish':
        finishReason = toFinishReason(event.reason ?? 'stop', identity)
        break
      case 'failure': throw event.error
    }
  }
  const message: ChatCompletionMessage = {
    role: 'assistant',
    content: content === '' && calls.length > 0 ? null : content,
    refusal: null,
    annotations: [],
    ...(reasoning !== '' && { reasoning_content: reasoning }),
    ...toCalls(calls, identity)
  }
  return {
    choice: { index, message, logprobs: logprobs.length > 0 ? { content: logprobs, refusal: null } : null, finish_reason: finishReason },
    usage
  }
}

/** The whole answer from its choices, usage summed. */
export function toChatCompletion (choices: readonly FoldedChoice[], { id, created, model, fingerprint }: ReplyIdentity): ChatCompletion {
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: choices.map(({ choice }) => choice),
    usage: toUsage(toSum(choices.map(({ usage }) => usage))),
    service_tier: 'default',
    system_fingerprint: fingerprint
  }
}

/** OpenAI's finish reason, in the form that this reply's caller expects. */
export function toFinishReason (reason: OpenAIFinishReason, { legacyFunctions }: ReplyIdentity): OpenAIFinishReason {
  return reason === 'tool_calls' && legacyFunctions ? 'function_call' : reason
}

/** A call without its arguments; a call of a custom tool is complete. */
function toCall ({ id = '', name = '', arguments: input, isCustom }: ToolCallEvent): ToolCall {
  return isCustom ? { id, type: 'custom', custom: { name, input } } : { id, type: 'function', function: { name, arguments: '' } }
}

function toCalls (calls: ToolCall[], { legacyFunctions }: ReplyIdentity): Pick<ChatCompletionMessage, 'tool_calls' | 'function_call'> {
  const first = calls[0]
  if (first === undefined) return {}
  return legacyFunctions && first.type === 'function' ? { function_call: first.function } : { tool_calls: calls }
}
