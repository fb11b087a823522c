import type { FastifyInstance } from 'fastify'
import type { Services } from '../../inference/answer.ts'
import { errorHandler } from './error-handler.ts'
import { messages } from './messages/route.ts'
import { modelRoutes } from './models/route.ts'

/** Anthropic's API: its endpoints, and its own words for what goes wrong there. A query, such as `?beta=true`, changes nothing. */
export async function anthropic (app: FastifyInstance, services: Services): Promise<void> {
  app.setErrorHandler(errorHandler(services.models))
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('request-id', request.id)
    done()
  })
  await app.register(async scope => {
    messages(scope, services)
    modelRoutes(scope, services.models)
  }, { prefix: '/v1' })
}
