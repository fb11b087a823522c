import { LimitError } from '../errors.ts'
import type { Change } from '../generation/change.ts'
import type { FreeNeurons } from '../inference/allowance.ts'
import { ratesOf } from '../inference/key-allowance.ts'
import type { RequestRecord } from '../inference/request-record.ts'
import type { Settings } from '../settings/schema.ts'
import { toDay, type Booking, type Ledger } from '../stores/ledger/ledger.ts'
import { Budget, HELD_RETRY_MS, type BudgetState, type BudgetUse } from '../stores/limits/budget.ts'
import type { Refusal, Reservation } from '../stores/limits/limits.ts'
import type { EndedRequest } from '../telemetry/ended-requests.ts'
import type { AccountFigures } from '../telemetry/metrics/account-gauges.ts'
import type { Model } from '../workers-ai/models/model.ts'
import { MICRO_NEURONS_PER_NEURON, toMicroNeurons, type BilledTokens } from '../workers-ai/models/price.ts'
import { toUsedMicroNeurons, type AccountState, type OutReason } from './report.ts'

export interface FreeAllocationOptions {
  /** Whose neurons they are, by the name that the account goes by in figures. */
  account: string
  /** Neurons that are free on each UTC day. */
  limit: number
  guard: Settings['freeNeuronsGuard']
  /** Unix time in milliseconds. */
  now: () => number
  /** Where lines go. */
  log: { warn: (fields: object, message: string) => void }
  /** Where several processes hold them together; each for itself when absent. */
  shared?: SharedBudget | undefined
}

/** A budget that several processes share, in micro-neurons. */
export interface SharedBudget {
  reserve: (microNeurons: number) => Promise<Reservation | Refusal>
  /** Counts what was used without a reservation. */
  add: (microNeurons: number) => Promise<void>
  /**
   * Counts that at least so much was used in the day that ends then, as a Unix time in milliseconds.
   * @throws RedisUnavailable
   */
  raise: (microNeurons: number, resetsAt: number) => Promise<void>
  /** How much all of them have used, of the day that ends then; undefined where nothing is known. */
  used: () => Promise<Pick<BudgetUse, 'used' | 'resetsAt'> | undefined>
}

/** What is known of the free neurons of an account. It is JSON. */
export interface FreeNeuronsFacts {
  /** The UTC day of what is used, as an ISO date. */
  day: string
  usedMicroNeurons: number
  /** Unix time in milliseconds until which Cloudflare refuses; 0 where it does not. */
  refusedUntilMs: number
  state: AccountState
}

/** What is left of them, for metrics. */
export function toAccountFigures ({ usedMicroNeurons, state: { name, freeLimit, out } }: FreeNeuronsFacts): AccountFigures {
  const remaining = out?.reason === 'cloudflare' ? 0 : Math.max(0, freeLimit - usedMicroNeurons / MICRO_NEURONS_PER_NEURON)
  return { account: name, remaining, outReason: out?.reason }
}

/** What a request in progress has of a shared budget. */
interface Sharing {
  outcome: Promise<Reservation | Refusal>
  /** Whether it is known to be granted. */
  isHeld: boolean
  /** Micro-neurons that were booked for it. */
  used: number
}

/** Whose limit it is, as the subject of a sentence. */
const OWNER = "the proxy's account"

/** From this share of the limit on callers are warned. */
const WARN_AT = 0.8

/** What is left of an account's free neurons today, as far as it is known here: others may use the account as well. */
export class FreeAllocation implements FreeNeurons {
  /** The name of the account. */
  readonly account: string
  readonly #options: FreeAllocationOptions
  readonly #budget: Budget
  /** What requests in progress hold. */
  readonly #held = new Map<RequestRecord, number>()
  /** The same where it is shared. */
  readonly #shared = new Map<RequestRecord, Sharing>()
  /** Requests that have ended, for which nothing is held any more: the client of one may leave before its hold is made. */
  readonly #released = new WeakSet<RequestRecord>()
  /** Cloudflare says that nothing is left, until then. */
  #refusedUntilMs = 0

  constructor (options: FreeAllocationOptions) {
    this.account = options.account
    this.#options = options
    this.#budget = new Budget(Math.round(options.limit * MICRO_NEURONS_PER_NEURON), 'day', options.now())
  }

