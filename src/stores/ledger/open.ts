import type { Redis } from '../redis/redis.ts'
import { toStorePathError } from '../store-path.ts'
import type { Ledger } from './ledger.ts'
import { MemoryLedger } from './memory.ts'

/** Where lines go. */
interface LedgerLog {
  error: (fields: object, message: string) => void
}

interface LedgerOptions {
  /** Of the SQLite file, which is made when there is none; memory without it. */
  storePath?: string | undefined
}

/**
 * Opens the ledger the settings name: in Redis, in a SQLite file, or in this process's memory.
 * @param now Unix time in milliseconds
 * @param log hears the first of several failures to write
 * @param redis holds it, whatever the settings name, where there is one
 * @throws SettingsError when the file cannot be opened
 */
export async function openLedger ({ storePath }: LedgerOptions, now: () => number, log?: LedgerLog, redis?: Redis): Promise<Ledger> {
  if (redis !== undefined) {
    const { RedisLedger } = await import('./redis.ts')
    return new RedisLedger({ redis, now, log })
  }
  const onError = (error: unknown) => log?.error(
    { reason: error instanceof Error ? error.message : 'unknown' },
    'usage cannot be written to STORE_PATH; it is kept in memory until it can'
  )
  if (storePath === undefined) return new MemoryLedger(now)
  try {
    const { SqliteLedger } = await import('./sqlite.ts')
    return new SqliteLedger(storePath, now, onError)
  } catch (error) {
    throw toStorePathError(error)
  }
}
