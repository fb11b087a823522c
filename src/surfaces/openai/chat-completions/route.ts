import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { toCall } from '../../../http/replies/call.ts'
import { sendEvents } from '../../../http/replies/event-stream.ts'
import { writeExactly } from '../../../http/replies/exact-json.ts'
import { newId, toFingerprint } from '../../../ids.ts'
import { ChatCompletionRequest } from './request.ts'
import { EVENT_STREAM_HEADERS } from '../../../http/replies/server-sent-events.ts'
import { ChatChunks, toUsageChunk } from './chunks.ts'
import { toChatCompletion, toChoice, type ReplyIdentity } from './fold.ts'
import { answerChat, collect, type Services } from '../../../inference/answer.ts'
import { choiceStream } from '../choice-stream.ts'

/** `POST /v1/chat/completions`, plain and streamed. */
export function chatCompletions (app: FastifyInstance, services: Services): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post('/chat/completions', { schema: { body: ChatCompletionRequest } }, async (request, reply) => {
    const { body } = request
    const call = toCall(request, reply, services.settings)
    const answer = await answerChat(services, body, call)
    if (answer.kind === 'dry-run') return writeExactly(reply, answer.body)
    reply.headers(answer.headers)
    const { run, generations, reporter } = answer
    const identity: ReplyIdentity = {
      id: newId('chatcmpl-', 29),
      created: Math.floor(Date.now() / 1000),
      model: body.model,
      fingerprint: toFingerprint(answer.model),
      legacyFunctions: run.legacyFunctions
    }
    if (body.stream === true) {
      reply.headers({ ...EVENT_STREAM_HEADERS, ...reporter.headers() })
      const withUsage = body.stream_options?.include_usage === true
      const encoders = generations.choices.map((_, index) => new ChatChunks(identity, index, withUsage))
      return sendEvents(reply, choiceStream(answer, encoders, usage => withUsage ? toUsageChunk(identity, usage) : '', call), services.keepAliveMs)
    }
    const choices = (await collect(answer, call)).map((events, index) => toChoice(events, index, identity))
    reply.headers(reporter.headers())
    return toChatCompletion(choices, identity)
  })
}
