/** Above so much of the limit, those who hold more than their share are refused. */
const CROWDED = 0.8

/** How long a key that was refused counts as one in use, in milliseconds: by then it has asked again, or has given up. */
const WAITING_MS = 5_000

/** Of keys that wait; where callers bring their own, they could make up any number. */
const MAX_WAITING = 100

/**
 * Something of which there is only so much for all, and which the keys that ask for it share. One key alone may have all
 * of it. When it is nearly used up, a key that holds more than the limit divided by the keys in use gets no more, so that
 * there is some left for the others.
 */
export class FairShare {
  #limit: number
  #now: () => number
  #used = 0
  /** What each key holds, of those that hold something. */
  #held = new Map<string, number>()
  /** When others were refused last, the earliest first. */
  #waiting = new Map<string, number>()

  /** @param now milliseconds since any fixed moment */
  constructor (limit: number, now: () => number = () => performance.now()) {
    this.#limit = limit
    this.#now = now
  }

  get used (): number {
    return this.#used
  }

  /** Whether a key would be given so much. Who would not be counts as waiting for a while. */
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
