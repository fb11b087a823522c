import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { InvalidRequestError, LimitError, ProxyError, UpstreamError } from '../../errors.ts'
import { toLoggedError } from '../../telemetry/logger.ts'
import { UnservedRouteError } from './unknown-routes.ts'

/** The part of an Ajv error that is used; Fastify types it more loosely. */
export interface ValidationFailure {
  keyword: string
  /** JSON pointer to the value that failed. */
  instancePath: string
  params: Record<string, unknown>
  message?: string
}

/** How an API words the failures that Fastify and the routes know of. */
export interface FailureWords {
  notJson: string
  tooLarge: string
  toUnservedRoute: (error: UnservedRouteError) => InvalidRequestError
  toInvalidRequest: (failures: readonly ValidationFailure[], body: unknown) => InvalidRequestError
}

/** What was thrown, as an error in the words of an API where the caller is at fault; else as it is. */
export function toCallerError (error: FastifyError, body: unknown, words: FailureWords): unknown {
  if (error instanceof ProxyError || error instanceof UpstreamError || error instanceof LimitError) return error
  if (error instanceof UnservedRouteError) return words.toUnservedRoute(error)
  if (error.validation) return words.toInvalidRequest(error.validation as ValidationFailure[], body)
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new InvalidRequestError(`${words.tooLarge} BODY_LIMIT_BYTES of the proxy sets the limit.`, { status: 413 })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new InvalidRequestError("Unsupported content type. Send JSON with the header 'content-type: application/json'.", { status: 415 })
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new InvalidRequestError(words.notJson)
  }
  const status = error.statusCode ?? 500
  if (error instanceof SyntaxError && status === 400) return new InvalidRequestError(words.notJson)
  // Fastify's own errors have a status and a sentence; the caller gets only the status.
  return status >= 400 && status < 500 ? new InvalidRequestError('The request could not be read.', { status }) : error
}

/**
 * Notes a failed request in its record and in the header of attempts. A failure that the caller did not cause is logged.
 * @param told the error that the caller receives
 */
export function noteFailedRequest (request: FastifyRequest, reply: FastifyReply, thrown: FastifyError, told: unknown): void {
  if (!(told instanceof ProxyError)) request.log.error({ err: toLoggedError(thrown) }, 'failed')
  const { record } = request
  record.error = thrown
  record.told = told
  record.model ??= toRequestedModel(request.body)
  const attempts = record.attempts ?? (thrown instanceof UpstreamError ? thrown.attempts : undefined)
  if (attempts !== undefined) reply.header('x-proxy-attempts', String(attempts))
  if (record.account !== undefined && request.server.maySeeAll(request)) reply.header('x-proxy-account', record.account)
}

/** The model of a request that was refused before the model was resolved. */
function toRequestedModel (body: unknown): string | undefined {
  const { model } = (typeof body === 'object' && body !== null ? body : {}) as { model?: unknown }
  return typeof model === 'string' ? model : undefined
}
