import { closeSync, openSync } from 'node:fs'
import Database from 'libsql'
import type { KeptItem } from '../openai/response.ts'
import { itemsOf, pickItems, type ResponsesStore, type StoredResponse, type StoreLimits } from './responses-store.ts'

/** How long another process that writes is waited for, in milliseconds; nothing else is served meanwhile. */
const BUSY_TIMEOUT_MS = 1_000

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS responses (
    owner TEXT NOT NULL, id TEXT NOT NULL, bytes INTEGER NOT NULL, used_at INTEGER NOT NULL, stored TEXT NOT NULL,
    PRIMARY KEY (owner, id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS responses_used_at ON responses (used_at);
  CREATE INDEX IF NOT EXISTS responses_owner ON responses (owner, used_at, bytes);
  CREATE TABLE IF NOT EXISTS items (
    owner TEXT NOT NULL, id TEXT NOT NULL, response_id TEXT NOT NULL,
    PRIMARY KEY (owner, id),
    FOREIGN KEY (owner, response_id) REFERENCES responses (owner, id) ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS items_response_id ON items (owner, response_id);
`

/**
 * Keeps responses in a SQLite file, which outlives the process and may be shared by several of one machine. Only its
 * owner may read the file: it holds whole conversations.
 */
export class SqliteStore implements ResponsesStore {
  #limits: StoreLimits
  #database: Database.Database
  #statements: ReturnType<typeof prepared>

  /** @throws Error when there is no database at the path, and none can be made */
  constructor (path: string, limits: StoreLimits) {
    this.#limits = limits
    closeSync(openSync(path, 'a', 0o600))
    this.#database = new Database(path, { timeout: BUSY_TIMEOUT_MS })
    this.#database.pragma('journal_mode = WAL')
    this.#database.pragma('synchronous = NORMAL')
    this.#database.pragma('foreign_keys = ON')
    // What was deleted shall not be left in the file.
    this.#database.pragma('secure_delete = ON')
    this.#database.exec(SCHEMA)
    this.#statements = prepared(this.#database)
    this.#forget()
  }

  async put (owner: string, stored: StoredResponse): Promise<boolean> {
    const { id } = stored.response
    const text = JSON.stringify(stored)
    const bytes = Buffer.byteLength(text)
    if (bytes > this.#limits.maxBytes) return false
    const { remove, insert, place, read } = this.#statements
    return this.#database.transaction(() => {
      remove.run(owner, id)
      insert.run(owner, id, bytes, this.#limits.now(), text)
      for (const item of itemsOf(stored)) place.run(owner, item.id, id)
      this.#forget()
      return read.get(owner, id) !== undefined
    }).immediate() as boolean
  }

  async get (owner: string, id: string): Promise<StoredResponse | undefined> {
    return this.#read(owner, id)
  }

  async delete (owner: string, id: string): Promise<boolean> {
    this.#forget()
    return this.#statements.remove.run(owner, id).changes > 0
  }

  async findItems (owner: string, ids: readonly string[]): Promise<Map<string, KeptItem>> {
    const responses = new Set(ids.flatMap(id => (this.#statements.find.get(owner, id) as { response_id: string } | undefined)?.response_id ?? []))
    return pickItems([...responses].map(response => this.#read(owner, response)), ids)
  }

  async close (): Promise<void> {
    this.#database.close()
  }

  #read (owner: string, id: string): StoredResponse | undefined {
    this.#forget()
    const row = this.#statements.read.get(owner, id) as { stored: string } | undefined
    if (row === undefined) return undefined
    this.#statements.touch.run(this.#limits.now(), owner, id)
    return JSON.parse(row.stored) as StoredResponse
  }

  #forget (): void {
    const { maxBytes, ttlMs, now } = this.#limits
    const { expire, sums, oldest, remove } = this.#statements
    expire.run(now() - ttlMs)
    const owners = sums.all() as Array<{ owner: string, bytes: number }>
    let bytes = owners.reduce((sum, one) => sum + one.bytes, 0)
    while (bytes > maxBytes) {
      const largest = owners.reduce((one, other) => other.bytes > one.bytes ? other : one)
      const row = oldest.get(largest.owner) as { id: string, bytes: number }
      remove.run(largest.owner, row.id)
      largest.bytes -= row.bytes
      bytes -= row.bytes
    }
  }
}

function prepared (database: Database.Database) {
  return {
    insert: database.prepare('INSERT INTO responses (owner, id, bytes, used_at, stored) VALUES (?, ?, ?, ?, ?)'),
    read: database.prepare('SELECT stored FROM responses WHERE owner = ? AND id = ?'),
    touch: database.prepare('UPDATE responses SET used_at = ? WHERE owner = ? AND id = ?'),
    remove: database.prepare('DELETE FROM responses WHERE owner = ? AND id = ?'),
    expire: database.prepare('DELETE FROM responses WHERE used_at <= ?'),
    sums: database.prepare('SELECT owner, total(bytes) AS bytes FROM responses GROUP BY owner'),
    oldest: database.prepare('SELECT id, bytes FROM responses WHERE owner = ? ORDER BY used_at, rowid LIMIT 1'),
    place: database.prepare('INSERT OR REPLACE INTO items (owner, id, response_id) VALUES (?, ?, ?)'),
    find: database.prepare('SELECT response_id FROM items WHERE owner = ? AND id = ?')
  }
}
