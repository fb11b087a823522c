import { UpstreamError } from '../errors.ts'

/** Capacity failures in a row that open a circuit. */
const THRESHOLD = 5

/** How long an open circuit answers by itself, in milliseconds; Cloudflare's queues take tens of seconds to clear. */
const OPEN_MS = 15_000

/** Failures further apart than this, in milliseconds, are no row. */
const ROW_MS = 60_000

/** Models that are remembered; the one that failed longest ago is forgotten first. */
const MAX_MODELS = 500

interface Circuit {
  failures: number
  lastFailureAt: number
  openUntil: number
}

/**
 * Remembers, model by model, that Cloudflare has no capacity, so that callers hear it at once and a busy model is left
 * alone. After a while one call is let through; its outcome closes the circuit or opens it again.
 *
 * Only what Cloudflare says of capacity counts (3040, and 429 or 503 without the daily quota): a request of one caller
 * that is wrong, or too slow, says nothing about the next.
 */
export class Circuits {
  #now: () => number
  #circuits = new Map<string, Circuit>()

  /** @param now milliseconds since any fixed moment */
  constructor (now: () => number) {
    this.#now = now
  }

  /** @throws UpstreamError 3040 with the seconds to wait, while the model's circuit is open */
  check (model: string): void {
    const circuit = this.#circuits.get(model)
    if (circuit === undefined) return
    const waitMs = circuit.openUntil - this.#now()
    if (waitMs > 0) {
      const error = new UpstreamError('Cloudflare had no capacity for this model several times in a row, so it is not asked for a while', {
        kind: 'refused', status: 429, code: 3040, retryAfter: Math.ceil(waitMs / 1_000)
      })
      error.attempts = 0
      throw error
    }
    // The next callers wait for the outcome of this one.
    if (circuit.failures >= THRESHOLD) circuit.openUntil = this.#now() + OPEN_MS
  }

  succeeded (model: string): void {
    this.#circuits.delete(model)
  }

  failed (model: string, error: unknown): void {
    if (!isCapacity(error)) return this.succeeded(model)
    const now = this.#now()
    const known = this.#circuits.get(model)
    const failures = known && now - known.lastFailureAt < ROW_MS ? known.failures + 1 : 1
    this.#circuits.delete(model)
    this.#circuits.set(model, { failures, lastFailureAt: now, openUntil: failures >= THRESHOLD ? now + OPEN_MS : 0 })
    if (this.#circuits.size > MAX_MODELS) this.#circuits.delete(this.#circuits.keys().next().value as string)
  }
}

function isCapacity (error: unknown): boolean {
  if (!(error instanceof UpstreamError) || error.kind !== 'refused') return false
  if (error.code === 3040) return true
  const isQuota = error.code === 4006 || error.code === 3036 || /daily free allocation/i.test(error.message)
  return !isQuota && (error.status === 429 || error.status === 503)
}
