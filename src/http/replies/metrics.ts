import type { FastifyInstance } from 'fastify'
import { METRICS_TYPE, type Metrics } from '../../telemetry/metrics/metrics.ts'

/**
 * `GET /metrics`: all figures as Prometheus reads them, in the format 0.0.4 whatever is asked for. The rules for figures of all
 * say who may read it.
 * @param metrics undefined where nobody may
 * @param isPublic everybody may
 */
export function metricsRoute (app: FastifyInstance, metrics: Pick<Metrics, 'text'> | undefined, isPublic: boolean): void {
  const config = { isScrape: true, ...(isPublic ? { isPublic } : { figuresOf: 'all' as const }) }
  app.get('/metrics', { config }, async (_request, reply) => {
    reply.type(METRICS_TYPE).header('cache-control', 'no-store')
    return await metrics?.text()
  })
}
