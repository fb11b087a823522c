import { invalid } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import type { Message } from '../../../generation/request.ts'
import type { NativeMessage } from '../native-message.ts'
import { withPromptedTools } from './prompted-tools.ts'

/**
 * The dialogue of a conversation, for a model that judges it: messages of user and assistant in turns. System messages, and
 * assistant messages before the first user message, are left out. Calls and their results become text. Several messages
 * of one role in a row become one.
 * @param given the caller's messages
 * @param native the same in native form
 * @throws InvalidRequestError if there is no user message
 */
export function toDialogue (given: readonly Message[], native: readonly NativeMessage[], changes: Change[]): NativeMessage[] {
  const start = given.findIndex(({ role }) => !isSystem(role) && role !== 'assistant')
  if (start === -1) throw invalid('messages', "this model judges a dialogue of user and assistant, and there is no message of the role 'user'.", 'invalid_value')
  for (const [index, { role }] of given.entries()) {
    if (isSystem(role) || index < start) changes.push({ param: `messages[${index}]`, action: 'dropped', from: role, reason: 'this model judges the messages of user and assistant; it takes no others, and no assistant message first' })
  }
  const dialogue = native.filter(({ role }) => !isSystem(role))
  const spoken = dialogue.slice(dialogue.findIndex(({ role }) => role !== 'assistant'))
  const told = spoken.some(({ role, tool_calls: calls }) => role === 'tool' || calls)
  if (told) changes.push({ param: 'messages', action: 'emulated', reason: 'this model has no tool calling; earlier calls and their results are sent as text' })
  const turns = joined(told ? withPromptedTools(spoken, []) : spoken)
  if (turns.length < spoken.length) changes.push({ param: 'messages', action: 'repaired', reason: 'this model takes user and assistant messages in turns; several in a row are joined' })
  return turns
}

function isSystem (role: string): boolean {
  return role === 'system' || role === 'developer'
}

/** Joins messages of one role in a row. */
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
