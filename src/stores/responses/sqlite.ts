import { openDatabase } from '../database.ts'
import { itemsOf, pickItems, type ResponsesStore, type StoredResponse, type StoreLimits } from './store.ts'

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

/** Sums of bytes, updated by triggers in every process: summing all rows would take longer the more there are. */
const SUMS = `
  CREATE TABLE sums (owner TEXT NOT NULL PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX sums_bytes ON sums (bytes);
  CREATE TABLE whole (bytes INTEGER NOT NULL) STRICT;
  INSERT INTO sums SELECT owner, sum(bytes) FROM responses GROUP BY owner;
  INSERT INTO whole SELECT ifnull(sum(bytes), 0) FROM responses;
  CREATE TRIGGER response_kept AFTER INSERT ON responses BEGIN
    INSERT INTO sums VALUES (NEW.owner, NEW.bytes) ON CONFLICT (owner) DO UPDATE SET bytes = bytes + excluded.bytes;
    UPDATE whole SET bytes = bytes + NEW.bytes;
  END;
  CREATE TRIGGER response_gone AFTER DELETE ON responses BEGIN
    UPDATE sums SET bytes = bytes - OLD.bytes WHERE owner = OLD.owner;
    DELETE FROM sums WHERE owner = OLD.owner AND bytes <= 0;
    UPDATE whole SET bytes = bytes - OLD.bytes;
  END;
`

/**
 * Stores responses in a SQLite file, which survives the process. Several processes of one machine may share it. Only the
 * user of the process may read the file, because it contains whole conversations.
 */
export class SqliteStore<Stored extends StoredResponse = StoredResponse> implements ResponsesStore<Stored> {
  #limits: StoreLimits
  #database: ReturnType<typeof openDatabase>
  #statements: ReturnType<typeof prepared>

  /** @throws Error when there is no database at the path, and none can be made */
  constructor (path: string, limits: StoreLimits) {
    this.#limits = limits
    this.#database = openDatabase(path)
    this.#database.pragma('foreign_keys = ON')
    // Overwrites deleted content in the file.
    this.#database.pragma('secure_delete = ON')
    this.#database.exec(SCHEMA)
    // An immediate transaction: only one of several processes creates the tables.
    this.#database.transaction(() => {
      const isThere = this.#database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'sums'").get() !== undefined
      if (!isThere) this.#database.exec(SUMS)
    }).immediate()
    this.#statements = prepared(this.#database)
    this.#evictExpired()
    this.#evictOldest()
  }

  async put (owner: string, stored: Stored): Promise<boolean> {
    const { id } = stored.response
    const text = JSON.stringify(stored)
    const bytes = Buffer.byteLength(text)
    if (bytes > this.#limits.maxBytes) return false
    const { remove, insert, insertItem, read } = this.#statements
    return this.#database.transaction(() => {
      remove.run(owner, id)
      insert.run(owner, id, bytes, this.#limits.now(), text)
      for (const item of itemsOf(stored)) insertItem.run(owner, item.id, id)
      this.#evictExpired()
      this.#evictOldest()
      return read.get(owner, id) !== undefined
    }).immediate() as boolean
  }

  async get (owner: string, id: string): Promise<Stored | undefined> {
    return this.#read(owner, id)
  }

  async delete (owner: string, id: string): Promise<boolean> {
    this.#evictExpired()
    return this.#statements.remove.run(owner, id).changes > 0
  }

  async findItems (owner: string, ids: readonly string[]): Promise<Map<string, Stored['items'][number]>> {
    const responses = new Set(
      ids.flatMap(id => (this.#statements.find.get(owner, id) as { response_id: string } | undefined)?.response_id ?? [])
    )
    return pickItems([...responses].map(response => this.#read(owner, response)), ids)
  }

  async close (): Promise<void> {
    this.#database.close()
  }

  #read (owner: string, id: string): Stored | undefined {
    this.#evictExpired()
    const row = this.#statements.read.get(owner, id) as { stored: string } | undefined
    if (row === undefined) return undefined
    this.#statements.touch.run(this.#limits.now(), owner, id)
    return JSON.parse(row.stored) as Stored
  }

  #evictExpired (): void {
    this.#statements.expire.run(this.#limits.now() - this.#limits.ttlMs)
  }

  #evictOldest (): void {
    const { whole, oldestOfLargest, remove } = this.#statements
    while ((whole.get() as { bytes: number }).bytes > this.#limits.maxBytes) {
      const row = oldestOfLargest.get() as { owner: string, id: string } | undefined
      if (row === undefined) return
      remove.run(row.owner, row.id)
    }
  }
}

function prepared (database: ReturnType<typeof openDatabase>) {
  return {
    insert: database.prepare('INSERT INTO responses (owner, id, bytes, used_at, stored) VALUES (?, ?, ?, ?, ?)'),
    read: database.prepare('SELECT stored FROM responses WHERE owner = ? AND id = ?'),
    touch: database.prepare('UPDATE responses SET used_at = ? WHERE owner = ? AND id = ?'),
    remove: database.prepare('DELETE FROM responses WHERE owner = ? AND id = ?'),
    expire: database.prepare('DELETE FROM responses WHERE used_at <= ?'),
    whole: database.prepare('SELECT bytes FROM whole'),
    oldestOfLargest: database.prepare('SELECT owner, id FROM responses WHERE owner = (SELECT owner FROM sums ORDER BY bytes DESC LIMIT 1) ORDER BY used_at, rowid LIMIT 1'),
    insertItem: database.prepare('INSERT OR REPLACE INTO items (owner, id, response_id) VALUES (?, ?, ?)'),
    find: database.prepare('SELECT response_id FROM items WHERE owner = ? AND id = ?')
  }
}
