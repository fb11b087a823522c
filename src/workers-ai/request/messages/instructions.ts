import type { NativeMessage } from '../native-message.ts'

/**
 * Adds a paragraph to the system message, or a system message at the beginning: some templates take at most one, and only
 * there.
 * @returns new messages; the given ones stay unchanged
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
