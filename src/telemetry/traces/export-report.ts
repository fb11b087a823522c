import type { ExportListener } from './opentelemetry.ts'

/** Shortest time between two lines, and without a loss until exports count as mended; milliseconds. */
const PAUSE_MS = 60_000

export interface ReportLog {
  info: (fields: object, message: string) => void
  warn: (fields: object, message: string) => void
}

/**
 * Tells in the log what becomes of exports: the first loss at once, more of them once a minute, and when there has been none
 * for a minute.
 */
export class ExportReport implements ExportListener {
  readonly #log: ReportLog
  readonly #now: () => number
  #untold = 0
  #reason = ''
  #toldAt = -Infinity
  #lostAt = -Infinity
  #isFailing = false

  /** @param now milliseconds since any moment */
  constructor (log: ReportLog, now: () => number) {
    this.#log = log
    this.#now = now
  }

  dropped (count: number, reason: string): void {
    this.#untold += count
    this.#reason = reason
    this.#isFailing = true
    this.#lostAt = this.#now()
    if (this.#lostAt - this.#toldAt >= PAUSE_MS) this.end()
  }

  exported (): void {
    if (!this.#isFailing || this.#now() - this.#lostAt < PAUSE_MS) return
    this.end()
    this.#isFailing = false
    this.#log.info({}, 'traces are exported again')
  }

  /** Tells what has not been told. */
  end (): void {
    if (this.#untold === 0) return
    this.#log.warn({ spans: this.#untold, reason: this.#reason }, 'spans were lost: the collector of traces did not take them')
    this.#untold = 0
    this.#toldAt = this.#now()
  }
}
