import { openDatabase } from '../database.ts'
import { COUNTS, STORED_NAMES, toDay, toFirstKeptDay, type Booking, type Ledger, type Row } from './ledger.ts'
import { MemoryLedger } from './memory.ts'

/** How long bookings are added up in memory before they are written, in milliseconds. */
const WRITE_AFTER_MS = 500

const NAMES = COUNTS.map(count => STORED_NAMES[count])

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS usage (
    day TEXT NOT NULL, account TEXT NOT NULL, model TEXT NOT NULL, key TEXT NOT NULL,
    ${NAMES.map(name => `${name} INTEGER NOT NULL`).join(', ')},
    PRIMARY KEY (day, account, model, key)
  ) STRICT, WITHOUT ROWID;
`

/** Increments, so that several processes may write to one row. */
const ADD = `
  INSERT INTO usage (day, account, model, key, ${NAMES.join(', ')}) VALUES (?, ?, ?, ?, ${NAMES.map(() => '?').join(', ')})
  ON CONFLICT (day, account, model, key) DO UPDATE SET ${NAMES.map(name => `${name} = ${name} + excluded.${name}`).join(', ')}
`

const READ = `
  SELECT day, account, model, key, ${COUNTS.map(count => `${STORED_NAMES[count]} AS ${count}`).join(', ')}
  FROM usage WHERE day BETWEEN ? AND ? ORDER BY day, account, model, key
`

/**
 * Adds up in a SQLite file, which survives the process and which several processes of one machine may share. Bookings are
 * written half a second after the first of them, all at once.
 */
export class SqliteLedger implements Ledger {
  readonly #now: () => number
  readonly #onError: (error: unknown) => void
  readonly #database: ReturnType<typeof openDatabase>
  readonly #statements: ReturnType<typeof prepared>
  /** What is not written yet. */
  readonly #unwritten: MemoryLedger
  #timer: NodeJS.Timeout | undefined
  #expiredOn = ''
  #isFailing = false

  /**
   * @param now Unix time in milliseconds
   * @param onError hears the first of several failures to write; what was not written is kept
   * @throws Error when there is no database at the path, and none can be made
   */
  constructor (path: string, now: () => number, onError: (error: unknown) => void = () => {}) {
    this.#now = now
    this.#onError = onError
    this.#database = openDatabase(path)
    this.#database.exec(SCHEMA)
    this.#statements = prepared(this.#database)
    this.#unwritten = new MemoryLedger(now)
  }

  add (bookings: readonly Booking[]): void {
    this.#unwritten.add(bookings)
    this.#timer ??= setTimeout(() => this.#write(), WRITE_AFTER_MS).unref()
  }

  read (first: string, last: string): Row[] {
    this.#write()
    const written = this.#statements.read.all(first, last) as Row[]
    // Only what cannot be written now.
    return [...written, ...this.#unwritten.read(first, last)].sort((one, other) => one.day < other.day ? -1 : Number(one.day > other.day))
  }

  close (): void {
    this.#write()
    this.#database.close()
  }

  #write (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const rows = this.#unwritten.take()
    try {
      this.#add(rows)
      this.#expire()
      this.#isFailing = false
    } catch (error) {
      this.#unwritten.giveBack(rows)
      if (!this.#isFailing) this.#onError(error)
      this.#isFailing = true
    }
  }

  #add (rows: readonly Row[]): void {
    if (rows.length === 0) return
    this.#database.transaction(() => {
      for (const row of rows) this.#statements.add.run(...toValues(row))
    }).immediate()
  }

  /** Once a day. */
  #expire (): void {
    const now = this.#now()
    const day = toDay(now)
    if (day === this.#expiredOn) return
    this.#statements.expire.run(toFirstKeptDay(now))
    this.#expiredOn = day
  }
}

function toValues (row: Row): Array<string | number> {
  return [row.day, row.account, row.model, row.key, ...COUNTS.map(count => row[count])]
}

function prepared (database: ReturnType<typeof openDatabase>) {
  return { add: database.prepare(ADD), read: database.prepare(READ), expire: database.prepare('DELETE FROM usage WHERE day < ?') }
}
