import type { KeptItem } from '../openai/response.ts'
import { itemsOf, pickItems, type ResponsesStore, type StoredResponse, type StoreLimits } from './responses-store.ts'

/** Bytes that an entry and an item's place in the index take beside the text; a guess. */
const ENTRY_BYTES = 512
const ITEM_BYTES = 192

interface Entry {
  /** JSON text of the response and its items. */
  text: Buffer
  bytes: number
  itemKeys: string[]
  usedAt: number
}

/** Keeps responses in this process: another one does not see them, and they are lost when it ends. */
export class MemoryStore implements ResponsesStore {
  #limits: StoreLimits
  /** In the order they were last used. */
  #entries = new Map<string, Entry>()
  /** The key of the latest entry that has an item. */
  #items = new Map<string, string>()
  #bytes = 0

  constructor (limits: StoreLimits) {
    this.#limits = limits
  }

  async put (owner: string, stored: StoredResponse): Promise<boolean> {
    const key = toKey(owner, stored.response.id)
    const text = Buffer.from(JSON.stringify(stored))
    const itemKeys = itemsOf(stored).map(({ id }) => toKey(owner, id))
    const bytes = text.byteLength + ENTRY_BYTES + ITEM_BYTES * itemKeys.length
    this.#remove(key)
    if (bytes > this.#limits.maxBytes) return false
    this.#entries.set(key, { text, bytes, itemKeys, usedAt: this.#limits.now() })
    for (const itemKey of itemKeys) this.#items.set(itemKey, key)
    this.#bytes += bytes
    this.#forget()
    return true
  }

  async get (owner: string, id: string): Promise<StoredResponse | undefined> {
    return this.#read(toKey(owner, id))
  }

  async delete (owner: string, id: string): Promise<boolean> {
    this.#forget()
    return this.#remove(toKey(owner, id))
  }

  async findItems (owner: string, ids: readonly string[]): Promise<Map<string, KeptItem>> {
    const keys = new Set(ids.flatMap(id => this.#items.get(toKey(owner, id)) ?? []))
    return pickItems([...keys].map(key => this.#read(key)), ids)
  }

  async close (): Promise<void> {
    this.#entries.clear()
    this.#items.clear()
  }

  #read (key: string): StoredResponse | undefined {
    this.#forget()
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, { ...entry, usedAt: this.#limits.now() })
    return JSON.parse(entry.text.toString()) as StoredResponse
  }

  #forget (): void {
    const { maxBytes, ttlMs, now } = this.#limits
    const oldest = now() - ttlMs
    for (const [key, { usedAt }] of this.#entries) {
      if (usedAt > oldest && this.#bytes <= maxBytes) return
      this.#remove(key)
    }
  }

  #remove (key: string): boolean {
    const entry = this.#entries.get(key)
    if (entry === undefined) return false
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
    for (const itemKey of entry.itemKeys) {
      if (this.#items.get(itemKey) === key) this.#items.delete(itemKey)
    }
    return true
  }
}

function toKey (owner: string, id: string): string {
  return `${owner} ${id}`
}
