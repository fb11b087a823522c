import { MemoryStore } from './memory.ts'
import type { Redis } from '../redis/redis.ts'
import { toStorePathError } from '../store-path.ts'
import type { ResponsesStore, StoredResponse } from './store.ts'

/** What the settings say of it. */
interface StoreSettings {
  /** Of the file, which is made when there is none; memory without it. */
  storePath?: string | undefined
  storeMaxBytes: number
  storeTtlHours: number
}

const HOUR_MS = 3_600_000

/**
 * Opens the store the settings name: Redis, a SQLite file, or this process's memory.
 * @param now milliseconds since 1970
 * @param redis holds it, whatever the settings name, where there is one
 * @throws SettingsError when the file cannot be opened
 */
export async function openStore<Stored extends StoredResponse> (
  { storePath, storeMaxBytes, storeTtlHours }: StoreSettings,
  now: () => number,
  redis?: Redis
): Promise<ResponsesStore<Stored>> {
  const limits = { maxBytes: storeMaxBytes, ttlMs: storeTtlHours * HOUR_MS, now }
  if (redis !== undefined) {
    const { RedisStore } = await import('./redis.ts')
    return new RedisStore(redis, limits)
  }
  if (storePath === undefined) return new MemoryStore(limits)
  try {
    const { SqliteStore } = await import('./sqlite.ts')
    return new SqliteStore(storePath, limits)
  } catch (error) {
    throw toStorePathError(error)
  }
}
