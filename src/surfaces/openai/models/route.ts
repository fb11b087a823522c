import type { FastifyInstance } from 'fastify'
import type { Models } from '../../../inference/models.ts'
import { toModelDetails, toModelList } from './list.ts'

/** `GET /v1/models` and `GET /v1/models/{id}`, the id with its slashes raw or percent-encoded. */
export function modelRoutes (app: FastifyInstance, models: Models): void {
  app.get('/models', async () => toModelList(await models.listed()))
  app.get<{ Params: { '*': string } }>('/models/*', async request => toModelDetails(await models.describe(request.params['*'], request.record)))
}
