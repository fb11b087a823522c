import type { BudgetState } from '../stores/limits/budget.ts'
import type { LimitedKey, Limits } from '../stores/limits/limits.ts'
import { MICRO_NEURONS_PER_NEURON } from '../workers-ai/models/price.ts'
import type { KeyBudget } from './report.ts'

/**
 * The budgets of keys, as they are now. Of a key that has one for the day and one for the month, the one of which less is
 * left.
 * @param keys that have limits, by what they go by in figures
 * @returns undefined for a key without a budget
 */
export async function toKeyBudgets (limits: Limits, keys: ReadonlyMap<string, LimitedKey>): Promise<Map<string, KeyBudget | undefined>> {
  const budgets = new Map<string, KeyBudget | undefined>()
  for (const [name, key] of keys) {
    const { day, month } = await limits.budgets(key)
    const decisive = day !== undefined && month !== undefined && month.remaining < day.remaining ? month : day ?? month
    budgets.set(name, decisive && toKeyBudget(decisive))
  }
  return budgets
}

function toKeyBudget ({ limit, used, reserved, remaining, resetsAt }: BudgetState): KeyBudget {
  return {
    limit: limit / MICRO_NEURONS_PER_NEURON,
    used: used / MICRO_NEURONS_PER_NEURON,
    reserved: reserved / MICRO_NEURONS_PER_NEURON,
    remaining: remaining / MICRO_NEURONS_PER_NEURON,
    resets_at: resetsAt / 1_000
  }
}
