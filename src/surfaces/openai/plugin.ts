import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isObject } from '../../json/is-object.ts'
import { chatCompletions } from './chat-completions/route.ts'
import { completions } from './completions/route.ts'
import { embeddings } from './embeddings/route.ts'
import { errorHandler } from './error-handler.ts'
import { modelRoutes } from './models/route.ts'
import { organization, type OrganizationServices } from './organization/route.ts'
import { responses, type ResponsesServices } from './responses/route.ts'
import { storedResponses } from './responses/stored-route.ts'

/**
 * Where the whole of OpenAI's API is: at its own prefix, at that of groq-sdk and Azure's v1 API, and at the one that
 * AzureOpenAI of the openai packages puts before what has no deployment.
 */
const PREFIXES = ['/v1', '/openai/v1', '/openai']

/**
 * Where AzureOpenAI sends what has one: the deployment is the model. The packages write its name into the path as it is,
 * with its slashes, and a parameter of a path ends at one.
 */
const DEPLOYMENTS = ['/openai/deployments/:model', '/openai/deployments/:maker/:model', '/openai/deployments/:catalogue/:maker/:model']

/**
 * OpenAI's API: its endpoints at all paths they have, and its own words for what goes wrong there. A query, such as
 * `?api-version=` of Azure's, changes nothing.
 */
export async function openai (app: FastifyInstance, services: ResponsesServices & OrganizationServices): Promise<void> {
  app.setErrorHandler(errorHandler(services.models))
  for (const prefix of PREFIXES) {
    await app.register(async scope => {
      modelRoutes(scope, services.models)
      generating(scope, services)
      storedResponses(scope, services.store)
      organization(scope, services)
    }, { prefix })
  }
  for (const prefix of DEPLOYMENTS) {
    await app.register(async scope => {
      scope.addHook<{ Params: Record<string, string> }>('preValidation', (request, _reply, done) => {
        takeModelOfPath(request)
        done()
      })
      generating(scope, services)
    }, { prefix })
  }
}

function generating (scope: FastifyInstance, services: ResponsesServices): void {
  chatCompletions(scope, services)
  completions(scope, services)
  responses(scope, services)
  embeddings(scope, services)
}

/** Azure's API needs no `model` in a body, and its SDKs send one all the same. */
function takeModelOfPath (request: FastifyRequest<{ Params: Record<string, string> }>): void {
  const { body, params: { catalogue, maker, model } } = request
  if (!isObject(body)) return
  const named = [catalogue, maker, model].filter(part => part !== undefined).join('/')
  if (body['model'] != null && body['model'] !== named) {
    request.modelChange = { param: 'model', action: 'renamed', from: body['model'], to: named, reason: 'the model in the path counts, not the one in the body' }
  }
  body['model'] = named
}
