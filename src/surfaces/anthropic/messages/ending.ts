import type { Batch } from '../../../generation/event.ts'
import type { MessageObject } from './wire.ts'

export type MessageEnding = Pick<MessageObject, 'stop_reason' | 'stop_sequence' | 'stop_details'>

/**
 * Why an answer ended, in Anthropic's words.
 * @param isWindowFull the context window ended it at its limit, before the limit the caller gave
 */
export function toEnding (finish: Extract<Batch[number], { type: 'finish' }> | undefined, isWindowFull: boolean): MessageEnding {
  const ending = (reason: MessageObject['stop_reason']): MessageEnding => ({ stop_reason: reason, stop_sequence: null })
  if (finish?.stop !== undefined) return { stop_reason: 'stop_sequence', stop_sequence: finish.stop }
  switch (finish?.reason) {
    case 'length': return ending(isWindowFull ? 'model_context_window_exceeded' : 'max_tokens')
    case 'tool_calls': return ending('tool_use')
    case 'content_filter': return { ...ending('refusal'), stop_details: { type: 'refusal', category: null, explanation: null } }
    default: return ending('end_turn')
  }
}
