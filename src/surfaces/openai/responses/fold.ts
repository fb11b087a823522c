import type { FunctionToolParam, ResponseRequest, ToolParam } from './request.ts'
import type { CompactedResponse, KeptItem, ResponseObject, ResponseUsage } from './wire.ts'
import type { ErrorBody } from '../error-body.ts'
import type { Output } from './output.ts'
import { toResponseUsage } from '../usage.ts'

/** Data of a response that only the route knows. */
export interface ResponseIdentity {
  /** `resp_` and 50 hexadecimal digits. */
  id: string
  /** Unix time in seconds. */
  createdAt: number
}

/** A response with usage. */
export type EndedResponse = ResponseObject & { usage: ResponseUsage }

/** A response that has begun: everything except its output, with the caller's parameters and OpenAI's defaults. */
export function toBegunResponse (request: ResponseRequest, { id, createdAt }: ResponseIdentity): ResponseObject {
  return {
    id,
    object: 'response',
    created_at: createdAt,
    completed_at: null,
    status: 'in_progress',
    background: false,
    error: null,
    incomplete_details: null,
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? request.max_completion_tokens ?? request.max_tokens ?? null,
    max_tool_calls: request.max_tool_calls ?? null,
    model: request.model ?? '',
    output: [],
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    reasoning: { effort: request.reasoning?.effort ?? null, summary: request.reasoning?.summary ?? null },
    safety_identifier: request.safety_identifier ?? null,
    service_tier: 'default',
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: { format: request.text?.format ?? { type: 'text' }, verbosity: request.text?.verbosity ?? 'medium' },
    tool_choice: request.tool_choice ?? 'auto',
    tools: (request.tools ?? []).map(tool =>
      isFunction(tool) ? { ...tool, parameters: tool.parameters ?? null, strict: tool.strict ?? true } : tool
    ),
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    truncation: request.truncation ?? 'disabled',
    usage: null,
    user: request.user ?? null,
    metadata: request.metadata ?? {}
  }
}

/**
 * The whole response, from the folded output of its generation.
 * @param completedAt Unix time in seconds
 */
export function toEndedResponse (begun: ResponseObject, { items, usage, finishReason }: Output, completedAt: number): EndedResponse {
  const ended: EndedResponse = { ...begun, output: items, usage: toResponseUsage(usage) }
  switch (finishReason) {
    case 'length': return { ...ended, status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }
    case 'content_filter': return { ...ended, status: 'incomplete', incomplete_details: { reason: 'content_filter' } }
    default: return { ...ended, status: 'completed', completed_at: completedAt }
  }
}

/**
 * A response that is a compaction, in the form of its own endpoint.
 * @param messages the user's messages, which stay beside it
 */
export function toCompactedResponse ({ id, created_at: createdAt, output, usage }: EndedResponse, messages: KeptItem[]): CompactedResponse {
  return { id, object: 'response.compaction', created_at: createdAt, output: [...messages, ...output], usage }
}

/** A broken response, with its output so far. */
export function toFailedResponse (begun: ResponseObject, { items }: Output, { code, message }: ErrorBody['error']): ResponseObject {
  const output = items.map(item => 'status' in item && item.status === 'in_progress' ? { ...item, status: 'incomplete' as const } : item)
  return { ...begun, status: 'failed', error: { code: code ?? 'server_error', message }, output }
}

function isFunction (tool: ToolParam): tool is FunctionToolParam {
  return tool.type === 'function'
}
