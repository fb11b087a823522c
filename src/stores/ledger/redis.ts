import { setTimeout as sleep } from 'node:timers/promises'
import { RedisUnavailable, type Redis } from '../redis/redis.ts'
import { toDay, toFirstKeptDay, type Booking, type Ledger, type Row, type Rows } from './ledger.ts'
import { MemoryLedger } from './memory.ts'
import { RedisRows } from './redis-rows.ts'

/** Most rows of a batch: Redis serves nobody else while it adds them. */
const BATCH_ROWS = 200

/** Least time from one batch to the next, in milliseconds: a busy process adds up more, and does not ask more often. */
const PAUSE_MS = 100

/** How long after a failure the same batch is sent again, in milliseconds. */
const RETRY_MS = 1_000

/** How long the end of the process waits for what is not written, in milliseconds, and how often it tries. */
const CLOSE_MS = 2_000
const CLOSE_RETRY_MS = 100

const DAY_MS = 86_400_000

export interface RedisLedgerOptions {
  redis: Redis
  /** Unix time in milliseconds. */
  now: () => number
  /** Where lines go. */
  log?: { error: (fields: object, message: string) => void } | undefined
}

/** Rows that are being sent, and may have arrived. They are sent again, unchanged and before any others, until Redis says so. */
interface Batch {
  number: number
  rows: readonly Row[]
}

/**
 * Adds up in Redis, for all replicas. What is booked is written at the end of the same turn of the event loop, after the answer
 * itself, and no more often than ten times a second. While Redis is away it is added up in memory, a row for each account, model,
 * key and day, and written when it is back; what is read meanwhile is what this process has booked since its start.
 */
export class RedisLedger implements Ledger {
  readonly #now: () => number
  readonly #log: RedisLedgerOptions['log']
  readonly #rows: RedisRows
  /** What this process has booked. */
  readonly #own: MemoryLedger
  /** Rows that were never sent. */
  readonly #unsent: MemoryLedger
  #hasUnsent = false
  #batches: Batch[] = []
  #lastNumber = 0
  #isDue = false
  #lastWriteAt = -Infinity
  #isFailing = false
  #isClosed = false
  #writing: Promise<boolean> | undefined
  #retry: NodeJS.Timeout | undefined
  readonly #forget: () => void

  constructor ({ redis, now, log }: RedisLedgerOptions) {
    this.#now = now
    this.#log = log
    this.#rows = new RedisRows(redis)
    this.#own = new MemoryLedger(now)
    this.#unsent = new MemoryLedger(now)
    this.#forget = redis.onBack(() => { void this.#write() })
  }

  add (bookings: readonly Booking[]): void {
    this.#own.add(bookings)
    this.#unsent.add(bookings)
    this.#hasUnsent = true
    // What cannot be written now waits for the next try.
    if (!this.#isFailing) this.#schedule()
  }

  async read (first: string, last: string): Promise<Rows> {
    const now = this.#now()
    const firstKept = toFirstKeptDay(now)
    // Another replica's clock may be ahead.
    const [from, to] = [first < firstKept ? firstKept : first, last < toDay(now) ? last : toDay(now + DAY_MS)]
    try {
      if (await this.#write()) return await this.#rows.read(from, to)
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error
    }
    const known: Rows = this.#own.read(from, to)
    known.isPartial = true
    return known
  }

  /** Waits for two seconds at most. */
  async close (): Promise<void> {
    this.#isClosed = true
    this.#forget()
    clearTimeout(this.#retry)
    const end = performance.now() + CLOSE_MS
    const tried = async () => {
      while (!await this.#write()) {
        if (performance.now() > end) return false
        await sleep(CLOSE_RETRY_MS)
      }
      return true
    }
    const isWritten = await Promise.race([tried(), sleep(CLOSE_MS, false, { ref: false })])
    if (isWritten) return
    const requests = [...this.#batches.flatMap(({ rows }) => rows), ...this.#unsent.take()].reduce((sum, row) => sum + row.requests, 0)
    this.#log?.error({ requests }, 'the usage of these requests may be lost: Redis could not be reached before the end')
  }

  #schedule (): void {
    if (this.#isDue) return
    this.#isDue = true
    const write = () => {
      this.#isDue = false
      void this.#write()
    }
    const pauseMs = this.#lastWriteAt + PAUSE_MS - performance.now()
    if (pauseMs > 0) setTimeout(write, pauseMs).unref()
    else setImmediate(write)
  }

  /** @returns whether everything is written that was booked before */
  #write (): Promise<boolean> {
    // Whoever comes while something is on its way waits for that, and then for what was booked meanwhile.
    if (this.#writing !== undefined) return this.#writing.then(isWritten => isWritten && this.#hasUnsent ? this.#write() : isWritten)
    this.#lastWriteAt = performance.now()
    this.#writing = this.#writeAll().finally(() => { this.#writing = undefined })
    return this.#writing
  }

  async #writeAll (): Promise<boolean> {
    try {
      // What is left of a failure goes first; what is booked from now on waits for its turn.
      await this.#send()
      this.#batches = this.#takeBatches()
      await this.#send()
      this.#isFailing = false
      return true
    } catch {
      // Who keeps the connection tells of it.
      this.#isFailing = true
      if (!this.#isClosed) this.#retryLater()
      return false
    }
  }

  async #send (): Promise<void> {
    for (let [batch] = this.#batches; batch !== undefined; [batch] = this.#batches) {
      await this.#rows.add(batch.number, batch.rows)
      this.#batches.shift()
    }
  }

  #retryLater (): void {
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => { void this.#write() }, RETRY_MS).unref()
  }

  #takeBatches (): Batch[] {
    this.#hasUnsent = false
    const rows = this.#unsent.take()
    const batches: Batch[] = []
    while (rows.length > 0) batches.push({ number: ++this.#lastNumber, rows: rows.splice(0, BATCH_ROWS) })
    return batches
  }
}
