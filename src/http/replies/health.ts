import type { FastifyInstance } from 'fastify'

const OPTIONS = { config: { isHealthCheck: true } }

/**
 * `GET /health` and `/livez`: 200 without a key as soon as requests are served, until an uncaught exception. `GET /readyz`:
 * the same until the server stops, then 503, so that load balancers use another one; `?verbose` counts the active
 * requests. None asks Cloudflare.
 */
export function health (app: FastifyInstance): void {
  for (const url of ['/health', '/livez']) {
    app.get(url, OPTIONS, (_request, reply) => {
      const { isBroken } = app.activeRequests
      reply.code(isBroken ? 503 : 200)
      return { status: isBroken ? 'broken' : 'ok' }
    })
  }
  app.get<{ Querystring: { verbose?: string } }>('/readyz', OPTIONS, (request, reply) => {
    const { isDraining, count } = app.activeRequests
    reply.code(isDraining ? 503 : 200)
    return {
      status: isDraining ? 'stopping' : 'ready',
      ...(request.query.verbose !== undefined && { open_answers: count, uptime_seconds: Math.floor(process.uptime()) })
    }
  })
}
