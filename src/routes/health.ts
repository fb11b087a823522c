import type { FastifyInstance } from 'fastify'

/** `GET /health`: 200 without a key as soon as requests are served; asks nobody. */
export function health (app: FastifyInstance): void {
  app.get('/health', () => ({ status: 'ok' }))
}
