import type { Batch } from '../../generation/event.ts'
import { isObject } from '../../json/is-object.ts'
import { GenerationReader } from '../../workers-ai/answer/generation-reader.ts'
import { StreamReader } from '../../workers-ai/answer/stream-reader.ts'
import type { CallContent } from '../../workers-ai/transport/call-details.ts'

/** A part of a message, as GenAI's JSON schemas have it. */
type Part = { type: 'text' | 'reasoning', content: string } |
  { type: 'tool_call', id?: string, name: string, arguments: unknown } |
  { type: 'tool_call_response', id?: string, response: unknown }

interface Message {
  role: string
  parts: Part[]
  finish_reason?: string
}

/** Most characters of all that is told of one call. */
const MAX_LENGTH = 1024 * 1024

/**
 * What was said in a call, as the attributes that GenAI's conventions have for it; images are left out. The native body is
 * what the model was asked, whichever API the caller spoke.
 * @returns `workers_ai_proxy.content_omitted` in place of what would be too long
 */
export function toContentAttributes ({ body, answer, isTooLong }: Pick<CallContent, 'body' | 'answer' | 'isTooLong'>): Record<string, string | boolean> {
  const attributes: Record<string, string | boolean> = {}
  const asked = parsed(body)
  const input = isObject(asked) ? toInputMessages(asked) : []
  if (input.length > 0) attributes['gen_ai.input.messages'] = JSON.stringify(input)
  if (isObject(asked) && Array.isArray(asked['tools'])) attributes['gen_ai.tool.definitions'] = JSON.stringify(asked['tools'])
  const output = answer === undefined ? undefined : toOutputMessage(answer)
  if (output !== undefined) attributes['gen_ai.output.messages'] = JSON.stringify([output])
  const length = Object.values(attributes).reduce((sum, value) => sum + String(value).length, 0)
  if (length > MAX_LENGTH) return { 'workers_ai_proxy.content_omitted': true }
  return isTooLong ? { ...attributes, 'workers_ai_proxy.content_omitted': true } : attributes
}

function toInputMessages ({ messages, prompt, input }: Record<string, unknown>): Message[] {
  if (typeof prompt === 'string') return [{ role: 'user', parts: [toText(prompt)] }]
  if (typeof input === 'string') return [{ role: 'user', parts: [toText(input)] }]
  const all = Array.isArray(messages) ? messages : Array.isArray(input) ? input : []
  return all.filter(isObject).map(toMessage)
}

function toMessage (message: Record<string, unknown>): Message {
  const { role, content, tool_calls: calls, tool_call_id: id, reasoning_content: reasoning } = message
  if (role === 'tool') return { role, parts: [{ type: 'tool_call_response', ...(typeof id === 'string' && { id }), response: content }] }
  const parts: Part[] = []
  if (typeof reasoning === 'string' && reasoning !== '') parts.push({ type: 'reasoning', content: reasoning })
  if (typeof content === 'string' && content !== '') parts.push(toText(content))
  if (Array.isArray(content)) for (const part of content) if (isObject(part) && typeof part['text'] === 'string') parts.push(toText(part['text']))
  if (Array.isArray(calls)) parts.push(...calls.filter(isObject).map(toCall))
  return { role: typeof role === 'string' ? role : 'user', parts }
}

function toText (content: string): Part {
  return { type: 'text', content }
}

function toCall ({ id, function: called, name, arguments: given }: Record<string, unknown>): Part {
  const { name: ownName, arguments: ownGiven } = isObject(called) ? called : { name, arguments: given }
  return { type: 'tool_call', ...(typeof id === 'string' && { id }), name: String(ownName), arguments: typeof ownGiven === 'string' ? parsed(ownGiven) ?? ownGiven : ownGiven }
}

function toOutputMessage (answer: string): Message | undefined {
  const reader = new GenerationReader(() => '')
  const batch = readAll(reader, answer)
  const parts: Part[] = []
  const text = joined(batch, 'text')
  const reasoning = joined(batch, 'reasoning')
  if (reasoning !== '') parts.push({ type: 'reasoning', content: reasoning })
  if (text !== '') parts.push(toText(text))
  const calls: Array<{ id: string, name: string, text: string }> = []
  for (const event of batch) {
    if (event.type !== 'tool_call') continue
    const call = calls[event.index] ??= { id: '', name: '', text: '' }
    call.id ||= event.id ?? ''
    call.name ||= event.name ?? ''
    call.text += event.arguments
  }
  for (const { id, name, text } of calls.filter(Boolean)) parts.push({ type: 'tool_call', ...(id !== '' && { id }), name, arguments: parsed(text) ?? text })
  if (parts.length === 0) return undefined
  const { finishReason } = reader
  return { role: 'assistant', parts, ...(finishReason !== undefined && { finish_reason: finishReason }) }
}

function readAll (reader: GenerationReader, answer: string): Batch {
  const json = parsed(answer)
  const batch: Batch = []
  if (isObject(json)) {
    reader.readAnswer(json, batch, answer)
    return batch
  }
  const stream = new StreamReader(reader)
  try {
    return [...stream.push(Buffer.from(answer)), ...stream.end()]
  } catch {
    // An event without end: there is nothing to tell of it.
    return []
  }
}

function joined (batch: Batch, type: 'text' | 'reasoning'): string {
  return batch.map(event => event.type === type && 'text' in event ? event.text : '').join('')
}

function parsed (text: string | undefined): unknown {
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
