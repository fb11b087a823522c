import type { LimitedKey } from './limits.ts'

const DAY_MS = 86_400_000
/** After it, tokens of the minute have been refilled. */
const MINUTE_MS = 60_000

/** What was used and is not counted yet. */
export interface Settlement {
  key: LimitedKey
  /** Of the lease, or one of its own. */
  id: string
  tokens: number
  /** Micro-neurons of the current day, and of the current month. */
  day: number
  month: number
  /** Requests that Redis has not counted. */
  requests: number
  /** It may have been counted. */
  isDoubtful: boolean
}

interface Entry extends Settlement {
  /** When it was used; Unix time in milliseconds. */
  at: number
}

/**
 * Keeps what could not be settled while Redis was away. What holds a lease there keeps its id, and of the rest there is one sum for each
 * key and day, so it is bounded by keys and by what was in progress.
 */
export class Unsettled {
  readonly #newId: () => string
  #entries: Entry[] = []
  /** Sums that still grow, by key and day. */
  readonly #sums = new Map<string, Entry>()
  #isFlushing = false

  /** @param newId one that nobody else has */
  constructor (newId: () => string) {
    this.#newId = newId
  }

  get isEmpty (): boolean {
    return this.#entries.length === 0
  }

  /** @param hasLease whether Redis may know its id */
  add (settlement: Settlement, hasLease: boolean, now: number): void {
    if (hasLease) {
      this.#entries.push({ ...settlement, at: now })
      return
    }
    const { key, day, month, requests } = settlement
    const name = `${Math.floor(now / DAY_MS)} ${key.id}`
    let sum = this.#sums.get(name)
    if (sum === undefined) {
      // Tokens of the minute are no part of it: while Redis was away, this process held them to the limit.
      sum = { key, id: this.#newId(), tokens: 0, day: 0, month: 0, requests: 0, isDoubtful: false, at: now }
      this.#sums.set(name, sum)
      this.#entries.push(sum)
    }
    sum.day += day
    sum.month += month
    sum.requests += requests
  }

  /** Settles all, one after the other. What fails stays, and all behind it. */
  async flush (settle: (settlement: Settlement) => Promise<void>, now: number): Promise<void> {
    if (this.#isFlushing) return
    this.#isFlushing = true
    // What is sent must not grow any more: it may have been counted as it is.
    this.#sums.clear()
    const due = this.#entries
    this.#entries = []
    try {
      for (let entry = due[0]; entry !== undefined; entry = due[0]) {
        await settle(toCurrent(entry, now))
        due.shift()
      }
    } finally {
      this.#entries.unshift(...due)
      this.#isFlushing = false
    }
  }
}

/** Without what counts in a day, a month or a minute that is over. */
function toCurrent ({ at, ...settlement }: Entry, now: number): Settlement {
  const isSameDay = Math.floor(at / DAY_MS) === Math.floor(now / DAY_MS)
  const isSameMonth = new Date(at).toISOString().slice(0, 7) === new Date(now).toISOString().slice(0, 7)
  return {
    ...settlement,
    tokens: now - at < MINUTE_MS ? settlement.tokens : 0,
    day: isSameDay ? settlement.day : 0,
    month: isSameMonth ? settlement.month : 0,
    requests: isSameDay ? settlement.requests : 0
  }
}
