import type { RequestEvent } from './request-event.ts'

/** How many of the latest events are kept. */
export const RECENT_EVENTS = 200

/** The latest events of one process. */
export class RecentEvents {
  readonly #size: number
  readonly #events: RequestEvent[] = []
  #next = 0

  /** @param size how many; 0 keeps none */
  constructor (size: number) {
    this.#size = size
  }

  get keepsNone (): boolean {
    return this.#size === 0
  }

  add (event: RequestEvent): void {
    if (this.#size === 0) return
    this.#events[this.#next] = event
    this.#next = (this.#next + 1) % this.#size
  }

  /** Oldest first. */
  all (): RequestEvent[] {
    return [...this.#events.slice(this.#next), ...this.#events.slice(0, this.#next)]
  }
}

/** The latest of several processes together, oldest first. */
export function latestOf (processes: Iterable<readonly RequestEvent[]>): RequestEvent[] {
  return [...processes].flat().sort((one, other) => one.ended_at - other.ended_at).slice(-RECENT_EVENTS)
}
