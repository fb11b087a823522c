import type { Change } from '../../generation/change.ts'
import type { NativeMessage } from './native-message.ts'
import { toJson } from './native-json.ts'
import type { RunInput, RunRequest } from './run-request.ts'

/** Fields that both forms have under the same name. */
const SAME = new Set(['temperature', 'top_p', 'options'])

/** Fields that have another name there, or that our own stages handle. */
const SEEN_TO = new Set(['max_tokens', 'max_completion_tokens', 'reasoning_effort', 'stop'])

/**
 * A chat in the other form that gpt-oss takes, that of OpenAI's Responses API: items instead of messages. Cloudflare documents
 * it for whole answers only, so it is not streamed. Tools and structured outputs are not translated.
 * @param request with messages
 */
export function toInputForm (request: RunRequest): RunRequest {
  const { fields, inputs: [first, ...rest], seed, ...same } = request
  const effort = fields['reasoning_effort']
  const lost = [...Object.keys(fields).filter(name => !SAME.has(name) && !SEEN_TO.has(name)), ...(seed === undefined ? [] : ['seed'])]
  return {
    ...same,
    fields: {
      max_output_tokens: request.maxTokens,
      ...(effort !== undefined && { reasoning: { effort } }),
      ...Object.fromEntries(Object.entries(fields).filter(([name]) => SAME.has(name)))
    },
    inputs: [toItems(first), ...rest.map(toItems)],
    canStream: false,
    changes: [...request.changes, ...lost.map((param): Change => ({ param, action: 'dropped', reason: 'this model refused messages, and the form it takes instead has no such field' }))]
  }
}

function toItems ({ json, ...input }: RunInput): RunInput {
  const messages = JSON.parse(typeof json === 'string' ? json : Buffer.concat(json).toString()) as NativeMessage[]
  return { ...input, member: 'input', json: toJson(messages.flatMap(toItem)) }
}

function toItem ({ role, content, tool_calls: calls = [], tool_call_id: callId }: NativeMessage): object[] {
  const text = typeof content === 'string' ? content : content.map(part => 'text' in part ? part.text : '').join('\n')
  if (role === 'tool') return [{ type: 'function_call_output', call_id: callId, output: text }]
  return [
    ...(text === '' && calls.length > 0 ? [] : [{ role, content: text }]),
    ...calls.map(({ id, function: { name, arguments: args } }) => ({ type: 'function_call', call_id: id, name, arguments: args }))
  ]
}
