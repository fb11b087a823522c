/** An item of a conversation. Its surface knows what else it holds. */
export interface StoredItem {
  id: string
  type?: string | undefined
}

/** A response with all its input items, including those of earlier responses: enough to continue from it. */
export interface StoredResponse<Item extends StoredItem = StoredItem> {
  response: { id: string, output: Item[] }
  items: Item[]
}

/**
 * Stores responses, so that later requests can continue from them. Only the owner of a response can read it. A response
 * expires when it has not been used for `ttlMs`. Above `maxBytes` the store evicts the least recently used responses of the
 * owner who stores the most, so an owner never evicts the responses of smaller ones.
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
  /** Total size of all responses, in bytes. */
  maxBytes: number
  /** Milliseconds after the last use until a response expires. */
  ttlMs: number
  /** Unix time in milliseconds. */
  now: () => number
}

/** Every item of a stored response, the output included. */
export function itemsOf<Item extends StoredItem> ({ response, items }: StoredResponse<Item>): Item[] {
  return [...items, ...response.output]
}

/** The context of a request that continues from a stored response: all items, or the compacted conversation. */
export function contextOf<Item extends StoredItem> (stored: StoredResponse<Item>): Item[] {
  const { output } = stored.response
  return output.some(({ type }) => type === 'compaction') ? output : itemsOf(stored)
}

/** The items of these ids among the responses, by id. */
export function pickItems<Item extends StoredItem> (
  responses: ReadonlyArray<StoredResponse<Item> | undefined>,
  ids: readonly string[]
): Map<string, Item> {
  const wanted = new Set(ids)
  const items = responses.flatMap(stored => (stored ? itemsOf(stored) : []))
  return new Map(items.filter(({ id }) => wanted.has(id)).map(item => [item.id, item]))
}
