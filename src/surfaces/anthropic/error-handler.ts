import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { ProxyError } from '../../errors.ts'
import { ClientDisconnectedError } from '../../generation/client-disconnected.ts'
import { tokenOwner } from '../../http/access/auth.ts'
import { noteFailedRequest, toCallerError, type FailureWords } from '../../http/replies/caller-error.ts'
import type { Models } from '../../inference/models.ts'
import { toErrorBody, toProxyError, toStatus } from './errors.ts'
import { toUnservedRoute } from './unserved-route.ts'
import { toInvalidRequest } from './validation-error.ts'

const WORDS: FailureWords = {
  notJson: 'The request body is not valid JSON',
  tooLarge: 'Request exceeds the maximum size.',
  toUnservedRoute,
  toInvalidRequest
}

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
    const error = toProxyError(toCallerError(thrown, request.body, WORDS), {
      now: now(),
      current: models.suggestions(request.record.servedModel),
      owner: tokenOwner(request)
    })
    noteFailedRequest(request, reply, thrown, error)
    reply
      .code(toStatus(error))
      .headers({ 'request-id': request.id, ...(error instanceof ProxyError && error.headers) })
      .send(toErrorBody(error, request.id))
  }
}
