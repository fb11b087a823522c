import type { Message } from '../../../generation/request.ts'
import type { Family } from '../../models/family.ts'

/**
 * The native form of a conversation's tool-call ids. Mistral's template refuses ids that are not nine letters or digits, so
 * each id gets such a name. It is the same in every turn, so that the prompt cache still matches, and different for
 * different ids.
 */
export function toNativeCallIds (messages: readonly Message[], family: Family): (id: string) => string {
  if (family.toolCallId === 'any') return id => id
  const names = new Map<string, string>()
  const taken = new Set<string>()
  const name = (id: string): string => {
    const known = names.get(id)
    if (known !== undefined) return known
    let made = /^[a-zA-Z0-9]{9}$/.test(id) ? id : hashed(id)
    while (taken.has(made)) made = hashed(made)
    names.set(id, made)
    taken.add(made)
    return made
  }
  // Named in the order of the messages, so that an id's name does not depend on the order of the calls of this function.
  for (const message of messages) {
    if (message.role === 'assistant') message.tool_calls?.forEach(call => name(call.id))
  }
  return name
}

/** Nine characters of [a-z0-9] from two FNV-1a hashes of the text. */
function hashed (text: string): string {
  const hash = (seed: number): number => {
    let value = seed
    for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
    return value >>> 0
  }
  const digits = (value: number, length: number): string => value.toString(36).padStart(length, '0').slice(-length)
  return digits(hash(0x811c9dc5), 5) + digits(hash(0x1000193), 4)
}
