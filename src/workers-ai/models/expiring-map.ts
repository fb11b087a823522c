export interface ExpiringMapOptions {
  /** How long a value counts after it was set last, in milliseconds. */
  ttlMs: number
  /** How many are kept; beyond them the one that was set longest ago is forgotten. */
  max: number
  /** Milliseconds since any fixed moment. */
  now: () => number
}

/** Remembers values by key for a while, and never too many of them. */
export class ExpiringMap<V> {
  readonly #options: ExpiringMapOptions
  readonly #entries = new Map<string, { value: V, until: number }>()

  constructor (options: ExpiringMapOptions) {
    this.#options = options
  }

  /** @returns undefined for what was never set, or too long ago */
  get (key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.until > this.#options.now()) return entry?.value
    this.#entries.delete(key)
    return undefined
  }

  /** Sets a value, which counts anew where it was set before. */
  set (key: string, value: V): void {
    const { ttlMs, max, now } = this.#options
    this.#entries.delete(key)
    this.#entries.set(key, { value, until: now() + ttlMs })
    if (this.#entries.size > max) this.#entries.delete(this.#entries.keys().next().value as string)
  }
}
