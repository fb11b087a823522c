import { hash } from 'node:crypto'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ProxyError } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import type { Source } from '../../../generation/pipeline.ts'
import type { Place } from '../../../generation/request.ts'
import { toCall } from '../../../http/replies/call.ts'
import { sendEvents } from '../../../http/replies/event-stream.ts'
import { writeExactly } from '../../../http/replies/exact-json.ts'
import { EVENT_STREAM_HEADERS, toWarningsComment } from '../../../http/replies/server-sent-events.ts'
import { newId } from '../../../ids.ts'
import { answerChat, collect, consume, countPromptTokens, type InferenceAnswer, type Services } from '../../../inference/answer.ts'
import { noteFailure, type Call } from '../../../inference/call.ts'
import { toWarnings } from '../../../inference/warnings.ts'
import type { DryRunAnswer } from '../../../inference/dry-run.ts'
import { toExactJsonText } from '../../../json/exact-json.ts'
import { toLoggedError } from '../../../telemetry/logger.ts'
import type { AnthropicErrorBody } from '../error-body.ts'
import { toErrorBody, toProxyError } from '../errors.ts'
import { toRateHeaders } from '../rate-headers.ts'
import { MessageEvents, PING, toErrorEvent } from './events.ts'
import { toMessage, type ReplyIdentity, type MessageOptions } from './fold.ts'
import { toCallerName } from './names.ts'
import { CountTokensRequest, MessagesRequest } from './request.ts'
import { toGenerationRequest, type TranslationOptions } from './to-request.ts'

const LEFT_OUT: Change = { param: 'thinking', action: 'dropped', reason: 'the model has thought although thinking is disabled; the thought is left out' }

const ESTIMATED: Change = { param: 'input_tokens', action: 'estimated', reason: 'Workers AI counts no tokens before it answers; this is guessed from the length of the text' }

/** One message on its way. */
interface MessageInProgress {
  call: Call
  identity: ReplyIdentity
  options: MessageOptions
  requestId: string
  answer: Promise<InferenceAnswer | DryRunAnswer>
  /** Resolves when the model is asked. */
  isAsked: Promise<void>
  asked: Asked
  /** An error in Anthropic's words. */
  toCallerError: (error: unknown) => unknown
}

/** What is known of a request before it is answered. */
interface Asked {
  /** Tokens of the prompt, estimated; 0 until the model is known. */
  promptTokens: number
  /** Tokens of the model's window, where they are known. */
  contextWindow?: number | undefined
  /** The limit of the answer is not the caller's, but what the context window leaves. */
  isLimitedByWindow: boolean
}

/**
 * `POST /v1/messages`, plain and streamed: a chat, told as a message. `POST /v1/messages/count_tokens`: an estimate of its prompt,
 * for which no model is asked.
 */
export function messages (app: FastifyInstance, services: Services): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()
  typed.post('/messages', { schema: { body: MessagesRequest }, config: { toRateHeaders } }, async (request, reply) => {
    const inProgress = start(services, request.body, request, reply)
    if (request.body.stream === true) return stream(services, inProgress, reply)
    const answer = await inProgress.answer
    if (answer.kind === 'dry-run') return writeExactly(reply, answer.body)
    const { call, identity, options, asked, toCallerError } = inProgress
    reply.headers(answer.headers)
    const [events = []] = await collect(answer, call).catch((error: unknown): never => { throw toCallerError(error) })
    const { message, leftOutThinking } = toMessage(events, identity, options, asked.isLimitedByWindow)
    if (leftOutThinking) answer.reporter.add(LEFT_OUT)
    reply.headers(answer.reporter.headers())
    // Numbers in the input of a call are told as the model wrote them.
    if (message.content.some(({ type }) => type === 'tool_use')) reply.serializer(toExactJsonText).type('application/json; charset=utf-8')
    return message
  })
  typed.post('/messages/count_tokens', { schema: { body: CountTokensRequest }, config: { toRateHeaders } }, async (request, reply) => {
    const { asked, source } = toGenerationRequest(request.body)
    const { model, tokens } = await countPromptTokens(services, asked, request).catch((error: unknown): never => {
      throw error instanceof ProxyError ? error.named(place => toCallerName(place, source)) : error
    })
    reply.headers({ 'x-proxy-model': model.id, 'x-proxy-warnings': toWarnings([ESTIMATED]) })
    return { input_tokens: tokens }
  })
}

/** What a request says beside its body. */
function toTranslationOptions ({ headers }: FastifyRequest, body: Pick<MessagesRequest, 'metadata'>): TranslationOptions {
  const userId = body.metadata?.user_id
  return {
    ...(userId && { cacheKey: hash('sha256', userId, 'base64url').slice(0, 32) }),
    betas: [headers['anthropic-beta']].flat().join()
  }
}

