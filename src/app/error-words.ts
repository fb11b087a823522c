import type { FastifyError, FastifyInstance } from 'fastify'
import type { ProxyError } from '../errors.ts'
import { addVary } from '../http/replies/vary.ts'
import { newId } from '../ids.ts'
import type { Models } from '../inference/models.ts'
import { errorHandler as anthropicErrorHandler, isBrokenAnthropic, isForAnthropic } from '../surfaces/anthropic/error-handler.ts'
import { toErrorBody as toAnthropicErrorBody } from '../surfaces/anthropic/errors.ts'
import { errorHandler } from '../surfaces/openai/error-handler.ts'
import { toErrorBody } from '../surfaces/openai/errors.ts'

/** Failures outside every API are told in the words of the API they seem to be meant for; of the others, most mean OpenAI's. */
export function handleErrors (app: FastifyInstance, models: Models): void {
  const [openaiErrors, anthropicErrors] = [errorHandler(models), anthropicErrorHandler(models)]
  app.setErrorHandler((error: FastifyError, request, reply) => {
    addVary(reply, 'anthropic-version')
    const tell = isForAnthropic(request) ? anthropicErrors : openaiErrors
    tell(error, request, reply)
  })
}

/** The failure of what is no readable HTTP request, in the words of the API it seems to be meant for. */
export function toBrokenBody (error: ProxyError, bytes: Buffer): object {
  return isBrokenAnthropic(bytes) ? toAnthropicErrorBody(error, newId('req_', 32)) : toErrorBody(error)
}
