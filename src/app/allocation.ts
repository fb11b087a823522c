import type { FastifyBaseLogger } from 'fastify'
import type { Settings } from '../settings/schema.ts'
import type { Ledger } from '../stores/ledger/ledger.ts'
import type { PrimaryLink } from '../telemetry/primary-link.ts'
import { FreeAllocation, type FreeNeuronsFacts } from '../usage/free-allocation.ts'
import { LinkedAllocation } from '../usage/linked-usage.ts'

interface Allocation {
  /** Is told of each call that was billed. */
  booked: FreeAllocation | LinkedAllocation
  /** Warns or refuses before a call; absent where the guard is off. */
  guard: FreeAllocation | undefined
  facts: () => Promise<FreeNeuronsFacts>
}

interface AllocationParts {
  ledger: Ledger
  link: PrimaryLink | undefined
  logger: FastifyBaseLogger
}

/** What is left of the free neurons of the day; what the ledger holds of it counts. */
export async function toAllocation (settings: Settings, { ledger, link, logger }: AllocationParts): Promise<Allocation> {
  const { freeNeuronsPerDay: limit, freeNeuronsGuard: guard } = settings
  const allocation = new FreeAllocation({ limit, guard, now: Date.now, log: link ? SILENT : logger })
  const linked = link && new LinkedAllocation(link, allocation)
  await allocation.recall(ledger)
  return {
    booked: linked ?? allocation,
    guard: guard === 'off' ? undefined : allocation,
    facts: async () => linked ? await linked.facts() : allocation.facts
  }
}

/** The primary logs for all. */
const SILENT = { warn: () => {} }