function start (services: Services, body: MessagesRequest, request: FastifyRequest, reply: FastifyReply): MessageInProgress {
  const call = toCall(request, reply, services.settings)
  const { asked: chat, changes, source, display, prefill } = toGenerationRequest(body, toTranslationOptions(request, body))
  const nameOf = (place: Place) => toCallerName(place, source)
  const asked: Asked = { promptTokens: 0, isLimitedByWindow: false }
  const { models } = services
  const toCallerError = (error: unknown) => {
    const current = models.suggestions(call.record.servedModel)
    const told = toProxyError(error, { ...asked, now: new Date(), current, owner: call.tokenOwner })
    return told instanceof ProxyError ? told.named(nameOf) : told
  }
  const { max_tokens: limit } = body
  let hear = () => {}
  const isAsked = new Promise<void>(resolve => { hear = resolve })
  const answer = answerChat(services, chat, call, {
    given: changes,
    nameOf,
    tellsStop: true,
    onAsked: ({ maxTokens, likelyPromptTokens = 0 }, { contextWindow, maxOutputTokens }) => {
      asked.promptTokens = likelyPromptTokens
      asked.contextWindow = contextWindow
      asked.isLimitedByWindow = maxTokens < limit && maxTokens !== maxOutputTokens
      hear()
    }
  }).catch((error: unknown): never => { throw toCallerError(error) })
  const identity = { id: newId('msg_', 24), model: body.model }
  return { call, identity, options: { display, prefill }, requestId: request.id, answer, isAsked, asked, toCallerError }
}

/** Begins when the answer has, or when that takes too long for clients that wait for a sign of life. */
async function stream ({ keepAliveMs }: Services, inProgress: MessageInProgress, reply: FastifyReply): Promise<unknown> {
  const answer = await begunWithin(keepAliveMs, inProgress)
  if (answer?.kind === 'dry-run') return writeExactly(reply, answer.body)
  reply.headers({ ...EVENT_STREAM_HEADERS, ...answer?.headers, ...answer?.reporter.headers() })
  return sendEvents(reply, events(inProgress, answer === undefined), keepAliveMs, PING)
}

/** Undefined when the model was asked so long ago, and has not begun to answer. */
function begunWithin (
  timeoutMs: number,
  { answer, isAsked }: Pick<MessageInProgress, 'answer' | 'isAsked'>
): Promise<InferenceAnswer | DryRunAnswer | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = isAsked.then(() => new Promise<undefined>(resolve => { timer = setTimeout(resolve, timeoutMs, undefined) }))
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}

/** The stream's text, one piece for each upstream read. A broken one says so, and does not stop as others do. */
function events (inProgress: MessageInProgress, isLate: boolean): Source<string | Buffer> {
  const { call, identity, options, requestId, answer: answering, asked, toCallerError } = inProgress
  return send => {
    const encoder = new MessageEvents(identity, options)
    const begun = Promise.resolve(send(encoder.begin(Math.max(1, asked.promptTokens)) + (isLate ? PING : '')))
    return begun.then(() => answering)
      .then(answer => {
        if (answer.kind === 'dry-run') throw new Error('unreachable: nobody is asked in a dry run')
        const { generations, reporter } = answer
        call.releaseMemory()
        generations.bypassTo[0]?.(encoder.toChunkWriter(), send)
        return consume({ generations, reporter }, call, batch => {
          const piece = encoder.encode(batch)
          return piece.length > 0 ? send(piece) : undefined
        }).then(async usage => {
          if (encoder.leftOutThinking) reporter.add(LEFT_OUT)
          await send(toWarningsComment(reporter.news()) + encoder.end(usage, asked.isLimitedByWindow))
        })
      })
      .catch(async (error: unknown) => {
        const failure = toStreamFailure(error, { call, toCallerError, requestId })
        if (failure) await send(toErrorEvent(failure))
      })
  }
}

/** The error event for a failure after the first byte; undefined when the client has disconnected. One that is a bug is logged. */
function toStreamFailure (
  error: unknown,
  { call, toCallerError, requestId }: Pick<MessageInProgress, 'call' | 'toCallerError' | 'requestId'>
): AnthropicErrorBody | undefined {
  if (!noteFailure(error, call)) return undefined
  const told = toCallerError(error)
  if (!(told instanceof ProxyError)) call.log.error({ err: toLoggedError(told) }, 'failed inside a stream')
  return toErrorBody(told, requestId)
}
