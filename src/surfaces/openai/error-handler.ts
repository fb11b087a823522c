import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { InvalidRequestError, LimitError, ProxyError, UpstreamError } from '../../errors.ts'
import type { Models } from '../../inference/models.ts'
import type { Task } from '../../workers-ai/models/task.ts'
import { toErrorBody, toProxyError } from './errors.ts'
import { tokenOwner } from '../../http/access/auth.ts'
import { ClientDisconnectedError } from '../../generation/client-disconnected.ts'
import { toLoggedError } from '../../telemetry/logger.ts'
import { isOllamaPath, toOllamaBody } from '../../http/replies/ollama-paths.ts'
import { UnservedRouteError } from '../../http/replies/unknown-routes.ts'
import { toUnservedRoute } from './unserved-route.ts'
import { toInvalidRequest, type ValidationFailure } from './validation-error.ts'

const NOT_JSON = "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"

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
    const error = toProxyError(toCallerError(thrown, request.body), now(), others, tokenOwner(request))
    const status = error instanceof ProxyError ? error.status : 500
    if (!(error instanceof ProxyError)) request.log.error({ err: toLoggedError(thrown) }, 'failed')
    const { record } = request
    record.error = thrown
    record.told = error
    record.model ??= toRequestedModel(request.body)
    const attempts = record.attempts ?? (thrown instanceof UpstreamError ? thrown.attempts : undefined)
    if (attempts !== undefined) reply.header('x-proxy-attempts', String(attempts))
    const body = toErrorBody(error, inputParam)
    reply
      .code(status)
      .headers(error instanceof ProxyError ? error.headers : {})
      .send(isOllamaPath(request.url) ? toOllamaBody(body.error.message) : body)
  }
}

/** The model of a request that was refused before the model was resolved. */
function toRequestedModel (body: unknown): string | undefined {
  const { model } = (typeof body === 'object' && body !== null ? body : {}) as { model?: unknown }
  return typeof model === 'string' ? model : undefined
}

function toCallerError (error: FastifyError, body: unknown): unknown {
  if (error instanceof ProxyError || error instanceof UpstreamError || error instanceof LimitError) return error
  if (error instanceof UnservedRouteError) return toUnservedRoute(error)
  if (error.validation) return toInvalidRequest(error.validation as ValidationFailure[], body)
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new InvalidRequestError('The request body is too large. BODY_LIMIT_BYTES of the proxy sets the limit.', { status: 413 })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new InvalidRequestError("Unsupported content type. Send JSON with the header 'content-type: application/json'.", { status: 415 })
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new InvalidRequestError(NOT_JSON)
  }
  const status = error.statusCode ?? 500
  if (error instanceof SyntaxError && status === 400) return new InvalidRequestError(NOT_JSON)
  // Fastify's own errors have a status and a sentence; the caller gets only the status.
  return status >= 400 && status < 500 ? new InvalidRequestError('The request could not be read.', { status }) : error
}
