import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Batch, Usage } from '../generation/event.ts'
import { DONE, toEvent } from '../openai/server-sent-events.ts'
import { toSum } from '../translate/usage.ts'
import { ESTIMATED, told, toStreamFailure, type ChatAnswer } from './chat-answer.ts'

/** Tells the events of one choice as the chunks of an endpoint. */
export interface Teller {
  tell: (batch: Batch) => string
  /** What the choice was billed, once its events have told it. */
  readonly usage: Usage | undefined
}

/**
 * The text of a stream of choices, one piece for each upstream read. A broken one says so, and is not done.
 * @param tellers one for each choice
 * @param toBill the chunk that tells what all were billed; nothing for callers that did not ask
 */
export async function * choiceStream (answer: ChatAnswer, tellers: readonly Teller[], toBill: (usage: Usage) => string, request: FastifyRequest, reply: FastifyReply): AsyncGenerator<string> {
  const { reporter } = answer
  try {
    for await (const { choice, batch } of told(answer, request, reply)) {
      const text = tellers[choice]?.tell(batch)
      if (text) yield text
    }
    const usage = toSum(tellers.flatMap(({ usage }) => usage ?? []))
    request.report.usage = usage
    if (usage.estimated) reporter.add(ESTIMATED)
    yield reporter.comment() + toBill(usage) + DONE
  } catch (error) {
    const failure = toStreamFailure(error, request)
    if (failure) yield toEvent(JSON.stringify(failure))
  }
}
