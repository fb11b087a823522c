/** Failures in a row after which nobody waits any more. */
const FAILURES = 3

/** A lost connection is first made again soon: a server that restarts, or another that takes over, is back in a moment. */
const FIRST_PAUSE_MS = 50

const MIN_PAUSE_MS = 1_000
const MAX_PAUSE_MS = 10_000

/** Counts failures, and says how long a server that fails is left alone. It knows no clock. */
export class Breaker {
  #failures = 0
  #pauses = 0

  succeeded (): void {
    this.#failures = 0
    this.#pauses = 0
  }

  /** @returns whether it opens, so that the server is not asked until a pause has passed */
  failed (): boolean {
    if (++this.#failures < FAILURES) return false
    this.#failures = 0
    // The server was there, and failed: that takes longer than a moment.
    this.#pauses = Math.max(1, this.#pauses)
    return true
  }

  /** How long to wait before the server is tried next, in milliseconds; longer each time until something succeeds. */
  nextPauseMs (): number {
    const doublings = this.#pauses++ - 1
    return doublings < 0 ? FIRST_PAUSE_MS : Math.min(MIN_PAUSE_MS * 2 ** Math.min(doublings, 10), MAX_PAUSE_MS)
  }
}
