import type { NativeMessage, OutputItem } from './native-answer.ts'

/**
 * Converts an `output` of OpenAI's Responses API to a message. gpt-oss has that shape in Cloudflare's model documentation.
 * @returns undefined if the value is not a list
 */
export function toMessage (output: unknown): NativeMessage | undefined {
  if (!Array.isArray(output)) return undefined
  const items = output.filter((item): item is OutputItem => typeof item === 'object' && item !== null)
  return {
    content: items.filter(({ type }) => type === 'message').map(({ content }) => textOf(content)).join(''),
    reasoning: items.filter(({ type }) => type === 'reasoning').map(({ content, summary }) => textOf(content) || textOf(summary)).join(''),
    tool_calls: items.filter(({ type }) => type === 'function_call').map(({ call_id: id, name, arguments: args }) => ({ id, name, arguments: args }))
  }
}

function textOf (parts: unknown): string {
  if (!Array.isArray(parts)) return typeof parts === 'string' ? parts : ''
  return parts.map((part: { text?: unknown } | null) => typeof part?.text === 'string' ? part.text : '').join('')
}
