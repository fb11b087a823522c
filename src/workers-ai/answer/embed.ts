import { UpstreamError } from '../../errors.ts'
import { follow } from '../../generation/cancellation.ts'
import { readEmbeddings, sameLength, type Embeddings } from './embedding-reader.ts'
import { isSumTooLong } from '../transport/error-codes.ts'
import type { ModelId } from '../models/model.ts'
import { toWholeJson } from '../transport/response.ts'
import { RetryTimeBudget } from '../transport/retry.ts'
import type { Runner, RunOptions } from '../transport/runner.ts'
import { TASKS } from '../models/task.ts'

export interface EmbedOptions extends Pick<RunOptions, 'signal' | 'observer' | 'apiToken' | 'caller' | 'origin' | 'retryTime' | 'simulatorWords' | 'calls' | 'detail'> {
  model: ModelId
  /** The texts of each native call. */
  batches: ReadonlyArray<readonly string[]>
  /** The native body of a call: JSON text. */
  toBody: (texts: readonly string[]) => string
  /** Estimates the tokens of texts, for calls without a count by Cloudflare. */
  toTokens: (texts: readonly string[]) => number
}

/** The answer to one native call. */
export interface EmbeddingAnswer extends Embeddings {
  /** The texts of the call. */
  texts: readonly string[]
  /** Cloudflare's headers that are passed on, e.g. `cf-ai-req-id`. */
  headers: Record<string, string>
  status: number
  /** Number of attempts. */
  attempts: number
}

/** Calls of one request that run at the same time: Cloudflare limits calls per minute. */
const MAX_PARALLEL = 4

/**
 * Embeds texts, with at most four calls at a time. The size that a call may have is known only roughly, so a call that
 * Cloudflare refuses as too long is halved and repeated.
 * @returns an answer for each successful call, in the order of the texts
 * @throws UpstreamError of the first call that fails, which ends the others; the signal's reason if it aborts
 */
export async function embed (
  workersAi: Runner,
  { model, batches, toBody, toTokens, signal, retryTime = new RetryTimeBudget(), ...rest }: EmbedOptions
): Promise<EmbeddingAnswer[]> {
  const options = { ...rest, form: TASKS['text-embeddings'].form, retryTime }
  const { cancellation, leave } = follow(signal)
  const ask = async (texts: readonly string[]): Promise<EmbeddingAnswer> => {
    const answer = await workersAi.run(model, toBody(texts), { ...options, signal: cancellation, promptTokens: toTokens(texts) })
    const { headers, status, attempts, call } = answer
    try {
      const embeddings = readEmbeddings(await toWholeJson(answer), texts.length)
      const { usage, neurons } = embeddings
      call?.end({ usage, neurons }, 0, 0)
      if (call && usage === undefined) call.estimate = { promptTokens: toTokens(texts), completionTokens: 0, estimated: true }
      return { ...embeddings, texts, headers, status, attempts }
    } catch (error) {
      call?.fail(cancellation.aborted ? cancellation.reason : error, toTokens(texts))
      if (error instanceof UpstreamError) error.attempts = attempts
      throw error
    }
  }
  const run = async (texts: readonly string[]): Promise<EmbeddingAnswer[]> => {
    try {
      return [await ask(texts)]
    } catch (error) {
      if (texts.length < 2 || !(error instanceof UpstreamError) || !isSumTooLong(error)) throw error
    }
    const middle = Math.ceil(texts.length / 2)
    return [...(await run(texts.slice(0, middle))), ...(await run(texts.slice(middle)))]
  }
  try {
    const answers = (await inOrder(batches, run)).flat()
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