  /** Counts what was used today before the start. */
  async recall (ledger: Pick<Ledger, 'read'>): Promise<void> {
    const now = this.#options.now()
    const today = toDay(now)
    const rows = await ledger.read(today, today)
    this.#budget.add(toUsedMicroNeurons(rows.filter(({ account }) => account === this.account)), now)
  }

  /** Counts what an ended request has used of the account, and hears when Cloudflare says that nothing is left. */
  onBooked (bookings: readonly Booking[], { record }: Pick<EndedRequest, 'record'>): void {
    this.count(bookings)
    this.#share(bookings, record)
    if (record.calls?.some(call => call.isOverQuota && call.account === this.account)) this.noteRefusal()
  }

  /** Counts what was used of the account; bookings of other accounts are passed over. */
  count (bookings: readonly Booking[]): void {
    this.#budget.add(this.#sumOf(bookings), this.#options.now())
  }

  /** Takes over what is known of other processes too. What was asked before 00:00 UTC may be heard after it. */
  learn ({ day, usedMicroNeurons, refusedUntilMs = 0 }: Pick<FreeNeuronsFacts, 'day' | 'usedMicroNeurons'> & Partial<FreeNeuronsFacts>): void {
    const now = this.#options.now()
    if (day === toDay(now)) this.#budget.add(Math.max(0, usedMicroNeurons - this.#budget.state(now).used), now)
    this.#refusedUntilMs = Math.max(refusedUntilMs, this.#refusedUntilMs)
  }

  /** Whether callers are warned or refused. */
  get isGuarded (): boolean {
    return this.#options.guard !== 'off'
  }

