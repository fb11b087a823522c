import type { CompactionTriggerItem, GivenInputPart, InputItem, InputMessage, ItemReference } from './request.ts'
import type { KeptItem, ResponseItemList } from './wire.ts'
import { toInputPart } from './input-parts.ts'

/** Prefixes of OpenAI's ids, by type of the item. */
const PREFIXES: Record<string, string> = {
  message: 'msg_',
  function_call: 'fc_',
  function_call_output: 'fco_',
  custom_tool_call: 'ctc_',
  custom_tool_call_output: 'ctco_',
  reasoning: 'rs_',
  compaction: 'cmp_'
}

export interface PageOptions {
  order: 'asc' | 'desc'
  /** The maximum number of items of a page. */
  limit: number
  /** The id of the item before the page. */
  after?: string | undefined
}

/** Whether an item only refers to a stored one. */
export function isReference (item: InputItem): item is ItemReference {
  return item.type === 'item_reference' || (item.type == null && !('role' in item))
}

/** Whether an item requests a compaction; it is not a part of the conversation. */
export function isCompactionTrigger (item: InputItem | undefined): item is CompactionTriggerItem {
  return item?.type === 'compaction_trigger'
}

/** The messages of the user, which stay beside a compaction. */
export function toUserMessages (items: readonly KeptItem[]): KeptItem[] {
  return items.filter(item => item.type === 'message' && item.role === 'user')
}

/**
 * An item of an input as it is stored and listed: with an id, a status, and its text in parts.
 * @param newItemId makes an id that is unique, of this prefix
 */
export function toKeptItem (item: Exclude<InputItem, ItemReference>, newItemId: (prefix: string) => string): KeptItem {
  const type = item.type ?? 'message'
  const id = item.id ?? newItemId(PREFIXES[type] ?? 'item_')
  switch (item.type) {
    case undefined:
    case 'message':
      return { ...item, id, type: 'message', status: item.status ?? 'completed', content: toParts(item) }
    case 'reasoning': {
      const { content, ...rest } = item
      return { ...rest, id, summary: item.summary ?? [], ...(content != null && { content }) }
    }
    case 'function_call':
    case 'custom_tool_call':
    case 'function_call_output':
    case 'custom_tool_call_output':
      return { ...item, id, status: item.status ?? 'completed' }
    default:
      return { ...item, id }
  }
}

/** One page of the items that a response was made of, by default the latest first. */
export function toItemList (items: readonly KeptItem[], { order, limit, after }: PageOptions): ResponseItemList {
  const ordered = order === 'desc' ? items.toReversed() : items
  const rest = ordered.slice(after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1)
  const data = rest.slice(0, limit)
  return { object: 'list', data, first_id: data.at(0)?.id ?? '', last_id: data.at(-1)?.id ?? '', has_more: rest.length > limit }
}

function toParts ({ role, content }: InputMessage): GivenInputPart[] {
  const parts: GivenInputPart[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  return parts.map(part => toKeptPart(part, role === 'assistant'))
}

function toKeptPart (given: GivenInputPart, isOutput: boolean): GivenInputPart {
  const part = toInputPart(given)
  if (part === undefined) return given
  switch (part.type) {
    case 'refusal':
    case 'input_file':
      return part
    case 'input_image':
      return { ...part, detail: part.detail ?? 'auto' }
    default: {
      const { text } = part
      return isOutput ? { ...part, type: 'output_text', ...{ annotations: [], logprobs: [] }, text } : { type: 'input_text', text }
    }
  }
}
