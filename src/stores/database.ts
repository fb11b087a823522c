import { closeSync, openSync } from 'node:fs'
import Database from 'libsql'

/** How long to wait for another process that writes, in milliseconds. The event loop is blocked meanwhile. */
const BUSY_TIMEOUT_MS = 1_000

/**
 * Opens a SQLite file, which several connections and processes of one machine may share. A new one can be read by the user of
 * the process only.
 * @throws Error when there is no database at the path, and none can be made
 */
export function openDatabase (path: string): Database.Database {
  closeSync(openSync(path, 'a', 0o600))
  const database = new Database(path, { timeout: BUSY_TIMEOUT_MS })
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  return database
}
