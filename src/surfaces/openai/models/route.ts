import type { FastifyInstance } from 'fastify'
import { addVary } from '../../../http/replies/vary.ts'
import type { Models } from '../../../inference/models.ts'
import { toModelDetails, toModelList } from './list.ts'

/** With this header another API answers at the same path. */
const OF_ANOTHER_API = 'anthropic-version'

/**
 * `GET /v1/models` and `GET /v1/models/{id}`, the id with its slashes raw or percent-encoded. A key that may use some models
 * only sees no others.
 */
export function modelRoutes (app: FastifyInstance, models: Models): void {
  app.get('/models', async ({ allowance }, reply) => {
    addVary(reply, OF_ANOTHER_API)
    const listed = await models.listed()
    return toModelList(allowance === undefined ? listed : listed.filter(({ model }) => allowance.mayUse(model, models)))
  })
  app.get<{ Params: { '*': string } }>('/models/*', async ({ params, record, allowance }, reply) => {
    addVary(reply, OF_ANOTHER_API)
    const listed = await models.describe(params['*'], record)
    allowance?.checkModel(listed.model, models)
    return toModelDetails(listed)
  })
}
