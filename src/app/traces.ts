import type { FastifyBaseLogger } from 'fastify'
import type { Models } from '../inference/models.ts'
import type { Settings } from '../settings/schema.ts'
import type { Traces } from '../telemetry/traces/traces.ts'
import { toBill } from '../workers-ai/models/price.ts'

/** What makes traces; undefined, and nothing of it loaded, where they are not wanted. */
export async function toTraces (settings: Settings, models: Pick<Models, 'byId'>, log: FastifyBaseLogger): Promise<Traces | undefined> {
  if (settings.traces === undefined) return undefined
  const { openTraces } = await import('../telemetry/traces/traces.ts')
  const { apiBaseUrl, gateway } = settings.cloudflare
  const { hostname, port, protocol } = new URL(gateway?.baseUrl ?? apiBaseUrl)
  return openTraces({
    settings: settings.traces,
    upstream: { address: hostname, port: Number(port) || (protocol === 'https:' ? 443 : 80) },
    toBill: call => toBill(models.byId(call.model), call),
    log
  })
}
