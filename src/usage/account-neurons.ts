import { LimitError } from '../errors.ts'
import type { Change } from '../generation/change.ts'
import type { AccountNeurons } from '../inference/accounts/account-runner.ts'
import type { FreeNeurons } from '../inference/allowance.ts'
import type { RequestRecord } from '../inference/request-record.ts'
import { toEndOfDay } from '../stores/ledger/ledger.ts'
import { HELD_RETRY_MS } from '../stores/limits/budget.ts'
import type { Model } from '../workers-ai/models/model.ts'
import { MICRO_NEURONS_PER_NEURON, type BilledTokens } from '../workers-ai/models/price.ts'
import type { FreeAllocation } from './free-allocation.ts'
import type { FreeAllocations } from './free-allocations.ts'

/** Whose limit it is, as the subject of a sentence. */
const OWNER = "the proxy's accounts together"

interface Admitted {
  record: RequestRecord
  tokens: BilledTokens
  model: Model
}

/**
 * The free neurons of several accounts that serve as one. A request is refused only when none of them may serve it; what it may
 * use is held of the account that is chosen for it, and of each that takes over.
 */
export class FreeNeuronsOfAccounts implements FreeNeurons, AccountNeurons {
  readonly #allocations: FreeAllocations
  readonly #now: () => number
  /** Requests that only what is free may be spent on. */
  readonly #admitted = new WeakMap<object, Admitted>()

  /** @param now Unix time in milliseconds */
  constructor (allocations: FreeAllocations, now: () => number) {
    this.#allocations = allocations
    this.#now = now
  }

  mayAsk (model: Model): boolean {
    return this.#allocations.all.some(one => one.mayAsk(model))
  }

  checkModel (model: Model): void {
    if (!this.mayAsk(model)) throw new LimitError({ limit: 'unpriced', model: model.id }, OWNER)
  }

  admit (record: RequestRecord, tokens: BilledTokens, model: Model): void {
    const { all } = this.#allocations
    if (this.#admitted.has(record)) return
    this.checkModel(model)
    if (all.every(one => one.isRefusing)) {
      record.refusedBy = 'free_allocation'
      throw this.#refusal()
    }
    this.#admitted.set(record, { record, tokens, model })
  }

  /** Only when what is free is low in every account that has no more than that. */
  warning (): Change | undefined {
    const warnings = this.#allocations.all.filter(one => one.isGuarded).map(one => one.warning())
    return warnings.every(warning => warning !== undefined) ? warnings[0] : undefined
  }

  remaining (account: string): number {
    return this.#allocations.of(account)?.remaining ?? 0
  }

  mayServe (account: string, origin: object | undefined): boolean {
    const allocation = this.#allocations.of(account)
    if (allocation?.isRefusing !== true) return true
    const admitted = origin && this.#admitted.get(origin)
    return admitted !== undefined && allocation.holds(admitted.record)
  }

  isHeld (account: string): boolean {
    const allocation = this.#allocations.of(account)
    return allocation?.isRefusing === true && !allocation.isUsedUp
  }

  hold (account: string, origin: object | undefined): void | Promise<void> {
    const admitted = origin && this.#admitted.get(origin)
    if (admitted === undefined) return
    const { record, tokens, model } = admitted
    // Another account may have refused it before.
    this.overlook(record)
    return this.#allocations.of(account)?.admit(record, tokens, model)
  }

  resetsAtMs (): number {
    return toEndOfDay(this.#now())
  }

  refuse (origin: object | undefined): LimitError {
    const admitted = origin && this.#admitted.get(origin)
    if (admitted !== undefined) admitted.record.refusedBy = 'free_allocation'
    return this.#refusal()
  }

  overlook (origin: object | undefined): void {
    const admitted = origin && this.#admitted.get(origin)
    if (admitted !== undefined) delete admitted.record.refusedBy
  }

  #refusal (): LimitError {
    const { all } = this.#allocations
    const isUsedUp = all.every(one => one.isUsedUp)
    const sumOf = (toNumber: (one: FreeAllocation) => number) => all.reduce((sum, one) => sum + toNumber(one), 0)
    return new LimitError({
      limit: 'free_allocation',
      max: sumOf(({ state }) => state.freeLimit),
      used: sumOf(({ facts }) => facts.usedMicroNeurons) / MICRO_NEURONS_PER_NEURON,
      ...(isUsedUp ? { retryAfterMs: this.resetsAtMs() - this.#now() } : { isHeld: true as const, retryAfterMs: HELD_RETRY_MS })
    }, OWNER)
  }
}
