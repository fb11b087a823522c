import type { Batch, Usage } from '../../generation/event.ts'
import type { ChunkWriter, Source } from '../../generation/pipeline.ts'
import { DONE, toEvent, toWarningsComment } from '../../http/replies/server-sent-events.ts'
import { consume, type InferenceAnswer } from '../../inference/answer.ts'
import type { Call } from '../../inference/call.ts'
import { toStreamFailure } from './errors.ts'

/** Tells the events of one choice as the chunks of an endpoint. */
export interface Teller {
  tell: (batch: Batch) => string | Buffer
  /** Writes text that no stage has to see. */
  toChunkWriter?: () => ChunkWriter
}

/**
 * The text of a stream of choices, one piece for each upstream read. A broken one says so, and is not done.
 * @param tellers one for each choice
 * @param toBill the usage chunk of all choices; nothing for callers that did not request it
 * @param inputParam the member of the caller's body that holds what a model is given; `messages` when absent
 */
export function choiceStream (
  answer: InferenceAnswer,
  tellers: readonly Teller[],
  toBill: (usage: Usage) => string,
  call: Call,
  inputParam?: string
): Source<string | Buffer> {
  // What else belongs to the answer, its request translated, need not last as long as the stream.
  const { reporter, generations } = answer
  call.releaseMemory()
  return send => {
    for (const [choice, teller] of tellers.entries()) {
      const sink = teller.toChunkWriter?.()
      if (sink) generations.bypassTo[choice]?.(sink, send)
    }
    return consume({ generations, reporter }, call, (batch, choice) => {
      const chunks = tellers[choice]?.tell(batch)
      return chunks !== undefined && chunks.length > 0 ? send(chunks) : undefined
    })
      .then(async usage => {
        await send(toWarningsComment(reporter.news()) + toBill(usage) + DONE)
      })
      .catch(async (error: unknown) => {
        const failure = toStreamFailure(error, call, inputParam)
        if (failure) await send(toEvent(JSON.stringify(failure)))
      })
  }
}
