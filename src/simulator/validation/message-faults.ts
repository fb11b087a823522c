import type { Family } from '../../workers-ai/models/family.ts'
import type { Model } from '../../workers-ai/models/model.ts'
import { NativeError, toVllmRefusal } from '../errors.ts'
import { findTypeFault, isObject, mismatch, notInEnum, required, toType, tooShort, type Fields } from './fault.ts'
import type { RunMessage } from '../run-body.ts'

/** What the model's schema has against the messages of a body, in the validator's words. */
export function findMessageFaults (fields: Fields, { family }: Model): string[] {
  const { messages } = fields as { messages?: unknown }
  if (!Array.isArray(messages)) return findTypeFault(fields, 'messages', ['array'])
  if (messages.length === 0) return [tooShort('/messages')]
  return messages.flatMap((message: unknown, index) => findMessageFault(message, `/messages/${index}`, family))
}

/** Throws 8005 or 8007 for messages that the schema lets pass and the model's template or server does not. */
export function refuseMessages (messages: RunMessage[], { id, family }: Model): void {
  for (const [index, { role, content, tool_call_id: callId = '' }] of messages.entries()) {
    if (role === 'tool' && family.toolCallId === 'alphanumeric-9' && !/^[a-zA-Z0-9]{9}$/.test(callId)) {
      throw toVllmRefusal(`Tool call id was ${callId} but must be a-z, A-Z, 0-9, with a length of 9.`)
    }
    if (family.name === 'guard' && role !== (index % 2 === 0 ? 'user' : 'assistant')) {
      throw toVllmRefusal('Conversation roles must alternate user/assistant/user/assistant/...')
    }
    if (id.includes('qwen3.8') && role === 'system' && index > 0) throw toVllmRefusal('System message must be at the beginning.')
    const parts = typeof content === 'string' ? [] : [content ?? []].flat()
    if (parts.some(part => part.image_url?.url.startsWith('data:image/svg'))) throw new NativeError(8005)
  }
}

function findMessageFault (message: unknown, path: string, family: Family): string[] {
  if (!isObject(message)) return [mismatch(path, message, ['object'])]
  const { role, content, tool_call_id: callId } = message as Partial<Record<keyof RunMessage, unknown>>
  const isOpenAi = family.maxTokensName === 'max_completion_tokens'
  const needsCallId = role === 'tool' && (isOpenAi || family.toolCallId === 'alphanumeric-9')
  const isSilent = isOpenAi && role === 'assistant' && content == null
  if (role === undefined || (content === undefined && !isSilent) || (needsCallId && callId === undefined)) {
    return [required(path, 'role', 'content', ...(needsCallId ? ['tool_call_id'] : []))]
  }
  if (typeof role !== 'string') return [mismatch(`${path}/role`, role, ['string'])]
  const roles = toRoles(family)
  if (roles && !roles.includes(role)) return [notInEnum(`${path}/role`, role, roles)]
  return isSilent ? [] : findContentFaults(content, `${path}/content`, family)
}

/** The roles a schema lists; undefined where any string passes. */
function toRoles ({ name, maxTokensName }: Family): string[] | undefined {
  if (name === 'guard') return ['user', 'assistant']
  return maxTokensName === 'max_completion_tokens' ? ['developer', 'system', 'user', 'assistant', 'tool', 'function'] : undefined
}

function findContentFaults (content: unknown, path: string, { content: taken, maxTokensName }: Family): string[] {
  if (typeof content === 'string') return []
  if (taken === 'parts' && Array.isArray(content)) return content.flatMap((part: unknown, index) => findPartFaults(part, `${path}/${index}`))
  // the models with guided_json take one part without a list around it, too
  if (taken === 'parts' && maxTokensName === 'max_tokens' && isObject(content)) return findPartFaults(content, path)
  return [mismatch(path, content, ['string'])]
}

const PART_TYPES = ['text', 'image_url', 'input_audio', 'file']

function findPartFaults (part: unknown, path: string): string[] {
  if (!isObject(part)) return [mismatch(path, part, ['object'])]
  const { type, text, image_url: image } = part as { type?: unknown, text?: unknown, image_url?: { url?: unknown } }
  if (!PART_TYPES.includes(String(type))) return [notInEnum(`${path}/type`, type, PART_TYPES)]
  if (type === 'text' && toType(text) !== 'string') return [mismatch(`${path}/text`, text, ['string'])]
  if (type !== 'image_url') return []
  const url = isObject(image) ? image.url : undefined
  if (typeof url !== 'string') return [required(`${path}/image_url`, 'url')]
  return url.startsWith('data:') ? [] : [`'${path}/image_url/url' must be a data URI, HTTP URL will not be accepted`]
}
