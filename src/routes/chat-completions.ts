import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendEvents } from '../http/event-stream.ts'
import { newId } from '../http/reply-identity.ts'
import { ChatCompletionRequest } from '../openai/chat-completion-request.ts'
import { DONE, EVENT_STREAM_HEADERS, toEvent } from '../openai/server-sent-events.ts'
import { ChatChunks, toUsageChunk } from '../translate/chat-chunks.ts'
import { toChatCompletion, toChoice, type ReplyIdentity } from '../translate/chat-completion.ts'
import { toSum } from '../translate/usage.ts'
import { answerChat, collected, ESTIMATED, told, toStreamFailure, type ChatAnswer, type ChatParts } from './chat-answer.ts'

/** `POST /v1/chat/completions`, plain and streamed. */
export function chatCompletions (app: FastifyInstance, parts: ChatParts): void {
  app.withTypeProvider<TypeBoxTypeProvider>().post('/v1/chat/completions', { schema: { body: ChatCompletionRequest } }, async (request, reply) => {
    const { body } = request
    const answer = await answerChat(parts, body, request, reply)
    if ('object' in answer) return answer
    const { run, reporter } = answer
    const identity: ReplyIdentity = {
      id: newId('chatcmpl-', 29),
      created: Math.floor(Date.now() / 1000),
      model: body.model,
      legacyFunctions: run.legacyFunctions
    }
    if (body.stream === true) {
      reply.headers({ ...EVENT_STREAM_HEADERS, ...reporter.headers() })
      await sendEvents(reply, chunks(answer, identity, body.stream_options?.include_usage === true, request, reply))
      return
    }
    const choices = (await collected(answer, request, reply)).map((events, index) => toChoice(events, index, identity))
    const usage = toSum(choices.map(choice => choice.usage))
    request.report.usage = usage
    if (usage.estimated) reporter.add(ESTIMATED)
    reply.headers(reporter.headers())
    return toChatCompletion(choices, identity)
  })
}

/** The stream's text, one piece for each upstream read. A broken stream says so, and neither finishes nor is done. */
async function * chunks (answer: ChatAnswer, identity: ReplyIdentity, withUsage: boolean, request: FastifyRequest, reply: FastifyReply): AsyncGenerator<string> {
  const { generations, reporter } = answer
  const tellers = generations.choices.map((_, index) => new ChatChunks(identity, index, withUsage))
  try {
    for await (const { choice, batch } of told(answer, request, reply)) {
      const text = tellers[choice]?.tell(batch)
      if (text) yield text
    }
    const usage = toSum(tellers.flatMap(({ usage }) => usage ?? []))
    request.report.usage = usage
    if (usage.estimated) reporter.add(ESTIMATED)
    yield reporter.comment() + (withUsage ? toUsageChunk(identity, usage) : '') + DONE
  } catch (error) {
    const failure = toStreamFailure(error, request)
    if (failure) yield toEvent(JSON.stringify(failure))
  } finally {
    generations.close()
  }
}
