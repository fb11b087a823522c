import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import { toCall } from '../../../http/replies/call.ts'
import { sendEvents } from '../../../http/replies/event-stream.ts'
import { writeExactly } from '../../../http/replies/exact-json.ts'
import { newId, toFingerprint } from '../../../ids.ts'
import { CompletionRequest } from './request.ts'
import { EVENT_STREAM_HEADERS } from '../../../http/replies/server-sent-events.ts'
import { CompletionChunks, toCompletionUsageChunk } from './chunks.ts'
import { toCompletion, toCompletionChoice, type CompletionIdentity } from './fold.ts'
import { collect, type Services } from '../../../inference/answer.ts'
import { answerPrompts } from '../../../inference/prompts.ts'
import { choiceStream } from '../choice-stream.ts'

/** `POST /v1/completions`, plain and streamed: each prompt as often as `n` asks for, one after the other. */
export function completions (app: FastifyInstance, services: Services): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post('/completions', { schema: { body: CompletionRequest }, config: { inputParam: 'prompt' } }, async (request, reply) => {
    const { body } = request
    const call = toCall(request, reply, services.settings)
    const answer = await answerPrompts(services, body, call)
    if (answer.kind === 'dry-run') return writeExactly(reply, answer.body)
    reply.headers(answer.headers)
    const { prompts, reporter } = answer
    const identity: CompletionIdentity = { id: newId('cmpl-', 29), created: Math.floor(Date.now() / 1000), model: body.model, fingerprint: toFingerprint(answer.model) }
    const echoes = prompts.flatMap(prompt => Array.from({ length: body.n ?? 1 }, () => body.echo === true ? prompt : ''))
    if (body.stream === true) {
      const withUsage = body.stream_options?.include_usage === true
      const encoders = echoes.map((echo, index) => new CompletionChunks(identity, index, echo, withUsage))
      reply.headers({ ...EVENT_STREAM_HEADERS, ...reporter.headers() })
      return sendEvents(reply, choiceStream(answer, encoders, usage => withUsage ? toCompletionUsageChunk(identity, usage) : '', call, 'prompt'), services.keepAliveMs)
    }
    const choices = (await collect(answer, call)).map((events, index) => toCompletionChoice(events, index, echoes[index] ?? ''))
    reply.headers(reporter.headers())
    return toCompletion(choices, identity)
  })
}
