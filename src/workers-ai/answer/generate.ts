import type { Batch, Stage } from '../../generation/event.ts'
import { once, throughStages, type ChunkWriter, type Sink, type Source, type Write } from '../../generation/pipeline.ts'
import { TextRelay } from '../fast-path/text-relay.ts'
import { toStreamError } from '../transport/connection-errors.ts'
import { GenerationReader } from './generation-reader.ts'
import { withFrames } from './native-frames.ts'
import type { ModelId } from '../models/model.ts'
import { TASKS } from '../models/task.ts'
import type { ResponseBody } from '../transport/dispatch.ts'
import type { CallDetails } from '../transport/call-details.ts'
import type { UpstreamCall } from '../transport/upstream-call.ts'
import type { RequestBody } from '../transport/request-body.ts'
import type { RunAnswer, Runner, RunOptions } from '../transport/runner.ts'
import { StreamPump, toLength } from '../fast-path/stream-pump.ts'

export interface GenerateRequest
  extends Pick<RunOptions, 'signal' | 'sessionAffinity' | 'simulatorWords' | 'apiToken' | 'caller' | 'origin' | 'observer' | 'retryTime' | 'calls' | 'detail'> {
  model: ModelId
  /** The native body: JSON. */
  body: RequestBody
  /** Whether `body` asks for a stream. */
  isStreamed: boolean
  /** Tokens of what is asked, an estimate for answers of which Cloudflare counts none. */
  promptTokens: number
  /** Makes a tool-call id that is unique in the conversation. */
  newCallId: () => string
  /** The stages that its events pass, in order. */
  stages: readonly Stage[]
  /** Hears each native frame before what it says is passed on; without secrets. Text then bypasses nothing. */
  onFrame?: Write<string> | undefined
}

type GenerationForm = 'json' | 'events'

export interface Generation {
  /** HTTP status of Cloudflare's answer. */
  status: number
  /** Cloudflare's headers that are passed on, e.g. `cf-ai-req-id`. */
  headers: Record<string, string>
  /** One batch per upstream read, seldom more. A sink that cancels closes the upstream call. */
  batches: Source<Batch>
  /**
   * Of a stream: lets text bypass batches and stages while all stages are transparent. To be called before batches are
   * read. `send` must copy what it gets.
   */
  bypassTo?: (sink: ChunkWriter, send: Write<Buffer>) => void
  /** See `RunAnswer`. */
  beginning?: RunAnswer['beginning']
}

/**
 * Runs one generation on Workers AI. Resolves when Cloudflare's status is known.
 *
 * If Cloudflare answers JSON to a request for a stream, as observed for gpt-oss and kimi, that JSON is read; there is no
 * second call.
 *
 * @throws UpstreamError when Cloudflare refuses or cannot be reached; later failures are failure events.
 */
export async function generate (workersAi: Runner, request: GenerateRequest): Promise<Generation> {
  const answer = await workersAi.run(request.model, request.body, runOptions(request))
  const { status, headers, beginning } = answer
  const relay = new TextRelay()
  const batches = throughStages(toBatches(request, answer, relay), request.stages)
  const mayBypass = answer.form === 'events' && request.onFrame === undefined
  return {
    status,
    headers,
    batches,
    ...(mayBypass && { bypassTo: (sink, send) => relay.connect(sink, send) }),
    ...(beginning && { beginning })
  }
}

function runOptions ({
  signal,
  isStreamed,
  observer,
  retryTime,
  sessionAffinity,
  simulatorWords,
  apiToken,
  caller,
  origin,
  calls,
  detail,
  promptTokens
}: GenerateRequest): RunOptions<GenerationForm> {
  return {
    signal,
    form: isStreamed ? 'events' : TASKS['text-generation'].form,
    observer,
    retryTime,
    sessionAffinity,
    simulatorWords,
    apiToken,
    caller,
    origin,
    calls,
    detail,
    promptTokens
  }
}

function toBatches (request: GenerateRequest, answer: RunAnswer<GenerationForm>, relay: TextRelay): Source<Batch> {
  const { newCallId, signal, stages, promptTokens, onFrame } = request
  const reader = new GenerationReader(newCallId, answer.redact)
  const { call } = answer
  if (answer.form === 'events') {
    const body = onFrame === undefined ? answer.body : withFrames(answer, onFrame)
    return write => writeStream({ reader, body, signal, stages, call, promptTokens }, write, relay)
  }
  void onFrame?.(answer.redact(answer.text))
  const batch: Batch = []
  reader.readAnswer(answer.json, batch, answer.text)
  call?.end(reader, toLength(batch), promptTokens, reader.failure)
  return once(batch)
}

interface NativeStream extends Pick<GenerateRequest, 'signal' | 'stages' | 'promptTokens'> {
  reader: GenerationReader
  body: ResponseBody
  /** Ended when the stream has, where it is noted. */
  call: UpstreamCall | undefined
}

/** Notes when the first piece came. */
function timed (sink: Sink<Buffer>, details: CallDetails): Sink<Buffer> {
  return {
    write: bytes => {
      details.firstPieceAt ??= performance.now()
      return sink.write(bytes)
    }
  }
}

function writeStream (stream: NativeStream, write: Write<Batch>, relay: TextRelay): Promise<void> {
  const { reader, body, signal, stages, call, promptTokens } = stream
  const pump = new StreamPump({ reader, relay, stages, write, isCounted: call !== undefined })
  const end = (failure: unknown, isCut: boolean) => {
    if (call === undefined) return
    call.isCut = isCut
    call.end(reader, pump.characters, promptTokens, failure)
  }
  return body.read(call?.details === undefined ? pump : timed(pump, call.details)).then(async () => {
    if (reader.ended && !pump.isCancelled) body.release()
    else body.destroy()
    // A client that has left is one whose stream wants no more.
    if (pump.isCancelled) return end(signal.reason ?? reader.failure, true)
    const batch = pump.end()
    reader.end(batch)
    end(reader.failure, reader.failure !== undefined && reader.failure.kind !== 'empty')
    if (batch.length > 0) await write(batch)
  }, async (error: unknown) => {
    pump.isCancelled = true
    body.destroy()
    const failure = signal.reason ?? toStreamError(error)
    end(failure, true)
    signal.throwIfAborted()
    await write([{ type: 'failure', error: failure }])
  })
}
