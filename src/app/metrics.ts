import type { FastifyBaseLogger } from 'fastify'
import { mayAnybodySeeAll } from '../http/access/figures.ts'
import type { Models } from '../inference/models.ts'
import type { Settings } from '../settings/schema.ts'
import { newMetrics, type Metrics, type MetricsOptions } from '../telemetry/metrics/metrics.ts'
import { toAccountFigures, type FreeNeuronsFacts } from '../usage/free-allocation.ts'
import { toBill } from '../workers-ai/models/price.ts'

interface MetricsParts extends Pick<MetricsOptions, 'countOpenAnswers' | 'link' | 'more'> {
  models: Models
  logger: FastifyBaseLogger
}

/** What counts requests; undefined where that is switched off, or where nobody may read it. */
export function toMetrics (settings: Settings, { models, logger, link, countOpenAnswers, more }: MetricsParts): Metrics | undefined {
  if (!settings.metrics || !(settings.metricsPublic || mayAnybodySeeAll(settings))) return undefined
  return newMetrics({
    isListed: id => models.isListed(id),
    toBill: call => toBill(models.byId(call.model), call),
    countOpenAnswers,
    more,
    log: logger,
    link
  })
}

/** Metrics with the gauges of the accounts, which are loaded with the first scrape. */
export function withAccounts (metrics: Metrics, facts: () => Promise<FreeNeuronsFacts[]>): Pick<Metrics, 'text'> {
  return {
    text: async () => {
      const { toAccountGauges } = await import('../telemetry/metrics/account-gauges.ts')
      const parts = await Promise.all([metrics.text(), facts().then(all => toAccountGauges(all.map(toAccountFigures)))])
      return parts.join('')
    }
  }
}
