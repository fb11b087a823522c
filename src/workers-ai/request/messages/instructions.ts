import type { NativeMessage } from '../native-message.ts'

/**
 * Adds a paragraph to the system message, or a system message at the front: some templates take one there and nowhere
 * else, and at most one.
 * @returns new messages; the given ones stay as they are
 */
export function withInstruction (messages: readonly NativeMessage[], instruction: string): NativeMessage[] {
  const [first, ...others] = messages
  if (first === undefined || (first.role !== 'system' && first.role !== 'developer')) {
    return [{ role: 'system', content: instruction }, ...messages]
  }
  const content = typeof first.content === 'string'
    ? [first.content, instruction].filter(text => text !== '').join('\n\n')
    : [...first.content, { type: 'text' as const, text: instruction }]
  return [{ ...first, content }, ...others]
}
