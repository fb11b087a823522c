import { setMaxListeners } from 'node:events'
import { primed, throughStages } from '../generation/pipeline.ts'
import type { Batch, Stage } from '../generation/event.ts'
import { Ending } from '../generation/ending.ts'
import { SingleToolCall } from '../generation/single-tool-call.ts'
import { StopSequences } from '../generation/stop-sequences.ts'
import { newCallId } from '../http/reply-identity.ts'
import { toBody, type RunRequest } from '../translate/run-request.ts'
import type { WorkersAi } from '../workers-ai/client.ts'
import { generate, type Generation } from '../workers-ai/generate.ts'
import type { ModelId } from '../workers-ai/model.ts'

export interface StartOptions {
  model: ModelId
  /** The caller wants its answer as it is written. */
  stream: boolean
  sessionAffinity?: string | undefined
  /** Aborts when the client leaves. */
  signal: AbortSignal
}

/** The generations behind one answer, one for each choice, each through its stages. */
export interface Generations {
  choices: Array<AsyncGenerator<Batch>>
  /** Cloudflare's headers that are passed on. */
  headers: Record<string, string>
  attempts: number
  /** Closes every upstream; to be called when the answer has ended, however it did. */
  close: () => void
}

/**
 * Starts one native call for each choice and resolves when all have begun to answer.
 * @throws the error of the first that fails at once; the others are then closed
 */
export async function startGenerations (workersAi: WorkersAi, request: RunRequest, { model, stream, sessionAffinity, signal }: StartOptions): Promise<Generations> {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  const close = () => controller.abort(signal.reason)
  signal.addEventListener('abort', close, { once: true })
  const asStream = stream && request.canStream
  const anySeed = Math.ceil(Math.random() * 9_000_000_000)
  const start = async (choice: number) => {
    const body = (streamed: boolean) => toBody(request, { stream: streamed, choice, anySeed })
    const generation = await generate(workersAi, {
      model,
      body: body(asStream),
      ...(asStream && { plainBody: () => body(false) }),
      signal: controller.signal,
      sessionAffinity,
      newCallId
    })
    return { ...generation, batches: await primed(throughStages(generation.batches, stagesFor(request))) }
  }
  try {
    const generations = await Promise.all(Array.from({ length: request.choices }, (_, choice) => start(choice)))
    return {
      choices: generations.map(({ batches }) => batches),
      headers: toHeaders(generations),
      attempts: Math.max(...generations.map(({ attempts }) => attempts)),
      close
    }
  } catch (error) {
    close()
    throw error
  }
}

function stagesFor (request: RunRequest): Stage[] {
  return [
    ...(request.singleToolCall ? [new SingleToolCall()] : []),
    ...(request.stop.length > 0 ? [new StopSequences(request.stop)] : []),
    new Ending(request)
  ]
}

/** The first call's headers stand for all, but neurons are a bill and are summed. */
function toHeaders (generations: readonly Generation[]): Record<string, string> {
  const headers = { ...generations[0]?.headers }
  if (generations.length > 1 && headers['cf-ai-neurons'] !== undefined) {
    headers['cf-ai-neurons'] = String(generations.reduce((sum, one) => sum + (Number(one.headers['cf-ai-neurons']) || 0), 0))
  }
  return headers
}
