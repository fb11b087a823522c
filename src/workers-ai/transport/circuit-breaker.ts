import { LRUCache } from 'lru-cache'
import { UpstreamError } from '../../errors.ts'
import { NO_CAPACITY, toFacts } from './error-codes.ts'

/** Failures in a row that open the circuit of one credential and model. */
const THRESHOLD = 5

/** Credentials in a row that find no capacity for a model, before the circuit of the model opens for all. */
const CREDENTIALS_THRESHOLD = 3

/** How long a circuit stays open, in milliseconds; Cloudflare's queues take tens of seconds to clear. */
const OPEN_MS = 15_000

/** The longest time between two failures of a row, in milliseconds. */
const ROW_MS = 60_000

/** Circuits that are kept; the one that failed longest ago is dropped first. */
const MAX_CIRCUITS = 1_000

type Reason = NonNullable<ReturnType<typeof toFacts>['circuit']>

/** A row of failures. */
interface Row {
  /** Failures, or credentials that had them. */
  count: number
  isTripped: boolean
  openUntil: number
  reason: Reason
  /** The trial call of a half-open circuit. */
  trial?: Passage | undefined
  /** The credentials that had the failures, where those are counted. */
  credentials?: Set<string>
}

/**
 * Circuit breakers: while Cloudflare has no capacity, or accepts no more calls, callers are refused at once, so that a busy
 * model gets no calls. After a while one trial call is made; its outcome closes the circuit or opens it again.
 *
 * There is a circuit for each credential and model, because rate limits are those of one account or token. A lack of
 * capacity is the same for all, but one caller is not enough to show it: it takes three credentials in a row.
 *
 * No other outcome predicts the next call: a request that is wrong, too slow or abandoned neither opens nor closes a circuit,
 * and allows another trial. A wrong request does not even end a row, because it may have been refused before capacity was
 * checked.
 */
export class CircuitBreakers {
  readonly #now: () => number
  readonly #ofCredentials: Rows
  readonly #ofModels: Rows

  /** @param now milliseconds since any fixed moment */
  constructor (now: () => number) {
    this.#now = now
    this.#ofCredentials = newRows(now)
    this.#ofModels = newRows(now)
  }

  /**
   * Asks for permission to make a call. The caller must report the outcome to the returned passage.
   * @param credential whose limits count, by a name that is not a secret
   * @throws UpstreamError with the seconds to wait, while a circuit is open
   */
  enter (credential: string, model: string): Passage {
    const now = this.#now()
    const key = `${credential} ${model}`
    // Mostly there is none: then nothing has to be looked up by a name that is made for each call.
    const ofModel = this.#ofModels.size > 0 ? this.#ofModels.peek(model) : undefined
    const ofCredential = this.#ofCredentials.size > 0 ? this.#ofCredentials.peek(key) : undefined
    if (ofModel && ofModel.openUntil > now) throw toRefusal(ofModel, now, true)
    if (ofCredential && ofCredential.openUntil > now) throw toRefusal(ofCredential, now, false)
    const passage: Passage = {
      onSuccess: () => {
        this.#ofModels.delete(model)
        this.#ofCredentials.delete(key)
      },
      onFailure: error => {
        const { circuit: reason, fault } = error instanceof UpstreamError ? toFacts(error) : {}
        if (reason !== undefined) this.#count(credential, model, key, reason)
        else if (fault !== 'caller') this.#endRows(model, key)
        passage.onAbandoned()
      },
      onAbandoned: () => {
        for (const row of [this.#ofModels.peek(model), this.#ofCredentials.peek(key)]) {
          if (row?.trial !== passage) continue
          row.trial = undefined
          row.openUntil = 0
        }
      }
    }
    // Half open: other callers are refused until this call ends.
    for (const row of [ofModel, ofCredential]) if (row?.isTripped) Object.assign(row, { openUntil: now + OPEN_MS, trial: passage })
    return passage
  }

  /** Another failure ends a row, but does not close an open circuit. */
  #endRows (model: string, key: string): void {
    if (this.#ofModels.peek(model)?.isTripped === false) this.#ofModels.delete(model)
    if (this.#ofCredentials.peek(key)?.isTripped === false) this.#ofCredentials.delete(key)
  }

  #count (credential: string, model: string, key: string, reason: Reason): void {
    const now = this.#now()
    const ofCredential = renewed(this.#ofCredentials, key, reason)
    ofCredential.count++
    trip(ofCredential, THRESHOLD, now)
    if (reason !== 'capacity') return
    const ofModel = renewed(this.#ofModels, model, reason)
    ofModel.credentials ??= new Set()
    if (ofModel.credentials.size < CREDENTIALS_THRESHOLD) ofModel.credentials.add(credential)
    ofModel.count = ofModel.credentials.size
    trip(ofModel, CREDENTIALS_THRESHOLD, now)
  }
}

/** A permitted call. One of these must be called when it has ended. */
export interface Passage {
  /** Cloudflare has begun to answer. */
  onSuccess: () => void
  onFailure: (error: unknown) => void
  /** The client has disconnected before the outcome. */
  onAbandoned: () => void
}

/** By name. `peek` does not change the order of eviction. */
type Rows = LRUCache<string, Row>

function newRows (now: () => number): Rows {
  return new LRUCache({ max: MAX_CIRCUITS, ttl: ROW_MS, ttlResolution: 0, perf: { now } })
}

/** The row of one more failure, as the most recent one. */
function renewed (rows: Rows, name: string, reason: Reason): Row {
  const row = rows.peek(name) ?? { count: 0, isTripped: false, openUntil: 0, reason }
  row.reason = reason
  rows.set(name, row)
  return row
}

function trip (row: Row, threshold: number, now: number): void {
  if (row.count < threshold) return
  Object.assign(row, { isTripped: true, openUntil: now + OPEN_MS, trial: undefined })
}

function toRefusal ({ openUntil, reason }: Row, now: number, isForAll: boolean): UpstreamError {
  const error = new UpstreamError(toSentence(reason, isForAll), {
    kind: 'refused',
    status: 429,
    code: reason === 'capacity' ? NO_CAPACITY : undefined,
    retryAfter: Math.ceil((openUntil - now) / 1_000)
  })
  error.attempts = 0
  return error
}

function toSentence (reason: Reason, isForAll: boolean): string {
  if (isForAll) return 'Cloudflare had no capacity for this model for several callers in a row, so it is not asked for a while'
  return reason === 'capacity'
    ? 'Cloudflare had no capacity for this model several times in a row, so it is not asked for a while'
    : 'Cloudflare took no more calls of this model with these credentials several times in a row (429), so it is not asked for a while'
}
