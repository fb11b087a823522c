import type { Spent } from '../stores/limits/limits.ts'
import type { Model } from '../workers-ai/models/model.ts'
import { toBill } from '../workers-ai/models/price.ts'
import type { UpstreamCall } from '../workers-ai/transport/upstream-call.ts'

/** Most that a request counts for: what is more is a mistake, and makes debts that nobody can keep. */
const MAX_TOKENS = 1e9

/**
 * What calls of Cloudflare have used: as counted, else as estimated; nothing for those that failed.
 * @param modelOf by its id
 */
export function toSpent (
  calls: ReadonlyArray<Pick<UpstreamCall, 'model' | 'usage' | 'estimate' | 'neurons'>> = [],
  modelOf: (id: UpstreamCall['model']) => Pick<Model, 'id' | 'task' | 'price'>
): Spent {
  let tokens = 0
  let microNeurons = 0
  for (const call of calls) {
    const usage = call.usage ?? call.estimate
    if (usage !== undefined) tokens += usage.promptTokens + usage.completionTokens
    microNeurons += toBill(modelOf(call.model), call).microNeurons
  }
  return { tokens: Math.min(MAX_TOKENS, tokens), microNeurons }
}
