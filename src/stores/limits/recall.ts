import type { LimitedKey, Limits } from './limits.ts'

/** What a key used on a day, by the ledger. */
interface UsedOnDay {
  /** As an ISO date. */
  day: string
  /** What the key goes by. */
  key: string
  microNeurons: number
  estimatedMicroNeurons: number
}

/**
 * Counts what was used of budgets before the start.
 * @param keys by what the ledger calls them
 * @param rows of the current month at least
 * @param now Unix time in milliseconds
 */
export async function recallBudgets (
  limits: Limits,
  keys: ReadonlyMap<string, LimitedKey>,
  rows: readonly UsedOnDay[],
  now: number
): Promise<void> {
  const today = new Date(now).toISOString().slice(0, 10)
  const month = today.slice(0, 7)
  const used = new Map<string, { day: number, month: number }>()
  for (const { day, key, microNeurons, estimatedMicroNeurons } of rows) {
    if (!keys.has(key) || !day.startsWith(month)) continue
    const sum = used.get(key) ?? { day: 0, month: 0 }
    const neurons = microNeurons + estimatedMicroNeurons
    used.set(key, { day: sum.day + (day === today ? neurons : 0), month: sum.month + neurons })
  }
  for (const [name, sum] of used) {
    const key = keys.get(name)
    if (key !== undefined) await limits.recall(key, sum)
  }
}
