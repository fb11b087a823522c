import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Change } from '../../generation/change.ts'
import { isObject } from '../../json/is-object.ts'
import { chatCompletions } from './chat-completions/route.ts'
import { completions } from './completions/route.ts'
import { embeddings } from './embeddings/route.ts'
import { modelRoutes } from '../../inference/models.ts'
import { responses, type ResponsesParts } from './responses/route.ts'
import { storedResponses } from './responses/stored-route.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Tells that the model of the path counts, and not another one that the body names. */
    modelChange: Change | undefined
  }
}

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

/** OpenAI's endpoints at all paths they have. A query, such as `?api-version=` of Azure's, changes nothing. */
export async function openaiPaths (app: FastifyInstance, parts: ResponsesParts): Promise<void> {
  app.decorateRequest('modelChange', undefined)
  for (const prefix of PREFIXES) {
    await app.register(async scope => {
      modelRoutes(scope, parts.models)
      generating(scope, parts)
      storedResponses(scope, parts.store)
    }, { prefix })
  }
  for (const prefix of DEPLOYMENTS) {
    await app.register(async scope => {
      scope.addHook<{ Params: Record<string, string> }>('preValidation', (request, _reply, done) => {
        takeModelOfPath(request)
        done()
      })
      generating(scope, parts)
    }, { prefix })
  }
}

function generating (scope: FastifyInstance, parts: ResponsesParts): void {
  chatCompletions(scope, parts)
  completions(scope, parts)
  responses(scope, parts)
  embeddings(scope, parts)
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
