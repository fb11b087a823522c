import { UpstreamError } from '../errors.ts'
import type { ModelId } from './model.ts'

/** How long a refusal counts, in milliseconds: Cloudflare retires models for good, but by mistake as well. */
const KNOWN_MS = 60 * 60_000

/** Refusals that are remembered; the oldest is forgotten first. */
const MAX_KNOWN = 1_000

interface Refusal extends Pick<UpstreamError, 'message' | 'status' | 'code'> {
  until: number
}

/**
 * Remembers for an hour which models Cloudflare has said it has retired, so that their successors are asked at once. Each
 * credential has its own: what is taken from one account another one may still have.
 */
export class Retirements {
  readonly #now: () => number
  readonly #refusals = new Map<string, Refusal>()

  /** @param now milliseconds since any fixed moment */
  constructor (now: () => number) {
    this.#now = now
  }

  /** @param credential whose account was asked, by a name that is no secret */
  note (credential: string, model: ModelId, { message, status, code }: UpstreamError): void {
    const key = `${credential} ${model}`
    this.#refusals.delete(key)
    this.#refusals.set(key, { message, status, code, until: this.#now() + KNOWN_MS })
    if (this.#refusals.size > MAX_KNOWN) this.#refusals.delete(this.#refusals.keys().next().value as string)
  }

  /** @throws UpstreamError as Cloudflare would refuse the model once more, which has not been asked */
  refuseKnown (credential: string, model: ModelId): void {
    const key = `${credential} ${model}`
    const refusal = this.#refusals.get(key)
    if (refusal === undefined) return
    if (refusal.until <= this.#now()) {
      this.#refusals.delete(key)
      return
    }
    const { message, status, code } = refusal
    const error = new UpstreamError(message, { kind: 'refused', status, code })
    error.attempts = 0
    throw error
  }
}
