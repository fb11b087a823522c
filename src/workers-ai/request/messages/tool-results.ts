import type { Change } from '../../../generation/change.ts'
import type { FunctionMessage, Message, ToolCall } from '../../../generation/request.ts'

/** A message in one of the forms that are not deprecated. */
export type ModernMessage = Exclude<Message, FunctionMessage>

/** A message and its index in the caller's list. */
export interface PlacedMessage {
  message: ModernMessage
  index: number
  /** Of a result of one of several calls: that call. */
  call?: { name: string, place: number, of: number }
}

/**
 * Sorts the results of each turn in the order of its calls. Clients send them in the order of completion, which OpenAI's API
 * accepts. The chat templates of GLM, Qwen and Hermes models print no ids, so a model matches results and calls by
 * position.
 */
export function inOrderOfCalls (messages: readonly ModernMessage[], changes: Change[]): PlacedMessage[] {
  const placed: PlacedMessage[] = []
  let calls: readonly ToolCall[] = []
  let results: PlacedMessage[] = []
  const flush = () => {
    for (const result of ordered(results, calls, changes)) placed.push(result)
    results = []
  }
  for (const [index, message] of messages.entries()) {
    if (message.role === 'tool') {
      results.push({ message, index })
      continue
    }
    flush()
    calls = message.role === 'assistant' ? message.tool_calls ?? [] : []
    placed.push({ message, index })
  }
  flush()
  return placed
}

function nameOf (call: ToolCall): string {
  return call.type === 'function' ? call.function.name : call.custom.name
}

function ordered (results: PlacedMessage[], calls: readonly ToolCall[], changes: Change[]): PlacedMessage[] {
  if (results.length === 0 || calls.length < 2) return results
  // Several calls of one turn may have the same id; their results are then in the order of the calls.
  const places = new Map<string, number[]>()
  for (const [place, { id }] of calls.entries()) {
    const known = places.get(id)
    if (known) known.push(place)
    else places.set(id, [place])
  }
  const paired = results.map(result => {
    const place = result.message.role === 'tool' ? places.get(result.message.tool_call_id)?.shift() : undefined
    const call = place === undefined ? undefined : calls[place]
    return {
      rank: place ?? calls.length,
      result: call && place !== undefined ? { ...result, call: { name: nameOf(call), place: place + 1, of: calls.length } } : result
    }
  })
  const sorted = paired.toSorted((one, other) => one.rank - other.rank).map(({ result }) => result)
  const moved = sorted.find(({ index }, place) => index !== results[place]?.index)
  if (moved) changes.push({ param: `messages[${moved.index}]`, action: 'repaired', reason: 'the results of a turn are sent in the order of its calls, because some chat templates match them by position' })
  return sorted
}
