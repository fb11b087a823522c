import type { AccountSettings, Settings } from '../settings/schema.ts'
import type { Booking, Ledger } from '../stores/ledger/ledger.ts'
import type { EndedRequest } from '../telemetry/ended-requests.ts'
import { DEFAULT_ACCOUNT } from '../workers-ai/transport/upstream-call.ts'
import { FreeAllocation, type FreeAllocationOptions, type FreeNeuronsFacts, type SharedBudget } from './free-allocation.ts'
import type { BookingListener } from './ledger-reader.ts'

type Plan = Pick<AccountSettings, 'name' | 'plan'>

type AllocationSettings = Pick<Settings, 'freeNeuronsPerDay' | 'freeNeuronsGuard'> & { accounts?: readonly Plan[] }

/** The free neurons of every account there is. */
export class FreeAllocations implements BookingListener {
  readonly all: readonly FreeAllocation[]

  constructor (all: readonly FreeAllocation[]) {
    this.all = all
  }

  /** Counts what was used today before the start. */
  async recall (ledger: Pick<Ledger, 'read'>): Promise<void> {
    for (const one of this.all) await one.recall(ledger)
  }

  onBooked (bookings: readonly Booking[], ended: Pick<EndedRequest, 'record'>): void {
    for (const one of this.all) one.onBooked(bookings, ended)
  }

  count (bookings: readonly Booking[]): void {
    for (const one of this.all) one.count(bookings)
  }

  release (ended: Pick<EndedRequest, 'record'>): void {
    for (const one of this.all) one.release(ended)
  }

  /** Takes over what is known of other processes too. */
  learn (facts: readonly FreeNeuronsFacts[]): void {
    for (const known of facts) this.of(known.state.name)?.learn(known)
  }

  /** Asks what all processes have used, where they share it. */
  async learnShared (): Promise<void> {
    await Promise.all(this.all.map(one => one.learnShared()))
  }

  /** Whether callers are warned or refused. */
  get isGuarded (): boolean {
    return this.all.some(one => one.isGuarded)
  }

  /** Of each account, in the order of the configuration. */
  get facts (): FreeNeuronsFacts[] {
    return this.all.map(one => one.facts)
  }

  /** @param account by its name; undefined for one that is none of these */
  of (account: string): FreeAllocation | undefined {
    return this.all.find(one => one.account === account)
  }
}

const DEFAULT: Plan = { name: DEFAULT_ACCOUNT, plan: 'free' }

interface Rest extends Pick<FreeAllocationOptions, 'now' | 'log'> {
  /** What several processes hold the free neurons of an account in together; each holds them for itself when absent. */
  toShared?: ((account: string) => SharedBudget) | undefined
}

/**
 * What is known of free neurons where nothing was used yet. Accounts of the paid plan have free ones too, which are counted; they
 * serve beyond them.
 */
export function toFreeAllocations (
  { accounts = [DEFAULT], freeNeuronsPerDay: limit, freeNeuronsGuard }: AllocationSettings,
  { toShared, ...rest }: Rest
): FreeAllocations {
  return new FreeAllocations(accounts.map(({ name: account, plan }) => {
    const guard = plan === 'paid' ? 'off' : freeNeuronsGuard
    const shared = guard === 'refuse' && limit > 0 ? toShared?.(account) : undefined
    return new FreeAllocation({ account, limit, guard, shared, ...rest })
  }))
}
