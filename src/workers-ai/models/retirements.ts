import { LRUCache } from 'lru-cache'
import { UpstreamError } from '../../errors.ts'
import type { ModelId } from './model.ts'

/** How long a refusal counts, in milliseconds: Cloudflare retires models permanently, but sometimes by mistake. */
const KNOWN_MS = 60 * 60_000

/** Refusals that are kept; the oldest is dropped first. */
const MAX_KNOWN = 1_000

type Refusal = Pick<UpstreamError, 'message' | 'status' | 'code'>

/**
 * Remembers for an hour which models Cloudflare has reported as retired, so that their successors are used at once. Each
 * credential has its own entries: an account may still have a model that another one has lost.
 */
export class Retirements {
  readonly #refusals: LRUCache<string, Refusal>

  /** @param now milliseconds since any fixed moment */
  constructor (now: () => number) {
    this.#refusals = new LRUCache({ max: MAX_KNOWN, ttl: KNOWN_MS, ttlResolution: 0, perf: { now } })
  }

  /** @param credential a name, not a secret, of the credentials that were used */
  note (credential: string, model: ModelId, { message, status, code }: UpstreamError): void {
    this.#refusals.set(`${credential} ${model}`, { message, status, code })
  }

  /** @throws UpstreamError as Cloudflare's refusal, without a call */
  refuseKnown (credential: string, model: ModelId): void {
    if (this.#refusals.size === 0) return
    const refusal = this.#refusals.get(`${credential} ${model}`)
    if (refusal === undefined) return
    const { message, status, code } = refusal
    const error = new UpstreamError(message, { kind: 'refused', status, code })
    error.attempts = 0
    throw error
  }
}
