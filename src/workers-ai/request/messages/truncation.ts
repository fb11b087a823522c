import type { Change } from '../../../generation/change.ts'
import type { NativeMessage } from '../native-message.ts'

/**
 * Leaves out the oldest turns of a conversation until the rest fits: first whole turns (a user message and its answers), then
 * the first assistant steps of the last turn. System messages and the last message always stay, even if they do not fit. A
 * tool result never stays without its call.
 * @param room tokens available for messages
 * @param tokensOf tokens of one message
 */
export function toLatest (
  messages: readonly NativeMessage[],
  room: number,
  tokensOf: (message: NativeMessage) => number,
  changes: Change[]
): readonly NativeMessage[] {
  const tokens = messages.map(tokensOf)
  let excess = tokens.reduce((sum, count) => sum + count, 0) - room
  if (excess <= 0) return messages
  const dropped = new Set<number>()
  const drop = (from: number, to: number): void => {
    for (let index = from; index < to; index++) {
      if (isSystem(messages[index])) continue
      dropped.add(index)
      excess -= tokens[index] ?? 0
    }
  }
  const turns = startsOf(messages, ({ role }) => role === 'user')
  for (const [place, next] of turns.slice(1).entries()) {
    if (excess > 0) drop(place === 0 ? 0 : (turns[place] ?? 0), next)
  }
  const last = turns.at(-1) ?? -1
  const steps = startsOf(messages, ({ role }) => role === 'assistant').filter(start => start > last)
  for (const [place, next] of steps.slice(1).entries()) {
    if (excess > 0) drop(steps[place] ?? 0, next)
  }
  if (dropped.size > 0) {
    changes.push({
      param: 'messages',
      action: 'clamped',
      from: messages.length,
      to: messages.length - dropped.size,
      reason: 'the oldest turns were left out, because the context window of this model is too small for all'
    })
  }
  return messages.filter((_, index) => !dropped.has(index))
}

function startsOf (messages: readonly NativeMessage[], isStart: (message: NativeMessage) => boolean): number[] {
  return messages.flatMap((message, index) => isStart(message) ? [index] : [])
}

function isSystem (message: NativeMessage | undefined): boolean {
  return message?.role === 'system' || message?.role === 'developer'
}
