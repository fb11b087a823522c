import type { FastifyBaseLogger } from 'fastify'
import { Models } from '../inference/models.ts'
import type { Settings } from '../settings/schema.ts'
import { ModelList, searchPage } from '../workers-ai/models/model-list.ts'
import { ModelSchemas } from '../workers-ai/models/model-schemas.ts'
import { WorkersAi } from '../workers-ai/transport/client.ts'

interface Engine {
  /** What Cloudflare says it serves. */
  list: ModelList
  models: Models
  workersAi: WorkersAi
}

/** What answers requests, whatever API they come by. Nothing is connected yet. */
export function toEngine (settings: Settings, logger: FastifyBaseLogger): Engine {
  const workersAi = new WorkersAi({ ...toWorkersAiOptions(settings), userAgent: 'workers-ai-proxy' })
  const list = new ModelList({
    fetchPage: page => searchPage(workersAi, page),
    now: Date.now,
    onError: error => logger.warn({ reason: error instanceof Error ? error.message : 'unknown' }, 'Cloudflare did not list its models; the last known list is used')
  })
  const schemas = new ModelSchemas({
    fetchSchema: id => workersAi.getJson('/ai/models/schema', { model: id }),
    now: Date.now,
    onError: (error, id) => logger.debug({ model: id, reason: error instanceof Error ? error.message : 'unknown' }, 'no schema; the family is guessed')
  })
  return { list, models: new Models(list, settings, schemas), workersAi }
}

/** Where callers bring their tokens, the proxy's own token is not used. */
function toWorkersAiOptions ({ cloudflare, upstream, authMode, maxRetries, upstreamHeadersTimeoutMs, upstreamIdleTimeoutMs }: Settings) {
  return { ...cloudflare, ...(authMode === 'passthrough' && { apiToken: '' }), maxRetries, headersTimeoutMs: upstreamHeadersTimeoutMs, idleTimeoutMs: upstreamIdleTimeoutMs, isSimulator: upstream === 'simulator' }
}
