import { invalid } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import type { Message } from '../../../generation/request.ts'
import type { NativeMessage } from '../native-message.ts'
import { withPromptedTools } from './prompted-tools.ts'

/**
 * The dialogue in a conversation, for a model that judges it: what the user and the assistant said by turns. System
 * messages are left out, and what the assistant said before the user; calls and their results are told as text, and who
 * speaks twice is told as one message.
 * @param given the caller's messages
 * @param native the same in native form
 * @throws InvalidRequestError when the user says nothing
 */
export function toDialogue (given: readonly Message[], native: readonly NativeMessage[], changes: Change[]): NativeMessage[] {
  const start = given.findIndex(({ role }) => !isSystem(role) && role !== 'assistant')
  if (start === -1) throw invalid('messages', "this model judges what a user and an assistant say by turns, and there is no message of the role 'user'.", 'invalid_value')
  for (const [index, { role }] of given.entries()) {
    if (isSystem(role) || index < start) changes.push({ param: `messages[${index}]`, action: 'dropped', from: role, reason: 'this model judges what the user and the assistant say, and takes nothing else, nor an assistant who speaks first' })
  }
  const dialogue = native.filter(({ role }) => !isSystem(role))
  const spoken = dialogue.slice(dialogue.findIndex(({ role }) => role !== 'assistant'))
  const told = spoken.some(({ role, tool_calls: calls }) => role === 'tool' || calls)
  if (told) changes.push({ param: 'messages', action: 'emulated', reason: 'this model has no tool calling; earlier calls and their results are told as text' })
  const turns = joined(told ? withPromptedTools(spoken, []) : spoken)
  if (turns.length < spoken.length) changes.push({ param: 'messages', action: 'repaired', reason: 'this model takes the user and the assistant by turns; messages of one of them in a row are one' })
  return turns
}

function isSystem (role: string): boolean {
  return role === 'system' || role === 'developer'
}

/** Messages of one role in a row as one. */
function joined (messages: readonly NativeMessage[]): NativeMessage[] {
  const turns: NativeMessage[] = []
  for (const message of messages) {
    const last = turns.at(-1)
    if (last?.role === message.role && typeof last.content === 'string' && typeof message.content === 'string') {
      turns[turns.length - 1] = { ...last, content: `${last.content}\n\n${message.content}` }
    } else {
      turns.push(message)
    }
  }
  return turns
}
