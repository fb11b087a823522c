import { ProxyError } from '../../errors.ts'
import { FairShare } from '../connections/fair-share.ts'
import { overloaded } from '../connections/active-requests.ts'

/**
 * The memory that requests hold until they are released: for their decoded bodies, and for images that are fetched for them.
 * The sum is limited. A single request may exceed the limit, because a limit below the size of one body would otherwise
 * refuse all bodies.
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

/** The memory of one request. */
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
   * @param length of the expected body, in bytes
   * @throws ProxyError 503 with `retry-after` if there is no room for it, unless no other request holds any
   */
  expect (length: number): void {
    this.#check(length * COPIES)
  }

  /** Adds bytes of a body or an image. @throws ProxyError as `expect` does */
  grow (length: number): void {
    this.#grow(length * COPIES)
  }

  /**
   * The same for the objects of parsed JSON. A body of mostly brackets takes twenty times its size.
   * @throws ProxyError also 413, if that exceeds the memory of which the limit is a part
   */
  growByValues (count: number): void {
    const bytes = count * VALUE_BYTES
    if (bytes > 2 * this.#limit) {
      throw new ProxyError('The request body holds too many values. MAX_BODY_MEMORY_BYTES of the proxy sets the limit.', { status: 413, type: 'invalid_request_error' })
    }
    this.#grow(bytes)
  }

  /**
   * Adds bytes that are needed for a part of the request alone, such as those of a decoder.
   * @returns releases them; once
   * @throws ProxyError as `expect` does
   */
  borrow (bytes: number): () => void {
    this.#grow(bytes)
    let isBorrowed = true
    return () => {
      if (!isBorrowed || this.#isReleased) return
      isBorrowed = false
      this.#bytes -= bytes
      this.#shares.give(this.#key, bytes)
    }
  }

  /** Releases everything; once. */
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

/** Copies of a body while its answer is awaited: as received, as parsed, and as sent to Cloudflare. */
const COPIES = 3

/** A small object or list in V8's heap, or four numbers in a list that grows. */
const VALUE_BYTES = 32
