import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Change } from '../../../generation/change.ts'
import type { Source } from '../../../generation/pipeline.ts'
import { toOwner, tokenOwner } from '../../../http/access/auth.ts'
import { sendEvents } from '../../../http/replies/event-stream.ts'
import { toLoggedError } from '../../../telemetry/logger.ts'
import { newItemId } from '../../../ids.ts'
import { ResponseRequest, type InputItem } from './request.ts'
import type { KeptItem, KeptResponse, ResponseObject } from './wire.ts'
import { EVENT_STREAM_HEADERS } from '../../../http/replies/server-sent-events.ts'
import type { ResponsesStore } from '../../../stores/responses/store.ts'
import type { DryRun } from '../../../inference/dry-run.ts'
import { toProxyError } from '../errors.ts'
import { isCompactionTrigger, toUserMessages } from './input-items.ts'
import { toOutput, type Output, type OutputItemsOptions } from './output-items.ts'
import { ResponseEvents } from './events.ts'
import { toResponseError, toResponseParam } from './names.ts'
import { toChatRequest, toItems } from './to-chat.ts'
import { toBegunResponse, toCompactedResponse, toEndedResponse, type EndedResponse } from './fold.ts'
import { toSuggestions } from '../../../workers-ai/models/resolve-model.ts'
import { answerChat, collected, ESTIMATED, tell, toStreamFailure, writeExactly, type ChatAnswer, type ChatParts } from '../../../inference/answer.ts'
import { toContext } from './context.ts'

/** What `POST /v1/responses` needs beside what a chat does. */
export interface ResponsesParts extends ChatParts {
  store: ResponsesStore<KeptResponse>
}

const NOT_KEPT: Change = { param: 'store', action: 'dropped', reason: 'the response could not be kept; nothing can go on from it by its id' }

const NOT_STREAMED: Change = { param: 'stream', action: 'dropped', reason: 'a compaction is answered as a whole' }

const CUT_SUMMARY: Change = { param: 'max_output_tokens', action: 'clamped', reason: 'the summary ended at its limit, and stands for the conversation as far as it goes' }

/** One response on its way. */
interface Telling {
  begun: ResponseObject
  options: OutputItemsOptions
  /** Its input, and all that came before. */
  items: KeptItem[]
  /** An error in the words of the Responses API. */
  toCallerError: (error: unknown) => unknown
}

/**
 * `POST /v1/responses`, plain and streamed: a chat, told as a response. `POST /v1/responses/compact`: a response whose
 * input ends with a `compaction_trigger`, told in a form of its own and never kept.
 */
export function responses (app: FastifyInstance, parts: ResponsesParts): void {
  const options = { schema: { body: ResponseRequest }, config: { inputParam: 'input' } }
  const typed = app.withTypeProvider<TypeBoxTypeProvider>()
  typed.post('/responses', options, async (request, reply) => {
    const { body } = request
    const begun = await begin(parts, body, request, reply)
    if ('object' in begun) return begun
    const { answer, telling } = begun
    if (body.stream === true) {
      reply.headers({ ...EVENT_STREAM_HEADERS, ...answer.reporter.headers() })
      return sendEvents(reply, events(parts, answer, telling, request, reply), parts.keepAliveMs)
    }
    const response = await ended(parts, answer, telling, await wholeOutput(answer, telling, request, reply), request)
    reply.headers(answer.reporter.headers())
    writeExactly(reply)
    return response
  })
  typed.post('/responses/compact', options, async (request, reply) => {
    const { body } = request
    const items = toItems(body.input)
    const input: InputItem[] = isCompactionTrigger(items.at(-1)) ? items : [...items, { type: 'compaction_trigger' }]
    const begun = await begin(parts, { ...body, input, stream: false, store: false }, request, reply)
    if ('object' in begun) return begun
    const { answer, telling } = begun
    if (body.stream === true) answer.reporter.add(NOT_STREAMED)
    const response = await ended(parts, answer, telling, await wholeOutput(answer, telling, request, reply), request)
    reply.headers(answer.reporter.headers())
    return toCompactedResponse(response, toUserMessages(telling.items))
  })
}

/** Has a response begun; what comes back at once is a dry run's. */
async function begin (parts: ResponsesParts, body: ResponseRequest, request: FastifyRequest, reply: FastifyReply): Promise<{ answer: ChatAnswer, telling: Telling } | DryRun> {
  const { earlier, resolved, items } = await toContext(parts.store, toOwner(request), body)
  const { chat, changes, places, callPlaces, tools, isCompaction } = toChatRequest(resolved, earlier)
  const source = { places, callPlaces, sent: body }
  const toParam = (param: string) => toResponseParam(param, source)
  const telling: Telling = {
    begun: toBegunResponse(body, { id: newItemId('resp_'), createdAt: seconds() }),
    options: { tools, newItemId, asSummary: body.reasoning?.summary != null, isCompaction },
    items,
    toCallerError: error => toResponseError(toProxyError(error, new Date(), toSuggestions(parts.models.known()).filter(model => model !== request.report.served), tokenOwner(request)), source)
  }
  const answer = await answerChat(parts, chat, request, reply, { given: changes, truncate: body.truncation === 'auto', toParam })
    .catch((error: unknown): never => { throw telling.toCallerError(error) })
  return 'object' in answer ? answer : { answer, telling }
}

async function wholeOutput (answer: ChatAnswer, { options, toCallerError }: Telling, request: FastifyRequest, reply: FastifyReply): Promise<Output> {
  const [batch = []] = await collected(answer, request, reply).catch((error: unknown): never => { throw toCallerError(error) })
  const output = toOutput(options)
  for (const event of batch) output.push(event)
  return output
}

/** The stream's text, one piece for each upstream read. A broken one says so twice, as OpenAI's does, and is not completed. */
function events (parts: ResponsesParts, answer: ChatAnswer, telling: Telling, request: FastifyRequest, reply: FastifyReply): Source<string | Buffer> {
  const { reporter, generations } = answer
  return async send => {
    const teller = new ResponseEvents(telling.begun, telling.options)
    try {
      await send(teller.begin())
      await tell({ generations }, request, reply, batch => {
        const text = teller.tell(batch)
        return text ? send(text) : undefined
      })
      const response = await ended(parts, { reporter }, telling, teller.output, request)
      await send(reporter.comment() + teller.end(response))
    } catch (error) {
      const failure = toStreamFailure(telling.toCallerError(error), request)
      if (failure) await send(teller.fail(failure.error))
    }
  }
}

/** The whole response, kept for those that follow it unless the caller forbids it. */
async function ended ({ store }: ResponsesParts, { reporter }: Pick<ChatAnswer, 'reporter'>, { begun, items }: Telling, output: Output, request: FastifyRequest): Promise<EndedResponse> {
  const response = toEndedResponse(begun, output, seconds())
  request.report.usage = output.usage
  if (output.usage.estimated) reporter.add(ESTIMATED)
  if (output.isCut === true) reporter.add(CUT_SUMMARY)
  if (!response.store) return response
  const isKept = await store.put(toOwner(request), { response, items }).catch((error: unknown) => {
    request.log.error({ err: toLoggedError(error) }, 'a response was not kept')
    return false
  })
  if (!isKept) reporter.add(NOT_KEPT)
  return response
}

function seconds (): number {
  return Math.floor(Date.now() / 1000)
}
