import type { Change } from '../../../generation/change.ts'
import type { AssistantMessage, AssistantPart, ThinkingPart } from '../../../generation/request.ts'

/**
 * The members in which servers return thinking, and clients send it back: DeepSeek's and vLLM's two names, OpenRouter's
 * details, LiteLLM's blocks, GitHub Copilot's text and Ollama's. The first one that is not empty counts.
 */
const MEMBERS = ['reasoning_content', 'reasoning', 'reasoning_details', 'thinking_blocks', 'reasoning_text', 'thinking'] as const

export const THINKING_MEMBERS: readonly string[] = MEMBERS

/** Members with the text of an item in such a list. */
const TEXTS = ['text', 'thinking', 'summary', 'reasoning', 'content']

/**
 * The thinking of an earlier assistant turn, from whichever member or part holds it.
 * @param isTaken whether the model reads earlier thinking; otherwise a change reports it as dropped
 */
export function toEarlierThinking (message: AssistantMessage, path: string, isTaken: boolean, changes: Change[]): string | undefined {
  const parts = Array.isArray(message.content) ? message.content.flatMap((part, place) => isThinkingPart(part) ? [[`content[${place}]`, part] as const] : []) : []
  const given = [
    ...MEMBERS.map(name => [name, (message as Partial<Record<typeof name, unknown>>)[name]] as const),
    ...parts
  ]
  let told: string | undefined
  for (const [name, value] of given) {
    if (value == null || value === '' || (Array.isArray(value) && value.length === 0)) continue
    const text = toText(value)
    if (text === '') changes.push({ param: `${path}.${name}`, action: 'dropped', reason: 'only the model that produced this thinking can read it' })
    else if (!isTaken) changes.push({ param: `${path}.${name}`, action: 'dropped', from: '(text)', reason: 'this model does not take it' })
    else if (told === undefined) told = text
    else if (text !== told) changes.push({ param: `${path}.${name}`, action: 'dropped', from: '(text)', reason: 'the same turn has thinking in another member, which is sent' })
  }
  return told
}

export function isThinkingPart (part: AssistantPart): part is ThinkingPart {
  return part.type === 'thinking' || part.type === 'redacted_thinking' || part.type === 'reasoning'
}

function toText (value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(toText).filter(text => text !== '').join('\n')
  if (typeof value !== 'object' || value === null) return ''
  return TEXTS.map(name => toText((value as Record<string, unknown>)[name])).find(text => text !== '') ?? ''
}
