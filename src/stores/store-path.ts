import { SettingsError } from '../settings/problem.ts'

/** What a start fails with when the file of STORE_PATH cannot be opened. @param error why not */
export function toStorePathError (error: unknown): SettingsError {
  const why = error instanceof Error ? error.message : String(error)
  return new SettingsError([{ name: 'STORE_PATH', message: `cannot open it (${why}); expected a SQLite file, or a place for a new one` }])
}
