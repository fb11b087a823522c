import type { FastifyBaseLogger } from 'fastify'
import type { Settings } from '../settings/schema.ts'
import type { Ledger } from '../stores/ledger/ledger.ts'
import { openLedger } from '../stores/ledger/open.ts'
import type { Redis } from '../stores/redis/redis.ts'
import { openStore } from '../stores/responses/open.ts'
import type { ResponsesStore } from '../stores/responses/store.ts'
import type { KeptResponse } from '../surfaces/openai/responses/wire.ts'
import type { PrimaryLink } from '../telemetry/primary-link.ts'
import { LinkedLedger } from '../usage/linked-usage.ts'

interface GivenParts {
  ledger?: Ledger
  link?: PrimaryLink | undefined
  redis?: Redis | undefined
  /** The same, over a connection for large values. */
  values?: Redis | undefined
}

interface Stores {
  store: ResponsesStore<KeptResponse>
  ledger: Ledger
}

/** Says that a file that is set holds nothing. */
export function tellOfStores ({ redis, storePath }: Pick<Settings, 'redis' | 'storePath'>, logger: FastifyBaseLogger): void {
  if (redis === undefined || storePath === undefined) return
  logger.warn({}, 'STORE_PATH is not used: responses and usage are kept in Redis (REDIS_URL)')
}

/** @throws SettingsError when the file of one cannot be opened; none is left open then */
export async function openStores (settings: Settings, logger: FastifyBaseLogger, parts: GivenParts = {}): Promise<Stores> {
  const { ledger, link, redis, values = redis } = parts
  // The primary says it for its workers.
  if (link === undefined) tellOfStores(settings, logger)
  const store = await openStore<KeptResponse>(settings, Date.now, values)
  try {
    return { store, ledger: ledger ?? (link ? new LinkedLedger(link, Date.now) : await openLedger(settings, Date.now, logger, redis)) }
  } catch (error) {
    await store.close()
    throw error
  }
}
