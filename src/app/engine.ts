import type { FastifyBaseLogger } from 'fastify'
import { Models } from '../inference/models.ts'
import type { Settings } from '../settings/schema.ts'
import { ModelList, searchPage } from '../workers-ai/models/model-list.ts'
import type { ModelSource } from '../workers-ai/models/model-lists.ts'
import { ModelSchemas } from '../workers-ai/models/model-schemas.ts'
import { WorkersAi, type WorkersAiOptions } from '../workers-ai/transport/client.ts'
import type { Runner } from '../workers-ai/transport/runner.ts'

export interface Engine {
  /** What Cloudflare says it serves. */
  list: ModelSource
  models: Models
  workersAi: Runner & { close: () => Promise<void> }
}

/** What answers requests, whatever API they come by. Nothing is connected yet. */
export function toEngine (settings: Settings, logger: FastifyBaseLogger): Engine {
  const workersAi = newClient(settings, settings.cloudflare)
  const list = toModelList(workersAi, logger)
  return { list, models: new Models(list, settings, toModelSchemas(workersAi, logger)), workersAi }
}

/**
 * A client of one account. Where callers bring their tokens, the proxy's own token is not used.
 * @param account whose it is, with what else the client is to know of it
 */
export function newClient (
  { upstream, authMode, maxRetries, upstreamHeadersTimeoutMs: headersTimeoutMs, upstreamIdleTimeoutMs: idleTimeoutMs }: Settings,
  account: Pick<WorkersAiOptions, 'apiBaseUrl' | 'accountId' | 'apiToken' | 'gateway' | 'accountName' | 'otherSecrets'>
): WorkersAi {
  return new WorkersAi({
    ...account,
    ...(authMode === 'passthrough' && { apiToken: '' }),
    maxRetries,
    headersTimeoutMs,
    idleTimeoutMs,
    isSimulator: upstream === 'simulator',
    userAgent: 'workers-ai-proxy'
  })
}

/** @param account its name, where there are several */
export function toModelList (workersAi: Runner, logger: FastifyBaseLogger, account?: string): ModelList {
  return new ModelList({
    fetchPage: page => searchPage(workersAi, page),
    now: Date.now,
    onError: error => logger.warn({ account, reason: toReason(error) }, 'Cloudflare did not list its models; the last known list is used')
  })
}

export function toModelSchemas (workersAi: Runner, logger: FastifyBaseLogger): ModelSchemas {
  return new ModelSchemas({
    fetchSchema: id => workersAi.getJson('/ai/models/schema', { model: id }),
    now: Date.now,
    onError: (error, id) => logger.debug({ model: id, reason: toReason(error) }, 'no schema; the family is guessed')
  })
}

function toReason (error: unknown): string {
  return error instanceof Error ? error.message : 'unknown'
}
