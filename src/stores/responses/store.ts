/** An item of a conversation. Its surface knows what else it holds. */
export interface StoredItem {
  id: string
  type?: string | undefined
}

/** A response, and every item it was made of, those of earlier responses included: nothing else is needed to go on from it. */
export interface StoredResponse<Item extends StoredItem = StoredItem> {
  response: { id: string, output: Item[] }
  items: Item[]
}

/**
 * Keeps responses for those who want to go on from them. What an owner stored is there for that owner only, and what was
 * not used for long is forgotten. When there is too much, what was used longest ago goes, of the owner who keeps the
 * most: whoever stores a lot pushes out nothing but their own.
 */
export interface ResponsesStore<Stored extends StoredResponse = StoredResponse> {
  /** @returns false when there is no room for it */
  put: (owner: string, stored: Stored) => Promise<boolean>
  get: (owner: string, id: string) => Promise<Stored | undefined>
  /** @returns whether there was one */
  delete: (owner: string, id: string) => Promise<boolean>
  /** The items of these ids, inputs and outputs, among all that the owner stored; those that are unknown are missing. */
  findItems: (owner: string, ids: readonly string[]) => Promise<Map<string, Stored['items'][number]>>
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
export function itemsOf<Item extends StoredItem> ({ response, items }: StoredResponse<Item>): Item[] {
  return [...items, ...response.output]
}

/** What those go on from that follow a stored response: all of it, or what its conversation was compacted to. */
export function contextOf<Item extends StoredItem> (stored: StoredResponse<Item>): Item[] {
  const { output } = stored.response
  return output.some(({ type }) => type === 'compaction') ? output : itemsOf(stored)
}

/** The items of these ids among the responses, by id. */
export function pickItems<Item extends StoredItem> (responses: ReadonlyArray<StoredResponse<Item> | undefined>, ids: readonly string[]): Map<string, Item> {
  const wanted = new Set(ids)
  const items = responses.flatMap(stored => stored ? itemsOf(stored) : [])
  return new Map(items.filter(({ id }) => wanted.has(id)).map(item => [item.id, item]))
}
