import type { Change } from '../generation/change.ts'
import type { Usage } from '../generation/event.ts'
import type { EmbeddingsRequest } from '../generation/request.ts'
import { toSum } from '../generation/usage.ts'
import { embed } from '../workers-ai/answer/embed.ts'
import { checkDimensions, toEmbedRequest, toTokens } from '../workers-ai/request/embedding-request.ts'
import type { Model } from '../workers-ai/models/model.ts'
import { RetryTimeBudget } from '../workers-ai/transport/retry.ts'
import { NO_TOKENS } from './allowance.ts'
import { ESTIMATED, type Services } from './answer.ts'
import { toServedHeaders, type Call } from './call.ts'
import { ChangeReporter } from './change-reporter.ts'
import { toDryRunOf, type DryRunAnswer } from './dry-run.ts'
import { toHeaders } from './generations.ts'
import { addNeurons } from './request-record.ts'

export interface EmbeddingsAnswer {
  kind: 'answer'
  /** One for each input, in order, all of one length: the model's own. */
  vectors: number[][]
  usage: Usage
  reporter: ChangeReporter
  /** Response headers about the model that answers; `reporter` has those about changes. */
  headers: Record<string, string>
}

type EmbeddingServices = Pick<Services, 'settings' | 'workersAi' | 'models' | 'freeNeurons' | 'answerCache'>

/**
 * Embeds texts. No other model takes over if one fails: vectors of two models cannot be compared.
 * @throws Cloudflare's failure, or an error about the request
 */
export async function answerEmbeddings (
  { settings, workersAi, models, freeNeurons, answerCache }: EmbeddingServices,
  request: EmbeddingsRequest,
  call: Call
): Promise<EmbeddingsAnswer | DryRunAnswer> {
  const model = await models.resolve(request.model, 'text-embeddings')
  const { record, signal, modelChange, isDryRun } = call
  record.kind = isDryRun ? 'dry-run' : 'answer'
  record.model = request.model
  record.servedModel = model.id
  record.stream = false
  call.allowance?.checkModel(model, models)
  freeNeurons?.checkModel(model)
  const { batches, toBody, changes } = toEmbedRequest(request, model, settings)
  if (modelChange) changes.unshift(modelChange)
  if (isDryRun) return { kind: 'dry-run', body: toDryRunOf(model.id, toBody(batches[0]), changes) }
  const warning = freeNeurons?.warning()
  if (warning) changes.push(warning)
  const looked = await answerCache?.vectors(model, batches.map(toBody), call)
  if (looked?.hit) {
    const { vectors, usage } = looked.hit
    await call.allowance?.reserve(NO_TOKENS, model)
    record.cache = 'hit'
    record.attempts = 0
    const headers = { ...toServedHeaders(call, model.id, 0), ...looked.headers }
    return toAnswer({ vectors, usage, changes, headers }, request, model, call)
  }
  const tokens = { promptTokens: toTokens(batches.flat()), completionTokens: 0 }
  signal.throwIfAborted()
  const admitted = freeNeurons?.admit(record, tokens, model)
  if (admitted !== undefined) await admitted
  if (call.allowance !== undefined) await call.allowance.reserve(tokens, model)
  const retryTime = new RetryTimeBudget()
  const answers = await embed(workersAi, {
    model: model.id,
    batches,
    toBody,
    toTokens,
    signal,
    calls: record.calls,
    detail: record.detail === 'bill' ? undefined : { asked: { stream: false }, keepsContent: false },
    retryTime,
    apiToken: call.apiToken,
    simulatorWords: call.simulatorWords,
    caller: call.caller,
    origin: call.record,
    observer: call.observer
  }).finally(() => {
    record.attempts = retryTime.asked
  })
  const usage = toEmbeddingUsage(answers)
  if (answers[0] !== undefined) record.upstreamStatus = answers[0].status
  for (const { headers } of answers) addNeurons(record, headers)
  const vectors = answers.flatMap(answer => answer.vectors)
  looked?.keep?.({ vectors, usage })
  const headers = { ...toServedHeaders(call, model.id, retryTime.asked), ...toHeaders(answers), ...looked?.headers }
  return toAnswer({ vectors, usage, changes, headers }, request, model, call)
}

interface Embedded extends Pick<EmbeddingsAnswer, 'vectors' | 'usage' | 'headers'> {
  changes: Change[]
}

function toAnswer (
  { vectors, usage, changes, headers }: Embedded,
  { dimensions }: EmbeddingsRequest,
  model: Model,
  call: Call
): EmbeddingsAnswer {
  call.record.usage = usage
  // For an unknown model, only its answer shows the length.
  if (dimensions != null) checkDimensions(dimensions, vectors[0]?.length ?? 0, model)
  const reporter = new ChangeReporter(changes, call)
  if (usage.estimated) reporter.add(ESTIMATED)
  return { kind: 'answer', vectors, usage, reporter, headers }
}

/** The usage of several calls; missing counts are estimated from the texts. */
export function toEmbeddingUsage (calls: ReadonlyArray<{ texts: readonly string[], usage?: Usage }>): Usage {
  return toSum(calls.map(({ texts, usage }) => usage ?? { promptTokens: toTokens(texts), completionTokens: 0, estimated: true }))
}
