/** The part of the limit above which keys with more than their share are refused. */
const CROWDED = 0.8

/** How long a refused key counts as active, in milliseconds: by then it has retried or given up. */
const WAITING_MS = 5_000

/** The most waiting keys: callers with their own tokens could invent any number. */
const MAX_WAITING = 100

/**
 * A limited resource that keys share. A single active key may use all of it. When it is nearly used up, a key that holds more
 * than the limit divided by the number of active keys gets no more, so that some is left for the others.
 */
export class FairShare {
  #limit: number
  #now: () => number
  #used = 0
  /** The amount that each key holds, without zeros. */
  #held = new Map<string, number>()
  /** When keys were last refused, the earliest first. */
  #waiting = new Map<string, number>()

  /** @param now milliseconds since any fixed moment */
  constructor (limit: number, now: () => number = () => performance.now()) {
    this.#limit = limit
    this.#now = now
  }

  get used (): number {
    return this.#used
  }

  /** Whether a key may take this amount. A refused key counts as waiting for a while. */
  mayTake (key: string, amount: number): boolean {
    if (this.#used + amount <= this.#limit && !this.#isCrowdedBy(key)) return true
    if (!this.#held.has(key)) this.#wait(key)
    return false
  }

  take (key: string, amount: number): void {
    this.#used += amount
    this.#held.set(key, (this.#held.get(key) ?? 0) + amount)
    this.#waiting.delete(key)
  }

  give (key: string, amount: number): void {
    this.#used -= amount
    const left = (this.#held.get(key) ?? 0) - amount
    if (left > 0) this.#held.set(key, left)
    else this.#held.delete(key)
  }

  #isCrowdedBy (key: string): boolean {
    if (this.#used < CROWDED * this.#limit) return false
    this.#forgetThoseWhoGaveUp()
    const held = this.#held.get(key) ?? 0
    return held > this.#limit / (this.#held.size + this.#waiting.size)
  }

  #wait (key: string): void {
    this.#forgetThoseWhoGaveUp()
    this.#waiting.delete(key)
    if (this.#waiting.size < MAX_WAITING) this.#waiting.set(key, this.#now())
  }

  #forgetThoseWhoGaveUp (): void {
    const before = this.#now() - WAITING_MS
    for (const [key, since] of this.#waiting) {
      if (since > before) return
      this.#waiting.delete(key)
    }
  }
}
