import type { Batch } from '../generation/event.ts'
import { toStreamError, type RunAnswer, type RunOptions, type WireObserver, type WorkersAi } from './client.ts'
import { GenerationReader } from './generation-reader.ts'
import type { ModelId } from './model.ts'
import type { Patience } from './retry.ts'
import { SseDecoder } from './sse-decoder.ts'

export interface GenerateRequest {
  model: ModelId
  /** JSON text of the native body. */
  body: string
  /** The same body without `stream`, for a stream that came back empty. Absent when `body` asks for no stream. */
  plainBody?: () => string
  signal: AbortSignal
  sessionAffinity?: string | undefined
  /** Used instead of the proxy's own token. */
  apiToken?: string | undefined
  observer?: WireObserver | undefined
  patience?: Patience | undefined
  /** Makes a tool-call id that is unique in the conversation. */
  newCallId: () => string
}

export interface Generation {
  /** HTTP status Cloudflare answered with. */
  status: number
  /** Cloudflare's headers that are passed on, e.g. `cf-ai-req-id`. */
  headers: Record<string, string>
  /** How many times Cloudflare was asked before it answered. */
  attempts: number
  /** One batch per upstream read. Closing it closes the upstream. */
  batches: AsyncGenerator<Batch>
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
  const batches = answer.isStream ? streamed(workersAi, request, answer) : whole(workersAi, request, answer)
  return { status: answer.status, headers: answer.headers, attempts: answer.attempts, batches }
}

function runOptions ({ signal, sessionAffinity, apiToken, observer, patience }: GenerateRequest, stream: boolean): RunOptions {
  return { signal, stream, observer, patience, ...(sessionAffinity !== undefined && { sessionAffinity }), ...(apiToken !== undefined && { apiToken }) }
}

async function * whole (workersAi: WorkersAi, request: GenerateRequest, answer: RunAnswer): AsyncGenerator<Batch> {
  const batch: Batch = []
  const reader = new GenerationReader(request.newCallId, answer.redact)
  reader.readAnswer(await answer.json(), batch)
  if (request.plainBody && reader.isEmpty) yield * askedAgain(workersAi, request, request.plainBody())
  else yield batch
}

async function * streamed (workersAi: WorkersAi, request: GenerateRequest, answer: RunAnswer): AsyncGenerator<Batch> {
  const decoder = new SseDecoder()
  const reader = new GenerationReader(request.newCallId, answer.redact)
  const reads = answer.body[Symbol.asyncIterator]()
  try {
    while (!reader.done) {
      const { done, value } = await reads.next()
      if (done) break
      const batch = read(decoder.push(value), reader)
      if (batch.length > 0) yield batch
    }
  } catch (error) {
    request.signal.throwIfAborted()
    yield [{ type: 'failure', error: toStreamError(error) }]
    return
  } finally {
    if (reader.ended) release(reads, answer.body)
    else answer.body.destroy()
  }
  const batch: Batch = []
  for (const event of decoder.end()) reader.readEvent(event, batch, true)
  if (request.plainBody && reader.isEmptyButBilled) {
    yield * askedAgain(workersAi, request, request.plainBody())
    return
  }
  reader.end(batch)
  if (batch.length > 0) yield batch
}

async function * askedAgain (workersAi: WorkersAi, { plainBody, ...request }: GenerateRequest, body: string): AsyncGenerator<Batch> {
  try {
    yield * whole(workersAi, request, await workersAi.run(request.model, body, runOptions(request, false)))
  } catch (error) {
    request.signal.throwIfAborted()
    yield [{ type: 'failure', error: toStreamError(error) }]
  }
}

/** What may come after `[DONE]`: the end of the HTTP body, which often has a packet of its own. */
const REST = { ms: 500, reads: 8 }

/** Reads the rest of a stream that has ended, so that its connection can serve again; nobody waits for it. */
async function release (reads: AsyncIterator<Buffer>, body: RunAnswer['body']): Promise<void> {
  const timer = setTimeout(() => body.destroy(), REST.ms)
  try {
    for (let left = REST.reads; left > 0; left--) {
      if ((await reads.next()).done) return
    }
  } catch {
    // The answer is whole already.
  } finally {
    clearTimeout(timer)
    body.destroy()
  }
}

function read (events: string[], reader: GenerationReader): Batch {
  const batch: Batch = []
  for (const event of events) reader.readEvent(event, batch)
  return batch
}
