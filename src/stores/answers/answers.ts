/**
 * Keeps whole answers for a while. What is in them is the engine's; a key says nothing of it.
 * A store that cannot be reached has none and keeps none: it never fails a request.
 */
export interface AnswerStore {
  /** @returns undefined when there is none, or no longer */
  get: (key: string) => Buffer | undefined | Promise<Buffer | undefined>
  /** Keeps a value for so many seconds; less when there is no room. */
  set: (key: string, value: Buffer, ttlSeconds: number) => void | Promise<void>
}
