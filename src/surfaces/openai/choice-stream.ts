import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Batch, Usage } from '../../generation/event.ts'
import type { JsonSink, Source } from '../../generation/pipeline.ts'
import { DONE, toEvent } from '../../http/replies/server-sent-events.ts'
import { toSum } from '../../generation/usage.ts'
import { ESTIMATED, tell, toStreamFailure, type ChatAnswer } from '../../inference/answer.ts'

/** Tells the events of one choice as the chunks of an endpoint. */
export interface Teller {
  tell: (batch: Batch) => string | Buffer
  /** Tells text that nobody in between wants to see. */
  toSink?: () => JsonSink
  /** What the choice was billed, once its events have told it. */
  readonly usage: Usage | undefined
}

/**
 * The text of a stream of choices, one piece for each upstream read. A broken one says so, and is not done.
 * @param tellers one for each choice
 * @param toBill the chunk that tells what all were billed; nothing for callers that did not ask
 */
export function choiceStream (answer: ChatAnswer, tellers: readonly Teller[], toBill: (usage: Usage) => string, request: FastifyRequest, reply: FastifyReply): Source<string | Buffer> {
  // What else belongs to the answer, its request translated, need not last as long as the stream.
  const { reporter, generations } = answer
  request.heldMemory?.release()
  return send => {
    for (const [choice, teller] of tellers.entries()) {
      const sink = teller.toSink?.()
      if (sink) generations.leadTextTo[choice]?.(sink, send)
    }
    return tell({ generations }, request, reply, (batch, choice) => {
      const chunks = tellers[choice]?.tell(batch)
      return chunks !== undefined && chunks.length > 0 ? send(chunks) : undefined
    }).then(async () => {
      const usage = toSum(tellers.flatMap(({ usage }) => usage ?? []))
      request.report.usage = usage
      if (usage.estimated) reporter.add(ESTIMATED)
      await send(reporter.comment() + toBill(usage) + DONE)
    }).catch(async (error: unknown) => {
      const failure = toStreamFailure(error, request)
      if (failure) await send(toEvent(JSON.stringify(failure)))
    })
  }
}
