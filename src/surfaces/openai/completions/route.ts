import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { sendEvents } from '../../../http/replies/event-stream.ts'
import { newId, toFingerprint } from '../../../ids.ts'
import { CompletionRequest } from './request.ts'
import { EVENT_STREAM_HEADERS } from '../../../http/replies/server-sent-events.ts'
import { CompletionChunks, toCompletionUsageChunk } from './chunks.ts'
import { toCompletionRunRequest, toPrompts } from '../../../workers-ai/request/prompt-request.ts'
import { toCompletion, toCompletionChoice, type CompletionIdentity } from './fold.ts'
import { toSum } from '../../../generation/usage.ts'
import { answerQuestion, collected, ESTIMATED, type ChatParts } from '../../../inference/answer.ts'
import { choiceStream } from '../choice-stream.ts'

/** As much of a prompt as says where it may be cached, in characters; the rest changes with every key a person presses. */
const BEGINNING_LENGTH = 256

/** `POST /v1/completions`, plain and streamed: each prompt as often as `n` asks for, one after the other. */
export function completions (app: FastifyInstance, parts: ChatParts): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post('/completions', { schema: { body: CompletionRequest }, config: { inputParam: 'prompt' } }, async (request, reply) => {
    const { body } = request
    const prompts = toPrompts(body)
    const answer = await answerQuestion(parts, {
      model: body.model,
      stream: body.stream === true,
      beginning: () => [prompts[0].slice(0, BEGINNING_LENGTH)],
      translator: model => () => toCompletionRunRequest(body, model, parts.settings)
    }, request, reply)
    if ('object' in answer) return answer
    const { reporter } = answer
    const identity: CompletionIdentity = { id: newId('cmpl-', 29), created: Math.floor(Date.now() / 1000), model: body.model, fingerprint: toFingerprint(request.report.served) }
    const echoes = prompts.flatMap(prompt => Array.from({ length: body.n ?? 1 }, () => body.echo === true ? prompt : ''))
    if (body.stream === true) {
      const withUsage = body.stream_options?.include_usage === true
      const tellers = echoes.map((echo, index) => new CompletionChunks(identity, index, echo, withUsage))
      reply.headers({ ...EVENT_STREAM_HEADERS, ...reporter.headers() })
      return sendEvents(reply, choiceStream(answer, tellers, usage => withUsage ? toCompletionUsageChunk(identity, usage) : '', request, reply), parts.keepAliveMs)
    }
    const choices = (await collected(answer, request, reply)).map((events, index) => toCompletionChoice(events, index, echoes[index] ?? ''))
    const usage = toSum(choices.map(choice => choice.usage))
    request.report.usage = usage
    if (usage.estimated) reporter.add(ESTIMATED)
    reply.headers(reporter.headers())
    return toCompletion(choices, identity)
  })
}
