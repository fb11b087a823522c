import { UpstreamError } from '../errors.ts'
import { follow } from '../generation/cancellation.ts'
import { toWholeJson, type RunOptions, type WorkersAi } from './client.ts'
import { readEmbeddings, sameLength, type Embeddings } from './embedding-reader.ts'
import type { ModelId } from './model.ts'
import { Patience } from './retry.ts'

/** One native call: its body as JSON text, and how many texts are in it. */
interface EmbeddingCall {
  body: string
  count: number
}

export interface EmbedOptions extends Pick<RunOptions, 'signal' | 'observer' | 'apiToken' | 'caller'> {
  model: ModelId
  calls: readonly EmbeddingCall[]
}

/** What came of one native call. */
export interface EmbeddingAnswer extends Embeddings {
  /** Cloudflare's headers that are passed on, e.g. `cf-ai-req-id`. */
  headers: Record<string, string>
  status: number
  /** How many times Cloudflare was asked before it answered. */
  attempts: number
}

/** How many calls of one request run at the same time: Cloudflare counts calls by the minute. */
const MAX_PARALLEL = 4

/**
 * Has texts embedded, no more than four calls at a time.
 * @returns an answer for each call, in their order
 * @throws UpstreamError of the first call that fails, when the others are ended; the signal's reason when it aborts
 */
export async function embed (workersAi: WorkersAi, { model, calls, signal, apiToken, caller, observer }: EmbedOptions): Promise<EmbeddingAnswer[]> {
  const options = { stream: false, observer, apiToken, caller, patience: new Patience() }
  const { cancellation, leave } = follow(signal)
  const run = async ({ body, count }: EmbeddingCall): Promise<EmbeddingAnswer> => {
    const answer = await workersAi.run(model, body, { ...options, signal: cancellation })
    const { headers, status, attempts } = answer
    try {
      return { ...readEmbeddings(await toWholeJson(answer), count), headers, status, attempts }
    } catch (error) {
      if (error instanceof UpstreamError) error.attempts = attempts
      throw error
    }
  }
  try {
    const answers = await inOrder(calls, run)
    sameLength(answers.flatMap(({ vectors }) => vectors))
    return answers
  } finally {
    leave()
    cancellation.abort(new Error('not needed any more'))
  }
}

async function inOrder<T, R> (items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  const left = items.entries()
  const work = async () => {
    for (const [index, item] of left) results[index] = await run(item)
  }
  await Promise.all(Array.from({ length: MAX_PARALLEL }, work))
  return results
}
