import type { FastifyBaseLogger } from 'fastify'
import type { Settings } from '../settings/schema.ts'
import type { Ledger } from '../stores/ledger/ledger.ts'
import { openLedger } from '../stores/ledger/open.ts'
import { openStore } from '../stores/responses/open.ts'
import type { ResponsesStore } from '../stores/responses/store.ts'
import type { KeptResponse } from '../surfaces/openai/responses/wire.ts'
import type { PrimaryLink } from '../telemetry/primary-link.ts'
import { LinkedLedger } from '../usage/linked-usage.ts'

interface GivenParts {
  ledger?: Ledger
  link?: PrimaryLink | undefined
}

interface Stores {
  store: ResponsesStore<KeptResponse>
  ledger: Ledger
}

/** @throws SettingsError when the file of one cannot be opened; none is left open then */
export async function openStores (settings: Settings, logger: FastifyBaseLogger, { ledger, link }: GivenParts = {}): Promise<Stores> {
  const store = await openStore<KeptResponse>(settings, Date.now)
  try {
    return { store, ledger: ledger ?? (link ? new LinkedLedger(link, Date.now) : await openLedger(settings, Date.now, logger)) }
  } catch (error) {
    await store.close()
    throw error
  }
}
