import { ProxyError } from '../../errors.ts'
import { FairShare } from '../connections/fair-share.ts'
import { overloaded } from '../connections/active-requests.ts'

/**
 * The memory that requests hold until they are let go: for their bodies, decoded, and for images that are fetched for
 * them. There is a limit to the sum. A request that is alone may pass it, or a limit below the size of one body would let
 * none through.
 */
export class BodyMemory {
  readonly limit: number
  #shares: FairShare

  constructor (limit: number) {
    this.limit = limit
    this.#shares = new FairShare(limit)
  }

  get used (): number {
    return this.#shares.used
  }

  /** @param key whose request it is, by `toKeyId` */
  hold (key: string): HeldMemory {
    return new HeldMemory(key, this.#shares, this.limit)
  }
}

/** What one request holds. */
export class HeldMemory {
  readonly #key: string
  readonly #shares: FairShare
  readonly #limit: number
  #bytes = 0
  #isReleased = false

  constructor (key: string, shares: FairShare, limit: number) {
    this.#key = key
    this.#shares = shares
    this.#limit = limit
  }

  /**
   * @param length of what is going to come, in bytes
   * @throws ProxyError 503 with `retry-after` when there is no room for it, unless nobody else holds any
   */
  expect (length: number): void {
    this.#check(length * COPIES)
  }

  /** Holds so many bytes more of a body or an image. @throws ProxyError as `expect` does */
  grow (length: number): void {
    this.#grow(length * COPIES)
  }

  /**
   * The same for what JSON becomes beside its text. A body of little else than brackets takes twenty times its size.
   * @throws ProxyError also 413, when that is more than the memory the limit was made for can have
   */
  growByValues (count: number): void {
    const bytes = count * VALUE_BYTES
    if (bytes > 2 * this.#limit) {
      throw new ProxyError('The request body holds too many values. MAX_BODY_MEMORY_BYTES of the proxy sets the limit.', { status: 413, type: 'invalid_request_error' })
    }
    this.#grow(bytes)
  }

  /** Gives everything back; once. */
  release (): void {
    if (this.#isReleased) return
    this.#isReleased = true
    if (this.#bytes > 0) this.#shares.give(this.#key, this.#bytes)
  }

  #grow (bytes: number): void {
    if (this.#isReleased) return
    this.#check(bytes)
    this.#shares.take(this.#key, bytes)
    this.#bytes += bytes
  }

  #check (bytes: number): void {
    if (this.#shares.used > this.#bytes && !this.#shares.mayTake(this.#key, bytes)) throw overloaded()
  }
}

/** How often a body is there while its answer is waited for: as it came, as it was read, and as Cloudflare gets it. */
const COPIES = 3

/** A small object or list in V8's heap, or four numbers in a list that grows. */
const VALUE_BYTES = 32
