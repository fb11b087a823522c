import type { Usage } from './event.ts'

/** The bill of several generations. A count is present when any of them has it, and estimated when any was estimated. */
export function toSum (usages: readonly Usage[]): Usage {
  const sum = { promptTokens: 0, completionTokens: 0, cachedTokens: 0, reasoningTokens: 0 }
  let isEstimated = false
  for (const { promptTokens, completionTokens, cachedTokens = 0, reasoningTokens = 0, estimated = false } of usages) {
    sum.promptTokens += promptTokens
    sum.completionTokens += completionTokens
    sum.cachedTokens += cachedTokens
    sum.reasoningTokens += reasoningTokens
    isEstimated ||= estimated
  }
  return isEstimated ? { ...sum, estimated: true } : sum
}
