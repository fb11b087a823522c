import type { FastifyInstance } from 'fastify'
import { addVary } from '../../../http/replies/vary.ts'
import type { Models } from '../../../inference/models.ts'
import { toRateHeaders } from '../rate-headers.ts'
import { toModelList, toModelObject, type PageQuery } from './list.ts'

/** Which API is meant where two have the same path. */
const VERSION = 'anthropic-version'

/** The name of the constraint that a request has the header, whatever its value: routes without it serve the others. */
const SPOKEN = 'anthropicVersion'

const OPTIONS = { constraints: { [SPOKEN]: true }, config: { toRateHeaders } }

/**
 * `GET /v1/models` and `GET /v1/models/{id}` for clients that send `anthropic-version`, as all of Anthropic's do; the id with its
 * slashes raw or percent-encoded. A key that may use some models only sees no others.
 */
export function modelRoutes (app: FastifyInstance, models: Models): void {
  app.addConstraintStrategy({
    name: SPOKEN,
    storage: () => {
      let kept: unknown
      return { get: isSent => isSent === true ? kept as never : null, set: (_, handler) => { kept = handler } }
    },
    deriveConstraint: ({ headers }) => headers[VERSION] !== undefined,
    mustMatchWhenDerived: false,
    validate: () => {}
  })
  app.get<{ Querystring: PageQuery }>('/models', OPTIONS, async ({ query, allowance }, reply) => {
    addVary(reply, VERSION)
    const listed = await models.listed()
    return toModelList(allowance === undefined ? listed : listed.filter(({ model }) => allowance.mayUse(model, models)), query)
  })
  app.get<{ Params: { '*': string } }>('/models/*', OPTIONS, async ({ params, record, allowance }, reply) => {
    addVary(reply, VERSION)
    const listed = await models.describe(params['*'], record)
    allowance?.checkModel(listed.model, models)
    return toModelObject(listed)
  })
}
