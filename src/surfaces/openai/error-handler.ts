import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ProxyError } from '../../errors.ts'
import type { Models } from '../../inference/models.ts'
import type { Task } from '../../workers-ai/models/task.ts'
import { toErrorBody, toProxyError } from './errors.ts'
import { tokenOwner } from '../../http/access/auth.ts'
import { ClientDisconnectedError } from '../../generation/client-disconnected.ts'
import { noteFailedRequest, toCallerError, type FailureWords } from '../../http/replies/caller-error.ts'
import { isOllamaPath, toOllamaBody } from '../../http/replies/ollama-paths.ts'
import { toUnservedRoute } from './unserved-route.ts'
import { toInvalidRequest } from './validation-error.ts'

const WORDS: FailureWords = {
  notJson: "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)",
  tooLarge: 'The request body is too large.',
  toUnservedRoute,
  toInvalidRequest
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The member of the bodies with the model's input; `messages` when absent. */
    inputParam?: string
    /** The task of a route's models; text generation when absent. */
    task?: Task
  }
}

/**
 * Converts any thrown value to OpenAI's error object. Failures that the caller did not cause are logged with their cause; an
 * unknown failure reveals nothing to the caller.
 * @param models those to name when the one that was asked for is not served
 */
export function errorHandler (models: Pick<Models, 'suggestions'>, now: () => Date = () => new Date()) {
  return (thrown: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    if (thrown instanceof ClientDisconnectedError) {
      reply.hijack()
      return
    }
    const { inputParam, task } = request.routeOptions.config
    const others = models.suggestions(request.record.servedModel, task)
    const error = toProxyError(toCallerError(thrown, request.body, WORDS), now(), others, tokenOwner(request))
    const status = error instanceof ProxyError ? error.status : 500
    noteFailedRequest(request, reply, thrown, error)
    const body = toErrorBody(error, inputParam)
    reply
      .code(status)
      .headers(error instanceof ProxyError ? error.headers : {})
      .send(isOllamaPath(request.url) ? toOllamaBody(body.error.message) : body)
  }
}
