import type { NativeMessage } from './generation-reader.ts'

/** One item of a Responses API `output`; every field may be missing or of another type. */
interface OutputItem {
  type?: unknown
  /** Parts of a message or of its thinking. */
  content?: unknown
  /** What is told of the thinking instead of all of it. */
  summary?: unknown
  call_id?: unknown
  name?: unknown
  arguments?: unknown
}

/**
 * The message that an `output` of OpenAI's Responses API stands for: gpt-oss has that shape in Cloudflare's model
 * documentation.
 * @returns undefined when the value is no list
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
