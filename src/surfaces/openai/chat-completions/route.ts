import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { sendEvents } from '../../../http/replies/event-stream.ts'
import { newId, toFingerprint } from '../../../ids.ts'
import { ChatCompletionRequest } from './request.ts'
import { EVENT_STREAM_HEADERS } from '../../../http/replies/server-sent-events.ts'
import { ChatChunks, toUsageChunk } from './chunks.ts'
import { toChatCompletion, toChoice, type ReplyIdentity } from './fold.ts'
import { toSum } from '../../../generation/usage.ts'
import { answerChat, collected, ESTIMATED, type ChatParts } from '../../../inference/answer.ts'
import { choiceStream } from '../choice-stream.ts'

/** `POST /v1/chat/completions`, plain and streamed. */
export function chatCompletions (app: FastifyInstance, parts: ChatParts): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post('/chat/completions', { schema: { body: ChatCompletionRequest } }, async (request, reply) => {
    const { body } = request
    const answer = await answerChat(parts, body, request, reply)
    if ('object' in answer) return answer
    const { run, generations, reporter } = answer
    const identity: ReplyIdentity = {
      id: newId('chatcmpl-', 29),
      created: Math.floor(Date.now() / 1000),
      model: body.model,
      fingerprint: toFingerprint(request.report.served),
      legacyFunctions: run.legacyFunctions
    }
    if (body.stream === true) {
      reply.headers({ ...EVENT_STREAM_HEADERS, ...reporter.headers() })
      const withUsage = body.stream_options?.include_usage === true
      const tellers = generations.choices.map((_, index) => new ChatChunks(identity, index, withUsage))
      return sendEvents(reply, choiceStream(answer, tellers, usage => withUsage ? toUsageChunk(identity, usage) : '', request, reply), parts.keepAliveMs)
    }
    const choices = (await collected(answer, request, reply)).map((events, index) => toChoice(events, index, identity))
    const usage = toSum(choices.map(choice => choice.usage))
    request.report.usage = usage
    if (usage.estimated) reporter.add(ESTIMATED)
    reply.headers(reporter.headers())
    return toChatCompletion(choices, identity)
  })
}
