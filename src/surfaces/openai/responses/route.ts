import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ProxyError } from '../../../errors.ts'
import type { Change } from '../../../generation/change.ts'
import type { Place } from '../../../generation/request.ts'
import type { Source } from '../../../generation/pipeline.ts'
import { toOwner } from '../../../http/access/auth.ts'
import { toCall } from '../../../http/replies/call.ts'
import { sendEvents } from '../../../http/replies/event-stream.ts'
import { writeExactly } from '../../../http/replies/exact-json.ts'
import { toLoggedError } from '../../../telemetry/logger.ts'
import { newItemId } from '../../../ids.ts'
import { ResponseRequest, type InputItem } from './request.ts'
import type { KeptItem, KeptResponse, ResponseObject } from './wire.ts'
import { EVENT_STREAM_HEADERS, toWarningsComment } from '../../../http/replies/server-sent-events.ts'
import type { ResponsesStore } from '../../../stores/responses/store.ts'
import type { Call } from '../../../inference/call.ts'
import type { DryRunAnswer } from '../../../inference/dry-run.ts'
import { toProxyError, toStreamFailure } from '../errors.ts'
import { isCompactionTrigger, toUserMessages } from './input-items.ts'
import type { Output, OutputItemsOptions } from './output.ts'
import { toOutput } from './to-output.ts'
import { ResponseEvents } from './events.ts'
import { toCallerName } from './names.ts'
import { toGenerationRequest, toItems } from './to-request.ts'
import { toBegunResponse, toCompactedResponse, toEndedResponse, type EndedResponse } from './fold.ts'
import { answerChat, collect, consume, type InferenceAnswer, type Services } from '../../../inference/answer.ts'
import { toContext } from './context.ts'

/** Services of `POST /v1/responses`, in addition to those of a chat. */
export interface ResponsesServices extends Services {
  store: ResponsesStore<KeptResponse>
}

const NOT_KEPT: Change = { param: 'store', action: 'dropped', reason: 'the response could not be stored; later requests cannot refer to its id' }

const NOT_STREAMED: Change = { param: 'stream', action: 'dropped', reason: 'a compaction is answered as a whole' }

const CUT_SUMMARY: Change = { param: 'max_output_tokens', action: 'clamped', reason: 'the summary reached its token limit, and may be incomplete' }

/** The member of the body with the model's input. */
const INPUT = 'input'

/** A response in progress. */
interface ResponseInProgress {
  call: Call
  /** Its owner, by a name that is not a secret. */
  owner: string
  begun: ResponseObject
  options: OutputItemsOptions
  /** Its input and all earlier items. */
  items: KeptItem[]
  /** An error with the names of the Responses API. */
  toCallerError: (error: unknown) => unknown
}

/**
 * `POST /v1/responses`, plain and streamed: a chat whose answer is written as a response. `POST /v1/responses/compact`: a
 * response whose input ends with a `compaction_trigger`, returned in its own form and never stored.
 */
export function responses (app: FastifyInstance, services: ResponsesServices): void {
  const options = { schema: { body: ResponseRequest }, config: { inputParam: INPUT } }
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()
  typed.post('/responses', options, async (request, reply) => {
    const { body } = request
    const started = await start(services, body, request, reply)
    if (started.kind === 'dry-run') return writeExactly(reply, started.body)
    const { answer, inProgress } = started
    reply.headers(answer.headers)
    if (body.stream === true) {
      reply.headers({ ...EVENT_STREAM_HEADERS, ...answer.reporter.headers() })
      return sendEvents(reply, events(services, answer, inProgress), services.keepAliveMs)
    }
    const response = await ended(services, answer, inProgress, await wholeOutput(answer, inProgress))
    reply.headers(answer.reporter.headers())
    return writeExactly(reply, response)
  })
  typed.post('/responses/compact', options, async (request, reply) => {
    const { body } = request
    const items = toItems(body.input)
    const input: InputItem[] = isCompactionTrigger(items.at(-1)) ? items : [...items, { type: 'compaction_trigger' }]
    const started = await start(services, { ...body, input, stream: false, store: false }, request, reply)
    if (started.kind === 'dry-run') return writeExactly(reply, started.body)
    const { answer, inProgress } = started
    reply.headers(answer.headers)
    if (body.stream === true) answer.reporter.add(NOT_STREAMED)
    const response = await ended(services, answer, inProgress, await wholeOutput(answer, inProgress))
    reply.headers(answer.reporter.headers())
    return toCompactedResponse(response, toUserMessages(inProgress.items))
  })
}

