import type { CancelSignal } from '../generation/cancellation.ts'
import type { Batch, Stage } from '../generation/event.ts'
import { once, throughStages, type JsonSink, type Source, type Take } from '../generation/pipeline.ts'
import { ByteLane } from './byte-lane.ts'
import { toStreamError, type RunAnswer, type RunOptions, type WireObserver, type WorkersAi } from './client.ts'
import { GenerationReader } from './generation-reader.ts'
import type { ModelId } from './model.ts'
import type { RequestBody } from './request-body.ts'
import type { Patience } from './retry.ts'
import { StreamGiver } from './stream-giver.ts'

export interface GenerateRequest {
  model: ModelId
  /** The native body: JSON. */
  body: RequestBody
  /** The same body without `stream`, for a stream that came back empty. Absent when `body` asks for no stream. */
  plainBody?: (() => RequestBody) | undefined
  signal: CancelSignal
  sessionAffinity?: string | undefined
  /** Used instead of the proxy's own token. */
  apiToken?: string | undefined
  /** Whose request it is, by a name that is no secret. */
  caller?: string | undefined
  observer?: WireObserver | undefined
  patience?: Patience | undefined
  /** Makes a tool-call id that is unique in the conversation. */
  newCallId: () => string
  /** What its events pass, in order. */
  stages: readonly Stage[]
}

export interface Generation {
  /** HTTP status Cloudflare answered with. */
  status: number
  /** Cloudflare's headers that are passed on, e.g. `cf-ai-req-id`. */
  headers: Record<string, string>
  /** How many times Cloudflare was asked before it answered. */
  attempts: number
  /** One batch per upstream read, seldom more. Who has had enough closes the upstream. */
  batches: Source<Batch>
  /**
   * Of a stream: has text go past batches and stages while none of them wants to see it. To be called before batches are
   * read. What is sent must be copied.
   */
  leadTextTo?: (sink: JsonSink, send: Take<Buffer>) => void
}

/**
 * Runs one generation on Workers AI. Resolves when Cloudflare's status is known.
 *
 * A stream that comes back as JSON is read from that JSON, not asked for again (gpt-oss and kimi were seen to do so).
 * One that holds nothing is asked for once more without `stream`: gpt-oss answered with an empty result, and
 * llama-4-scout with tools streams no text that it bills.
 *
 * @throws UpstreamError when Cloudflare refuses or cannot be reached; later failures are failure events.
 */
export async function generate (workersAi: WorkersAi, request: GenerateRequest): Promise<Generation> {
  const answer = await workersAi.run(request.model, request.body, runOptions(request, request.plainBody !== undefined))
  const { status, headers, attempts } = answer
  const lane = new ByteLane()
  const batches = throughStages(toBatches(workersAi, request, answer, lane), request.stages)
  return { status, headers, attempts, batches, ...(answer.isStream && { leadTextTo: (sink, send) => lane.leadTo(sink, send) }) }
}

function runOptions ({ signal, sessionAffinity, apiToken, caller, observer, patience }: GenerateRequest, stream: boolean): RunOptions {
  return { signal, stream, observer, patience, sessionAffinity, apiToken, caller }
}

function toBatches (workersAi: WorkersAi, request: GenerateRequest, answer: RunAnswer, lane = new ByteLane()): Source<Batch> {
  if (answer.isStream) return take => tellStream(workersAi, request, answer, take, lane)
  const { plainBody } = request
  const batch: Batch = []
  const reader = new GenerationReader(request.newCallId, answer.redact)
  reader.readAnswer(answer.json, batch, answer.text)
  return plainBody && reader.isEmpty ? take => askAgain(workersAi, request, plainBody(), take) : once(batch)
}

function tellStream (workersAi: WorkersAi, request: GenerateRequest, { body, redact }: Extract<RunAnswer, { isStream: true }>, take: Take<Batch>, lane: ByteLane): Promise<void> {
  const reader = new GenerationReader(request.newCallId, redact)
  const giver = new StreamGiver({
    reader,
    lane,
    stages: request.stages,
    take: batch => {
      // It holds the conversation, and is of no use once something was said.
      if (reader.isSpeaking) request.plainBody = undefined
      return take(batch)
    }
  })
  return body.read(giver).then(async () => {
    if (reader.ended && !giver.isEnough) body.release()
    else body.destroy()
    if (giver.isEnough) return
    const batch = giver.end()
    if (request.plainBody && reader.isEmptyButBilled) return askAgain(workersAi, request, request.plainBody(), take)
    reader.end(batch)
    if (batch.length > 0) await take(batch)
  }, async (error: unknown) => {
    giver.isEnough = true
    body.destroy()
    request.signal.throwIfAborted()
    await take([{ type: 'failure', error: toStreamError(error) }])
  })
}

async function askAgain (workersAi: WorkersAi, { plainBody, ...request }: GenerateRequest, body: RequestBody, take: Take<Batch>): Promise<void> {
  try {
    const answer = await workersAi.run(request.model, body, runOptions(request, false))
    await toBatches(workersAi, request, answer)(take)
  } catch (error) {
    request.signal.throwIfAborted()
    await take([{ type: 'failure', error: toStreamError(error) }])
  }
}
