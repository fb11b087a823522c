import type { KeptItem, ResponseObject } from '../../surfaces/openai/responses/wire.ts'

/** A response, and every item it was made of, those of earlier responses included: nothing else is needed to go on from it. */
export interface StoredResponse {
  response: ResponseObject
  items: KeptItem[]
}

/**
 * Keeps responses for those who want to go on from them. What an owner stored is there for that owner only, and what was
 * not used for long is forgotten. When there is too much, what was used longest ago goes, of the owner who keeps the
 * most: whoever stores a lot pushes out nothing but their own.
 */
export interface ResponsesStore {
  /** @returns false when there is no room for it */
  put: (owner: string, stored: StoredResponse) => Promise<boolean>
  get: (owner: string, id: string) => Promise<StoredResponse | undefined>
  /** @returns whether there was one */
  delete: (owner: string, id: string) => Promise<boolean>
  /** The items of these ids, inputs and outputs, among all that the owner stored; those that are unknown are missing. */
  findItems: (owner: string, ids: readonly string[]) => Promise<Map<string, KeptItem>>
  close: () => Promise<void>
}

export interface StoreLimits {
  /** Bytes of all that is kept. */
  maxBytes: number
  /** Milliseconds since it was last used after which a response is forgotten. */
  ttlMs: number
  /** Unix time in milliseconds. */
  now: () => number
}

/** Every item of a stored response, the output included. */
export function itemsOf ({ response, items }: StoredResponse): KeptItem[] {
  return [...items, ...response.output]
}

/** What those go on from that follow a stored response: all of it, or what its conversation was compacted to. */
export function contextOf (stored: StoredResponse): KeptItem[] {
  const { output } = stored.response
  return output.some(({ type }) => type === 'compaction') ? output : itemsOf(stored)
}

/** The items of these ids among the responses, by id. */
export function pickItems (responses: ReadonlyArray<StoredResponse | undefined>, ids: readonly string[]): Map<string, KeptItem> {
  const wanted = new Set(ids)
  const items = responses.flatMap(stored => stored ? itemsOf(stored) : [])
  return new Map(items.filter(({ id }) => wanted.has(id)).map(item => [item.id, item]))
}
