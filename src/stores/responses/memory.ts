import { itemsOf, pickItems, type ResponsesStore, type StoredResponse, type StoreLimits } from './store.ts'

/** Estimated overhead of an entry and of an item in the index, in addition to the text. */
const ENTRY_BYTES = 512
const ITEM_BYTES = 192

interface Entry {
  /** JSON text of the response and its items. */
  text: Buffer
  bytes: number
  itemIds: string[]
  usedAt: number
}

/** The responses of one owner. */
interface OwnerEntries {
  /** By the id of the response, in the order they were last used. */
  entries: Map<string, Entry>
  /** The id of the latest response that has an item. */
  items: Map<string, string>
  bytes: number
}

/** Stores responses in this process only. They are lost when it exits. */
export class MemoryStore<Stored extends StoredResponse = StoredResponse> implements ResponsesStore<Stored> {
  #limits: StoreLimits
  /** By owner. Owners without responses are absent. */
  #owners = new Map<string, OwnerEntries>()

  constructor (limits: StoreLimits) {
    this.#limits = limits
  }

  async put (owner: string, stored: Stored): Promise<boolean> {
    const { id } = stored.response
    const text = Buffer.from(JSON.stringify(stored))
    const itemIds = itemsOf(stored).map(item => item.id)
    const bytes = text.byteLength + ENTRY_BYTES + ITEM_BYTES * itemIds.length
    this.#remove(owner, id)
    if (bytes > this.#limits.maxBytes) return false
    const kept = this.#owners.get(owner) ?? { entries: new Map(), items: new Map(), bytes: 0 }
    this.#owners.set(owner, kept)
    kept.entries.set(id, { text, bytes, itemIds, usedAt: this.#limits.now() })
    for (const itemId of itemIds) kept.items.set(itemId, id)
    kept.bytes += bytes
    this.#evict()
    return kept.entries.has(id)
  }

  async get (owner: string, id: string): Promise<Stored | undefined> {
    return this.#read(owner, id)
  }

  async delete (owner: string, id: string): Promise<boolean> {
    this.#evict()
    return this.#remove(owner, id)
  }

  async findItems (owner: string, ids: readonly string[]): Promise<Map<string, Stored['items'][number]>> {
    const responses = new Set(ids.flatMap(id => this.#owners.get(owner)?.items.get(id) ?? []))
    return pickItems([...responses].map(id => this.#read(owner, id)), ids)
  }

  async close (): Promise<void> {
    this.#owners.clear()
  }

  #read (owner: string, id: string): Stored | undefined {
    this.#evict()
    const entries = this.#owners.get(owner)?.entries
    const entry = entries?.get(id)
    if (entries === undefined || entry === undefined) return undefined
    entries.delete(id)
    entries.set(id, { ...entry, usedAt: this.#limits.now() })
    return JSON.parse(entry.text.toString()) as Stored
  }

  #evict (): void {
    const { maxBytes, ttlMs, now } = this.#limits
    const oldest = now() - ttlMs
    let bytes = 0
    for (const [owner, kept] of this.#owners) {
      for (const [id, { usedAt }] of kept.entries) {
        if (usedAt > oldest) break
        this.#remove(owner, id)
      }
      bytes += kept.bytes
    }
    while (bytes > maxBytes) bytes -= this.#removeOldestOfLargest()
  }

  /** @returns the number of bytes freed */
  #removeOldestOfLargest (): number {
    const [owner, kept] = [...this.#owners].reduce((one, other) => other[1].bytes > one[1].bytes ? other : one)
    const { bytes } = kept
    const [oldest = ''] = kept.entries.keys()
    this.#remove(owner, oldest)
    return bytes - kept.bytes
  }

  #remove (owner: string, id: string): boolean {
    const kept = this.#owners.get(owner)
    const entry = kept?.entries.get(id)
    if (kept === undefined || entry === undefined) return false
    kept.entries.delete(id)
    kept.bytes -= entry.bytes
    for (const itemId of entry.itemIds) {
      if (kept.items.get(itemId) === id) kept.items.delete(itemId)
    }
    if (kept.entries.size === 0) this.#owners.delete(owner)
    return true
  }
}
