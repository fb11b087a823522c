import type { Usage } from './event.ts'

/** The bill of several generations. A count is told when any of them told it, and marked a guess when any was one. */
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
