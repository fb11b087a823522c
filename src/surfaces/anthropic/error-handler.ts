import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { InvalidRequestError, LimitError, ProxyError, UpstreamError } from '../../errors.ts'
import { ClientDisconnectedError } from '../../generation/client-disconnected.ts'
import { tokenOwner } from '../../http/access/auth.ts'
import { UnservedRouteError } from '../../http/replies/unknown-routes.ts'
import type { Models } from '../../inference/models.ts'
import { toLoggedError } from '../../telemetry/logger.ts'
import { toErrorBody, toProxyError, toStatus } from './errors.ts'
import { toUnservedRoute } from './unserved-route.ts'
import { toInvalidRequest, type ValidationFailure } from './validation-error.ts'

const NOT_JSON = 'The request body is not valid JSON'

/** The path of the Messages API, and of what people make of it who write `/v1` twice. */
const MESSAGES = /^(?:\/+v1)+\/+messages(?:[/?]|$)/

/** Whether a request is meant for Anthropic's API: its path says so, or the header that all its clients send. */
export function isForAnthropic ({ headers, originalUrl }: Pick<FastifyRequest, 'headers' | 'originalUrl'>): boolean {
  return headers['anthropic-version'] !== undefined || MESSAGES.test(originalUrl)
}

/** The same of bytes that are no readable HTTP, as far as they came. */
export function isBrokenAnthropic (bytes: Buffer): boolean {
  const head = bytes.toString('latin1', 0, 16_384)
  return /^[A-Z]{1,10} (?:\/+v1)+\/+messages[/? ]/.test(head) || /\r\nanthropic-version:/i.test(head)
}

/**
 * Turns whatever was thrown into Anthropic's error object. Failures that are no fault of the caller are logged with their
 * cause; an unknown one tells the caller nothing of itself.
 * @param models those to name when the one that was asked for is not served
 */
export function errorHandler (models: Pick<Models, 'suggestions'>, now: () => Date = () => new Date()) {
  return (thrown: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
    if (thrown instanceof ClientDisconnectedError) {
      reply.hijack()
      return
    }
    const { record } = request
    const error = toProxyError(toCallerError(thrown, request.body), {
      now: now(),
      current: models.suggestions(record.servedModel),
      owner: tokenOwner(request)
    })
    if (!(error instanceof ProxyError)) request.log.error({ err: toLoggedError(thrown) }, 'failed')
    record.error = thrown
    record.told = error
    record.model ??= toRequestedModel(request.body)
    const attempts = record.attempts ?? (thrown instanceof UpstreamError ? thrown.attempts : undefined)
    if (attempts !== undefined) reply.header('x-proxy-attempts', String(attempts))
    reply
      .code(toStatus(error))
      .headers({ 'request-id': request.id, ...(error instanceof ProxyError && error.headers) })
      .send(toErrorBody(error, request.id))
  }
}

/** The model of a request that was refused before anybody looked for it. */
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
      return new InvalidRequestError('Request exceeds the maximum size. BODY_LIMIT_BYTES of the proxy sets the limit.', { status: 413 })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new InvalidRequestError("Unsupported content type. Send JSON with the header 'content-type: application/json'.", { status: 415 })
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return new InvalidRequestError(NOT_JSON)
  }
  const status = error.statusCode ?? 500
  if (error instanceof SyntaxError && status === 400) return new InvalidRequestError(NOT_JSON)
  // Fastify's own refusals carry a status and a sentence of Fastify's; only the status is for the caller.
  return status >= 400 && status < 500 ? new InvalidRequestError('The request could not be read.', { status }) : error
}
