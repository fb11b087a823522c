import { SettingsError } from '../settings/problem.ts'
import { MemoryStore } from './memory-store.ts'
import type { ResponsesStore, StoreLimits } from './responses-store.ts'

/**
 * Opens the store the settings name: a SQLite file, or this process's memory.
 * @param path of the file; it is made when there is none
 * @throws SettingsError when the file cannot be opened
 */
export async function openStore (path: string | undefined, limits: StoreLimits): Promise<ResponsesStore> {
  if (path === undefined) return new MemoryStore(limits)
  try {
    const { SqliteStore } = await import('./sqlite-store.ts')
    return new SqliteStore(path, limits)
  } catch (error) {
    throw new SettingsError([{ name: 'STORE_PATH', complaint: `cannot be opened (${error instanceof Error ? error.message : String(error)}); wants a SQLite file, or a place for a new one` }])
  }
}
