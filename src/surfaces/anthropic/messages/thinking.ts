import type { Change } from '../../../generation/change.ts'
import type { GenerationRequest } from '../../../generation/request.ts'
import type { CountTokensRequest } from './request.ts'

/** Budgets of thinking, in tokens, from which on the effort is medium, and high: no model of Workers AI takes a budget. */
const MEDIUM_BUDGET = 4_096
const HIGH_BUDGET = 16_384

/** How much of the thinking the caller is told: all, only that there was some, or nothing. */
export type ThinkingDisplay = 'shown' | 'omitted' | 'none'

export interface AskedThinking {
  words: Pick<GenerationRequest, 'reasoning_effort' | 'thinking'>
  display: ThinkingDisplay
}

/**
 * What a request says of thinking. An effort wins over a budget, and the effort of a later turn over that of the request.
 * Nothing said leaves it to the model.
 */
export function toAskedThinking ({ thinking, output_config: output, messages }: Pick<CountTokensRequest, 'thinking' | 'output_config' | 'messages'>, changes: Change[]): AskedThinking {
  if (thinking?.type === 'disabled') {
    tellUnusedEffort(output?.effort, changes)
    return { words: { reasoning_effort: 'none' }, display: 'none' }
  }
  const effort = effortOfTurns(messages) ?? output?.effort ?? undefined
  return { words: toWords(thinking, effort, changes), display: toDisplay(thinking?.display, changes) }
}

function toWords (thinking: CountTokensRequest['thinking'], effort: string | undefined, changes: Change[]): AskedThinking['words'] {
  if (thinking?.type !== 'enabled') {
    if (effort !== undefined) return { reasoning_effort: effort }
    return thinking == null ? {} : { thinking: { type: 'adaptive' } }
  }
  const { budget_tokens: budget } = thinking
  if (effort !== undefined) {
    changes.push({ param: 'thinking.budget_tokens', action: 'dropped', from: budget, reason: 'Workers AI takes no budget, and an effort was given' })
    return { reasoning_effort: effort }
  }
  const level = budget >= HIGH_BUDGET ? 'high' : budget >= MEDIUM_BUDGET ? 'medium' : 'low'
  changes.push({ param: 'thinking.budget_tokens', action: 'emulated', from: budget, to: level, reason: 'Workers AI takes no budget of thinking; the model is asked for an effort' })
  return { reasoning_effort: level }
}

/** That of the last turn that has one: Claude Code sets it so. */
function effortOfTurns (messages: CountTokensRequest['messages']): string | undefined {
  return messages.findLast(message => message.output_config?.effort != null)?.output_config?.effort ?? undefined
}

function tellUnusedEffort (effort: string | null | undefined, changes: Change[]): void {
  if (effort != null && effort !== 'none') changes.push({ param: 'output_config.effort', action: 'dropped', from: effort, reason: 'thinking is disabled' })
}

function toDisplay (display: string | null | undefined, changes: Change[]): ThinkingDisplay {
  if (display === 'omitted') {
    changes.push({ param: 'thinking.display', action: 'emulated', from: display, reason: 'the thought is left out, and stands in the signature, encoded and not encrypted' })
    return 'omitted'
  }
  if (display != null && display !== 'summarized') changes.push({ param: 'thinking.display', action: 'dropped', from: display, reason: 'no display that is known' })
  return 'shown'
}
