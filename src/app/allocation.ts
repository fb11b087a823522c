import type { FastifyBaseLogger } from 'fastify'
import type { FreeNeurons } from '../inference/allowance.ts'
import type { Settings } from '../settings/schema.ts'
import type { Ledger } from '../stores/ledger/ledger.ts'
import type { PrimaryLink } from '../telemetry/primary-link.ts'
import type { FreeNeuronsFacts } from '../usage/free-allocation.ts'
import { toFreeAllocations, type FreeAllocations } from '../usage/free-allocations.ts'
import type { BookingListener } from '../usage/ledger-reader.ts'
import { LinkedAllocation } from '../usage/linked-usage.ts'

interface Allocation {
  allocations: FreeAllocations
  /** Is told of each call that was billed. */
  booked: BookingListener
  /** Warns or refuses before a call of a single account; absent where the guard is off. */
  guard: FreeNeurons | undefined
  /** Of each account. */
  facts: () => Promise<FreeNeuronsFacts[]>
}

interface AllocationParts {
  ledger: Ledger
  link: PrimaryLink | undefined
  logger: FastifyBaseLogger
}

/** What is left of the free neurons of the day; what the ledger holds of it counts. */
export async function toAllocation (settings: Settings, { ledger, link, logger }: AllocationParts): Promise<Allocation> {
  const allocations = toFreeAllocations(settings, { now: Date.now, log: link ? SILENT : logger })
  const linked = link && new LinkedAllocation(link, allocations)
  await allocations.recall(ledger)
  return {
    allocations,
    booked: linked ?? allocations,
    guard: settings.freeNeuronsGuard === 'off' ? undefined : allocations.all[0],
    facts: async () => linked ? await linked.facts() : allocations.facts
  }
}

/** The primary logs for all. */
const SILENT = { warn: () => {} }