  /** Asks what all processes have used, where they share it. */
  async learnShared (): Promise<void> {
    const { shared } = this.#options
    if (shared === undefined) return
    const known = await shared.used()
    const now = this.#options.now()
    // Theirs is another clock: near 00:00 UTC it may be another day there.
    if (known?.resetsAt === this.#budget.state(now).resetsAt) this.learn({ day: toDay(now), usedMicroNeurons: known.used })
  }

  /** Frees what an ended request held; nothing is held for it afterwards. */
  release ({ record }: Pick<EndedRequest, 'record'>): void {
    if (this.#options.guard === 'refuse') this.#released.add(record)
    this.#settleShared(record).catch(this.#tellFailure)
    const held = this.#held.get(record)
    if (held === undefined) return
    this.#held.delete(record)
    this.#budget.settle(held, 0, this.#options.now())
  }

  /** Whether a request in progress holds some of them. */
  holds (record: RequestRecord): boolean {
    return this.#held.has(record) || this.#shared.get(record)?.isHeld === true
  }

  mayAsk (model: Model): boolean {
    return this.#options.guard !== 'refuse' || ratesOf(model) !== undefined
  }

  checkModel (model: Model): void {
    if (!this.mayAsk(model)) throw new LimitError({ limit: 'unpriced', model: model.id }, OWNER)
  }

  /** Neurons that are neither used nor held; 0 while Cloudflare says that nothing is left. */
  get remaining (): number {
    const now = this.#options.now()
    return now < this.#refusedUntilMs ? 0 : this.#budget.state(now).remaining / MICRO_NEURONS_PER_NEURON
  }

  /** Whether nothing is left until 00:00 UTC; what is only held may be left soon. */
  get isUsedUp (): boolean {
    const now = this.#options.now()
    return this.#isUsedUpAt(now, this.#budget.state(now))
  }

  /** Whether a request would be refused that needs any. */
  get isRefusing (): boolean {
    return this.#options.guard === 'refuse' && this.remaining === 0
  }

  admit (record: RequestRecord, tokens: BilledTokens, model: Model): void | Promise<void> {
    if (this.#options.guard !== 'refuse' || this.holds(record) || this.#released.has(record)) return
    this.checkModel(model)
    const rates = ratesOf(model)
    const most = rates === undefined ? 0 : toMicroNeurons(rates, tokens)
    const now = this.#options.now()
    const state = this.#budget.state(now)
    const { limit, used, remaining, resetsAt } = state
    const isUsedUp = this.#isUsedUpAt(now, state)
    if (!isUsedUp && this.#options.shared !== undefined) return this.#admitShared(record, most, this.#options.shared)
    if (isUsedUp || remaining === 0) {
      record.refusedBy = 'free_allocation'
      throw new LimitError({
        limit: 'free_allocation',
        max: limit / MICRO_NEURONS_PER_NEURON,
        used: used / MICRO_NEURONS_PER_NEURON,
        ...(isUsedUp ? { retryAfterMs: resetsAt - now } : { isHeld: true, retryAfterMs: HELD_RETRY_MS })
      }, OWNER)
    }
    this.#held.set(record, this.#budget.reserve(most))
  }

  warning (): Change | undefined {
    if (this.#options.guard === 'off') return undefined
    const now = this.#options.now()
    const state = this.#budget.state(now)
    const { limit, used } = state
    const isUsedUp = this.#isUsedUpAt(now, state)
    if (!isUsedUp && used < WARN_AT * limit) return undefined
    const [all, spent] = [limit, used].map(amount => Math.round(amount / MICRO_NEURONS_PER_NEURON))
    return {
      param: 'free_neurons',
      action: isUsedUp ? 'used_up' : 'low',
      reason: `${spent} of the ${all} free neurons of the account are used today; more of them come at 00:00 UTC`
    }
  }

  get state (): AccountState {
    const now = this.#options.now()
    const { resetsAt, used, limit } = this.#budget.state(now)
    const isRefusing = this.#options.guard === 'refuse' && used >= limit
    const reason: OutReason | undefined = now < this.#refusedUntilMs ? 'cloudflare' : isRefusing ? 'free_allocation' : undefined
    return { name: this.account, freeLimit: this.#options.limit, out: reason && { reason, untilMs: resetsAt } }
  }

  get facts (): FreeNeuronsFacts {
    const now = this.#options.now()
    return { day: toDay(now), usedMicroNeurons: this.#budget.state(now).used, refusedUntilMs: this.#refusedUntilMs, state: this.state }
  }

  /** Cloudflare has said that nothing is left. */
  noteRefusal (): void {
    const now = this.#options.now()
    if (now < this.#refusedUntilMs) return
    const { account } = this
    const { limit, log } = this.#options
    const { resetsAt, used } = this.#budget.state(now)
    this.#refusedUntilMs = resetsAt
    const counted = used / MICRO_NEURONS_PER_NEURON
    const fields = { account, counted, limit }
    const isEarly = counted < limit
    log.warn(fields, `Cloudflare says that the free neurons of the day are used up${isEarly ? ', though fewer were counted here: something else uses the account, or FREE_NEURONS_PER_DAY is too high' : ''}`)
  }

  #isUsedUpAt (now: number, { limit, used }: Pick<BudgetState, 'limit' | 'used'>): boolean {
    return used >= limit || now < this.#refusedUntilMs
  }

  async #admitShared (record: RequestRecord, most: number, shared: SharedBudget): Promise<void> {
    // Noted before it is known: its client may leave in between.
    const sharing = this.#shared.get(record) ?? { outcome: shared.reserve(most), isHeld: false, used: 0 }
    this.#shared.set(record, sharing)
    const outcome = await sharing.outcome
    sharing.isHeld = outcome.kind === 'reserved'
    if (outcome.kind === 'reserved') return
    record.refusedBy = 'free_allocation'
    throw new LimitError({ ...outcome.facts, limit: 'free_allocation' }, OWNER)
  }

  /** What was booked for a request that holds something is settled with that. */
  #share (bookings: readonly Booking[], record: RequestRecord): void {
    const { shared } = this.#options
    if (shared === undefined) return
    const used = this.#sumOf(bookings)
    const sharing = this.#shared.get(record)
    if (sharing !== undefined) sharing.used += used
    else if (used > 0) shared.add(used).catch(this.#tellFailure)
  }

  async #settleShared (record: RequestRecord): Promise<void> {
    const sharing = this.#shared.get(record)
    if (sharing === undefined) return
    this.#shared.delete(record)
    const { outcome, used } = sharing
    const known = await outcome
    if (known.kind === 'reserved') await known.settle({ tokens: 0, microNeurons: used })
    else if (used > 0) await this.#options.shared?.add(used)
  }

  /** Nobody waits for it, so nobody else would hear. */
  readonly #tellFailure = (error: unknown): void => {
    const { account, log } = this.#options
    log.warn({ account, error: error instanceof Error ? error.name : 'unknown' }, 'What a request used of the shared free neurons could not be counted')
  }

  #sumOf (bookings: readonly Booking[]): number {
    return bookings.reduce((sum, { account, microNeurons = 0, estimatedMicroNeurons = 0 }) =>
      account === this.account ? sum + microNeurons + estimatedMicroNeurons : sum, 0)
  }
}
