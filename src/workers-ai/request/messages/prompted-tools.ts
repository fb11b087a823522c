import { toExactJson } from '../../../json/exact-integers.ts'
import { withInstruction } from './instructions.ts'
import type { NativeMessage } from '../native-message.ts'
import type { NativeTool } from '../tools.ts'

/**
 * Tools for models without native tools: described in the system message, called between `<tool_call>` tags, which the stage
 * for leaked calls reads. Earlier calls and results are written in the same form. The hermes models were trained on it, and
 * most others follow it. The results of one turn and a user message directly after them are one message, because some
 * templates refuse two user messages in a row.
 */
export function withPromptedTools (messages: readonly NativeMessage[], tools: readonly NativeTool[]): NativeMessage[] {
  const written: NativeMessage[] = []
  for (const [index, message] of messages.map(toText).entries()) {
    const last = messages[index - 1]?.role === 'tool' && isPlainUser(message) ? written.pop() : undefined
    written.push(last ? { ...last, content: `${contentOf(last)}\n${contentOf(message)}` } : message)
  }
  return tools.length > 0 ? withInstruction(written, toInstruction(tools)) : written
}

function isPlainUser ({ role, content, name }: NativeMessage): boolean {
  return role === 'user' && typeof content === 'string' && name === undefined
}

/** A message without tool fields, its calls and results written as text. */
function toText (message: NativeMessage): NativeMessage {
  const { tool_calls: calls, tool_call_id: _id, name: _name, ...rest } = message
  if (message.role === 'tool') return { ...rest, role: 'user', content: `<tool_response>\n${contentOf(message)}\n</tool_response>` }
  if (!calls?.length) return message
  const written = calls.map(call => toCall(call.function.name, call.function.arguments))
  return { ...rest, content: [contentOf(message), ...written].filter(text => text !== '').join('\n') }
}

function toInstruction (tools: readonly NativeTool[]): string {
  return [
    'You can call these functions:',
    ...tools.map(({ function: { name, description, parameters } }) => toExactJson({ name, description, parameters })),
    'To call one, answer with nothing but a JSON object in this form, once for each call:',
    toCall('FUNCTION_NAME', '{"PARAMETER": "VALUE"}'),
    'The result of a call comes back in <tool_response> tags. When no function is needed, answer in plain words.'
  ].join('\n')
}

/** @param args JSON text */
function toCall (name: string, args: string): string {
  return `<tool_call>\n{"name": ${JSON.stringify(name)}, "arguments": ${args}}\n</tool_call>`
}

function contentOf ({ content }: NativeMessage): string {
  return typeof content === 'string' ? content : content.map(part => part.type === 'text' ? part.text : '').join('\n')
}
