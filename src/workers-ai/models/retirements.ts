import { LRUCache } from 'lru-cache'
import { UpstreamError } from '../../errors.ts'
import type { ModelId } from './model.ts'

/** How long a refusal counts, in milliseconds: Cloudflare retires models for good, but by mistake as well. */
const KNOWN_MS = 60 * 60_000

/** Refusals that are kept; the oldest is dropped first. */
const MAX_KNOWN = 1_000

type Refusal = Pick<UpstreamError, 'message' | 'status' | 'code'>

/**
 * Remembers for an hour which models Cloudflare has said it has retired, so that their successors are asked at once. Each
 * credential has its own: what is taken from one account another one may still have.
 */
export class Retirements {
  readonly #refusals: LRUCache<string, Refusal>

  /** @param now milliseconds since any fixed moment */
  constructor (now: () => number) {
    this.#refusals = new LRUCache({ max: MAX_KNOWN, ttl: KNOWN_MS, ttlResolution: 0, perf: { now } })
  }

  /** @param credential whose account was asked, by a name that is no secret */
  note (credential: string, model: ModelId, { message, status, code }: UpstreamError): void {
    this.#refusals.set(`${credential} ${model}`, { message, status, code })
  }

  /** @throws UpstreamError as Cloudflare would refuse the model once more, which has not been asked */
  refuseKnown (credential: string, model: ModelId): void {
    const refusal = this.#refusals.get(`${credential} ${model}`)
    if (refusal === undefined) return
    const { message, status, code } = refusal
    const error = new UpstreamError(message, { kind: 'refused', status, code })
    error.attempts = 0
    throw error
  }
}
