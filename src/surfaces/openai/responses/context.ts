import { InvalidRequestError, quoted } from '../../../errors.ts'
import { newItemId } from '../../../ids.ts'
import type { ResponseRequest } from './request.ts'
import type { KeptItem, KeptResponse } from './wire.ts'
import { contextOf, type ResponsesStore } from '../../../stores/responses/store.ts'
import { isCompactionTrigger, isReference, toKeptItem } from './input-items.ts'
import { toItems } from './to-request.ts'

/** The stored items that a response continues. */
export interface ResponseContext {
  /** The items of the responses before it. */
  earlier: KeptItem[]
  /** The caller's request, with the referenced items in place of the references. */
  resolved: ResponseRequest
  /** The items of both, as they are stored with the response. */
  items: KeptItem[]
}

/**
 * Looks up the items that a request refers to, among those that its owner stored.
 * @throws InvalidRequestError 400 for an unknown earlier response, 404 for an unknown item
 */
export async function toContext (store: ResponsesStore<KeptResponse>, owner: string, request: ResponseRequest): Promise<ResponseContext> {
  const { input, previous_response_id: previous } = request
  const stored = previous == null ? undefined : await store.get(owner, previous)
  if (previous != null && stored === undefined) {
    throw new InvalidRequestError(`Previous response with id '${quoted(previous.slice(0, 100))}' not found.`, { param: 'previous_response_id', code: 'previous_response_not_found' })
  }
  const earlier = stored ? contextOf(stored) : []
  const given = toItems(input)
  const references = given.filter(isReference).map(({ id }) => id)
  const found = references.length > 0 ? await store.findItems(owner, references) : new Map<string, KeptItem>()
  const items = given.map(item => isReference(item) ? mustBeFound(item.id, found) : item)
  return {
    earlier,
    resolved: references.length > 0 ? { ...request, input: items } : request,
    items: [...earlier, ...items.filter(item => !isCompactionTrigger(item)).map(item => toKeptItem(item, newItemId))]
  }
}

function mustBeFound (id: string, found: ReadonlyMap<string, KeptItem>): KeptItem {
  const item = found.get(id)
  if (item !== undefined) return item
  throw new InvalidRequestError(`Item with id '${quoted(id.slice(0, 100))}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`, { param: 'input', status: 404 })
}
