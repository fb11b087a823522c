/** A part refills in `1 / limit` milliseconds, so every level at every millisecond is a whole number of parts. */
const PARTS = 60_000

/**
 * A limit per minute: a token bucket that holds `limit`, refilled continuously. It is in debt after a request that took
 * more than was left. All times are Unix times in milliseconds.
 */
export class Bucket {
  readonly limit: number
  #parts: number
  #at: number

  /** @param parts that are left, of which there are 60,000 for one; a new bucket is full */
  constructor (limit: number, now: number, parts: number = limit * PARTS) {
    this.limit = limit
    this.#parts = parts
    this.#at = now
  }

  /** What can be taken now: a whole number, 0 in debt. */
  remaining (now: number): number {
    return Math.max(0, Math.floor(this.#level(now) / PARTS))
  }

  /** Milliseconds until so much can be taken. */
  msUntil (amount: number, now: number): number {
    return Math.max(0, Math.ceil((amount * PARTS - this.#level(now)) / this.limit))
  }

  /** Takes so much, or gives it back where it is below zero. A full bucket takes nothing back. */
  take (amount: number, now: number): void {
    this.#parts = Math.min(this.limit * PARTS, this.#level(now) - amount * PARTS)
  }

  #level (now: number): number {
    // A clock that was set back refills nothing.
    this.#parts = Math.min(this.limit * PARTS, this.#parts + this.limit * Math.max(0, now - this.#at))
    this.#at = now
    return this.#parts
  }
}
