import { LRUCache } from 'lru-cache'
import type { AnswerStore } from './answers.ts'

/** What an entry costs beside its value, in bytes: the key, the buffer and the places in the lists. */
const ENTRY_BYTES = 500

/** Answers in the memory of this process. Those that were not used for longest make room for others. */
export class MemoryAnswers implements AnswerStore {
  readonly #answers: LRUCache<string, Buffer>

  /**
   * @param maxBytes of all answers together
   * @param now a time in milliseconds that only grows
   */
  constructor (maxBytes: number, now: () => number = () => performance.now()) {
    const sizeCalculation = (value: Buffer) => value.length + ENTRY_BYTES
    this.#answers = new LRUCache({ maxSize: maxBytes, sizeCalculation, perf: { now }, ttlResolution: 0 })
  }

  get (key: string): Buffer | undefined {
    return this.#answers.get(key)
  }

  set (key: string, value: Buffer, ttlSeconds: number): void {
    this.#answers.set(key, value, { ttl: ttlSeconds * 1_000 })
  }
}
