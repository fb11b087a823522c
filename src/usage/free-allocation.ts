import { toDay, toEndOfDay, type Booking, type Ledger } from '../stores/ledger/ledger.ts'
import type { EndedRequest } from '../telemetry/ended-requests.ts'
import { MICRO_NEURONS_PER_NEURON } from '../workers-ai/models/price.ts'
import { DEFAULT_ACCOUNT } from './booking.ts'
import { toUsedMicroNeurons, type AccountState, type OutReason } from './report.ts'

export interface FreeAllocationOptions {
  /** Neurons that are free on each UTC day. */
  limit: number
  /** Unix time in milliseconds. */
  now: () => number
  /** Where lines go. */
  log: { warn: (fields: object, message: string) => void }
}

/** What is left of the account's free neurons today, as far as it is known here: others may use the account as well. */
export class FreeAllocation {
  readonly #options: FreeAllocationOptions
  #usedMicroNeurons = 0
  #endOfDay: number
  #out: { reason: OutReason, untilMs: number } | undefined

  constructor (options: FreeAllocationOptions) {
    this.#options = options
    this.#endOfDay = toEndOfDay(options.now())
  }

  /** Counts what was used today before the start. */
  async recall (ledger: Pick<Ledger, 'read'>): Promise<void> {
    const today = toDay(this.#options.now())
    this.#usedMicroNeurons += toUsedMicroNeurons(await ledger.read(today, today))
  }

  /** Counts what an ended request has used, and hears when Cloudflare says that nothing is left. */
  onBooked (bookings: readonly Booking[], { record }: Pick<EndedRequest, 'record'>): void {
    this.#renew()
    for (const { microNeurons = 0, estimatedMicroNeurons = 0 } of bookings) this.#usedMicroNeurons += microNeurons + estimatedMicroNeurons
    if (record.calls?.some(call => call.isOverQuota)) this.#noteRefusal()
  }

  /** Micro-neurons that were used today. */
  get usedMicroNeurons (): number {
    this.#renew()
    return this.#usedMicroNeurons
  }

  get state (): AccountState {
    this.#renew()
    return { name: DEFAULT_ACCOUNT, freeLimit: this.#options.limit, out: this.#out }
  }

  #noteRefusal (): void {
    if (this.#out?.reason === 'cloudflare') return
    const { limit, log } = this.#options
    this.#out = { reason: 'cloudflare', untilMs: this.#endOfDay }
    const counted = this.#usedMicroNeurons / MICRO_NEURONS_PER_NEURON
    const fields = { account: DEFAULT_ACCOUNT, counted, limit }
    if (counted < limit) log.warn(fields, 'Cloudflare says that the free neurons of the day are used up, though fewer were counted here: something else uses the account, or FREE_NEURONS_PER_DAY is too high')
    else log.warn(fields, 'Cloudflare says that the free neurons of the day are used up')
  }

  #renew (): void {
    const now = this.#options.now()
    if (now < this.#endOfDay) return
    this.#endOfDay = toEndOfDay(now)
    this.#usedMicroNeurons = 0
    this.#out = undefined
  }
}