interface StartedResponse {
  kind: 'answer'
  answer: InferenceAnswer
  inProgress: ResponseInProgress
}

/** Starts a response. */
async function start (
  services: ResponsesServices,
  body: ResponseRequest,
  request: FastifyRequest,
  reply: FastifyReply
): Promise<StartedResponse | DryRunAnswer> {
  const owner = toOwner(request)
  const { earlier, resolved, items } = await toContext(services.store, owner, body)
  const { asked, changes, places, callPlaces, tools, isCompaction } = toGenerationRequest(resolved, earlier)
  const source = { places, callPlaces, sent: body }
  const nameOf = (place: Place) => toCallerName(place, source)
  const call = toCall(request, reply, services.settings)
  const inProgress: ResponseInProgress = {
    call,
    owner,
    begun: toBegunResponse(body, { id: newItemId('resp_'), createdAt: seconds() }),
    options: { tools, newItemId, asSummary: body.reasoning?.summary != null, isCompaction },
    items,
    toCallerError: error => {
      const told = toProxyError(error, new Date(), services.models.suggestions(call.record.servedModel), call.tokenOwner)
      return told instanceof ProxyError ? told.named(nameOf) : told
    }
  }
  const answer = await answerChat(services, asked, call, { given: changes, truncate: body.truncation === 'auto', nameOf, isStored: inProgress.begun.store }).catch(
    (error: unknown): never => {
      throw inProgress.toCallerError(error)
    }
  )
  return answer.kind === 'dry-run' ? answer : { kind: 'answer', answer, inProgress }
}

async function wholeOutput (answer: InferenceAnswer, { call, options, toCallerError }: ResponseInProgress): Promise<Output> {
  const [batch = []] = await collect(answer, call).catch((error: unknown): never => { throw toCallerError(error) })
  const output = toOutput(options)
  for (const event of batch) output.push(event)
  return output
}

/** The stream's text, one piece for each upstream read. A broken stream ends with two error events, as OpenAI's does. */
function events (services: ResponsesServices, answer: InferenceAnswer, inProgress: ResponseInProgress): Source<string | Buffer> {
  const { reporter, generations } = answer
  const { call } = inProgress
  return async send => {
    const encoder = new ResponseEvents(inProgress.begun, inProgress.options)
    try {
      await send(encoder.begin())
      await consume({ generations, reporter }, call, batch => {
        const text = encoder.encode(batch)
        return text ? send(text) : undefined
      })
      const response = await ended(services, { reporter }, inProgress, encoder.output)
      await send(toWarningsComment(reporter.news()) + encoder.end(response))
    } catch (error) {
      const failure = toStreamFailure(inProgress.toCallerError(error), call, INPUT)
      if (failure) await send(encoder.fail(failure.error))
    }
  }
}

/** The whole response, stored for later requests unless the caller forbids it. */
async function ended ({ store }: ResponsesServices, { reporter }: Pick<InferenceAnswer, 'reporter'>, { call, owner, begun, items }: ResponseInProgress, output: Output): Promise<EndedResponse> {
  const response = toEndedResponse(begun, output, seconds())
  if (output.isCut === true) reporter.add(CUT_SUMMARY)
  if (!response.store) return response
  const isKept = await store.put(owner, { response, items }).catch((error: unknown) => {
    call.log.error({ err: toLoggedError(error) }, 'a response was not stored')
    return false
  })
  if (!isKept) reporter.add(NOT_KEPT)
  return response
}

function seconds (): number {
  return Math.floor(Date.now() / 1000)
}
