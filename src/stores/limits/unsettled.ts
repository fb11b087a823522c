import type { LimitedKey } from './limits.ts'
import type { Own } from './while-away.ts'

const DAY_MS = 86_400_000
/** After it, tokens of the minute have been refilled. */
const MINUTE_MS = 60_000

/** Settled in one round trip. */
const BATCH = 100

/** What was used and is not counted yet. */
export interface Settlement {
  key: LimitedKey
  /** Of the lease, or one of its own. */
  id: string
  tokens: number
  /** Micro-neurons of the current day, and of the current month. */
  day: number
  month: number
  /** Micro-neurons that Redis holds for it. */
  held: { day: number, month: number }
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
 * key and day, so it is bounded by keys and by what was in progress. Times are Unix times in milliseconds.
 */
export class Unsettled {
  readonly #newId: () => string
  /** By the ids of their keys. */
  readonly #entries = new Map<string, Set<Entry>>()
  /** Sums that still grow, by key and day. */
  readonly #sums = new Map<string, Entry>()
  #isFlushing = false

  /** @param newId one that nobody else has */
  constructor (newId: () => string) {
    this.#newId = newId
  }

  /** What Redis will count of a key when it hears of it, beside what it holds for the same requests. */
  ofKey ({ id }: LimitedKey, now: number): Omit<Own, 'running'> {
    const sum = { requests: 0, day: 0, month: 0 }
    for (const entry of this.#entries.get(id) ?? []) {
      const { requests, day, month, held } = toCurrent(entry, now)
      sum.requests += requests
      sum.day += Math.max(0, day - held.day)
      sum.month += Math.max(0, month - held.month)
    }
    return sum
  }

  /** @param hasLease whether Redis may know its id */
  add (settlement: Settlement, hasLease: boolean, now: number): void {
    if (hasLease) {
      this.#keep({ ...settlement, at: now })
      return
    }
    const { key, day, month, requests } = settlement
    const name = `${Math.floor(now / DAY_MS)} ${key.id}`
    let sum = this.#sums.get(name)
    if (sum === undefined) {
      // Tokens of the minute are no part of it: while Redis was away, this process held them to the limit.
      sum = { key, id: this.#newId(), tokens: 0, day: 0, month: 0, held: { day: 0, month: 0 }, requests: 0, isDoubtful: false, at: now }
      this.#sums.set(name, sum)
      this.#keep(sum)
    }
    sum.day += day
    sum.month += month
    sum.requests += requests
  }

  /** Settles all there is, some at a time. What fails stays, and all behind it. */
  async flush (settle: (settlements: Settlement[]) => Promise<void>, now: number): Promise<void> {
    if (this.#isFlushing) return
    this.#isFlushing = true
    // What is sent must not grow any more: it may have been counted as it is.
    this.#sums.clear()
    const due = [...this.#entries.values()].flatMap(entries => [...entries])
    try {
      for (let start = 0; start < due.length; start += BATCH) {
        const entries = due.slice(start, start + BATCH)
        await settle(entries.map(entry => toCurrent(entry, now)))
        for (const entry of entries) this.#drop(entry)
      }
    } finally {
      this.#isFlushing = false
    }
  }

  #keep (entry: Entry): void {
    const entries = this.#entries.get(entry.key.id) ?? new Set()
    this.#entries.set(entry.key.id, entries.add(entry))
  }

  #drop (entry: Entry): void {
    const entries = this.#entries.get(entry.key.id)
    entries?.delete(entry)
    if (entries?.size === 0) this.#entries.delete(entry.key.id)
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
