import { addCounts, emptyRow, toDay, toEndOfDay, toFirstKeptDay, type Booking, type Ledger, type Row } from './ledger.ts'

/** Most rows of a day; what else comes is added up as the model `other`. Names are few: this only holds what should not happen. */
const MAX_ROWS_OF_DAY = 10_000
const OTHER = 'other'

/** Adds up in this process only. What it holds is lost when the process exits. */
export class MemoryLedger implements Ledger {
  readonly #now: () => number
  /** By day, and in it by account, model and key. */
  readonly #days = new Map<string, Map<string, Row>>()
  #today = ''
  /** The rows of that day. */
  #rows = new Map<string, Row>()
  #endOfDay = -Infinity
  /** The row of that day that was added to last, and often is next: to find it by its name costs ten times as much. */
  #latest: Row | undefined

  /** @param now Unix time in milliseconds */
  constructor (now: () => number) {
    this.#now = now
  }

  add (bookings: readonly Booking[]): void {
    const now = this.#now()
    // A clock that was set back stays in its day, so that days never mix.
    if (now >= this.#endOfDay) this.#begin(now)
    for (const booking of bookings) addCounts(this.#rowOf(booking), booking)
  }

  read (first: string, last: string): Row[] {
    return [...this.#days].flatMap(([day, rows]) => day >= first && day <= last ? [...rows.values()].map(row => ({ ...row })) : [])
  }

  /** All rows, which are then forgotten. */
  take (): Row[] {
    const rows = [...this.#days.values()].flatMap(day => [...day.values()])
    this.#days.clear()
    this.#endOfDay = -Infinity
    return rows
  }

  /** Adds rows of any day. */
  giveBack (rows: readonly Row[]): void {
    for (const row of rows) addCounts(this.#rowIn(this.#rowsOf(row.day), row.day, row), row)
  }

  close (): void {
    this.#days.clear()
    this.#endOfDay = -Infinity
  }

  #begin (now: number): void {
    this.#today = toDay(now)
    this.#endOfDay = toEndOfDay(now)
    this.#rows = this.#rowsOf(this.#today)
    this.#latest = undefined
    const firstKept = toFirstKeptDay(now)
    for (const day of this.#days.keys()) if (day < firstKept) this.#days.delete(day)
  }

  #rowsOf (day: string): Map<string, Row> {
    const rows = this.#days.get(day) ?? new Map<string, Row>()
    this.#days.set(day, rows)
    return rows
  }

  #rowOf (booking: Booking): Row {
    const latest = this.#latest
    if (latest?.model === booking.model && latest.key === booking.key && latest.account === booking.account) return latest
    this.#latest = this.#rowIn(this.#rows, this.#today, booking)
    return this.#latest
  }

  #rowIn (rows: Map<string, Row>, day: string, { account, model, key }: Booking): Row {
    const name = `${account}\n${model}\n${key}`
    const known = rows.get(name)
    if (known !== undefined) return known
    if (rows.size >= MAX_ROWS_OF_DAY && model !== OTHER) return this.#rowIn(rows, day, { account, model: OTHER, key })
    const row = emptyRow(day, { account, model, key })
    rows.set(name, row)
    return row
  }
}
