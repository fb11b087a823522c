import type { Batch, Usage } from '../../generation/event.ts'
import type { ChunkWriter, Source } from '../../generation/pipeline.ts'
import { DONE, toEvent, toWarningsComment } from '../../http/replies/server-sent-events.ts'
import { consume, type InferenceAnswer } from '../../inference/answer.ts'
import type { Call } from '../../inference/call.ts'
import { toStreamFailure } from './errors.ts'

/** Encodes the events of one choice as the chunks of an endpoint. */
export interface ChoiceEncoder {
  encode: (batch: Batch) => string | Buffer
  /** A writer for text that bypasses the stages. */
  toChunkWriter?: () => ChunkWriter
}

/**
 * The text of a stream of choices, one piece for each upstream read. A broken stream ends with an error and without `[DONE]`.
 * @param encoders one for each choice
 * @param toBill returns the usage chunk of all choices; empty for callers that did not request it
 * @param inputParam the member of the body with the model's input; `messages` when absent
 */
export function choiceStream (
  answer: InferenceAnswer,
  encoders: readonly ChoiceEncoder[],
  toBill: (usage: Usage) => string,
  call: Call,
  inputParam?: string
): Source<string | Buffer> {
  // The rest of the answer, such as its translated request, need not stay in memory as long as the stream.
  const { reporter, generations } = answer
  call.releaseMemory()
  return send => {
    for (const [choice, encoder] of encoders.entries()) {
      const sink = encoder.toChunkWriter?.()
      if (sink) generations.bypassTo[choice]?.(sink, send)
    }
    return consume({ generations, reporter }, call, (batch, choice) => {
      const chunks = encoders[choice]?.encode(batch)
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
