import type { FastifyInstance } from 'fastify'
import { warnOfPartialUsage } from '../../../http/replies/partial-usage.ts'
import type { Ledger } from '../../../stores/ledger/ledger.ts'
import { toIsoDay, toUsagePage } from './buckets.ts'
import { toUsageQuery, type UsageEndpoint } from './query.ts'

export interface OrganizationServices {
  ledger: Pick<Ledger, 'read'>
  /** Whether a model, by its id, makes embeddings. */
  isEmbedding: (model: string) => boolean
  /** Unix time in milliseconds. */
  now?: () => number
}

const PATHS: ReadonlyArray<[path: string, endpoint: UsageEndpoint]> = [
  ['/organization/usage/completions', 'completions'],
  ['/organization/usage/embeddings', 'embeddings'],
  ['/organization/costs', 'costs']
]

/** `GET /v1/organization/usage/completions`, `…/usage/embeddings` and `…/costs`, by UTC day. The holder of a key sees its own use. */
export function organization (app: FastifyInstance, { ledger, isEmbedding, now = Date.now }: OrganizationServices): void {
  for (const [path, endpoint] of PATHS) {
    app.get<{ Querystring: Record<string, unknown> }>(path, { config: { figuresOf: 'own', isScrape: true } }, async ({ query, viewer }, reply) => {
      const asked = toUsageQuery(query, endpoint, now())
      const rows = await ledger.read(toIsoDay(asked.firstDay), toIsoDay(asked.lastDay))
      warnOfPartialUsage(reply, rows)
      const own = viewer?.onlyKey
      return toUsagePage(own === undefined ? rows : rows.filter(({ key }) => key === own), asked, endpoint, isEmbedding)
    })
  }
}
