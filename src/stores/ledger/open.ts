import { toStorePathError } from '../store-path.ts'
import type { Ledger } from './ledger.ts'
import { MemoryLedger } from './memory.ts'

interface LedgerOptions {
  /** Of the SQLite file, which is made when there is none; memory without it. */
  storePath?: string | undefined
}

/**
 * Opens the ledger the settings name: in a SQLite file, or in this process's memory.
 * @param now Unix time in milliseconds
 * @param onError hears the first of several failures to write to the file
 * @throws SettingsError when the file cannot be opened
 */
export async function openLedger ({ storePath }: LedgerOptions, now: () => number, onError?: (error: unknown) => void): Promise<Ledger> {
  if (storePath === undefined) return new MemoryLedger(now)
  try {
    const { SqliteLedger } = await import('./sqlite.ts')
    return new SqliteLedger(storePath, now, onError)
  } catch (error) {
    throw toStorePathError(error)
  }
}
