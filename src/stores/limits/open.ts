import type { Ledger, Row } from '../ledger/ledger.ts'
import type { LimitedKey } from './limits.ts'
import { MemoryLimits } from './memory.ts'

/**
 * Limits in memory, where budgets go on from what the ledger has of the current day and month.
 * @param keys by what they go by in the ledger; of other keys nothing is known from before
 * @param now Unix time in milliseconds
 */
export async function openLimits (keys: ReadonlyMap<string, LimitedKey>, ledger: Pick<Ledger, 'read'>, now: () => number): Promise<MemoryLimits> {
  const limits = new MemoryLimits(now)
  const today = new Date(now()).toISOString().slice(0, 10)
  const used = new Map<string, { day: number, month: number }>()
  for (const row of await ledger.read(`${today.slice(0, 7)}-01`, today)) {
    const sum = used.get(row.key) ?? { day: 0, month: 0 }
    sum.month += neuronsOf(row)
    if (row.day === today) sum.day += neuronsOf(row)
    used.set(row.key, sum)
  }
  for (const [name, key] of keys) limits.recall(key, used.get(name) ?? { day: 0, month: 0 })
  return limits
}

/** In micro-neurons. */
function neuronsOf ({ microNeurons, estimatedMicroNeurons }: Row): number {
  return microNeurons + estimatedMicroNeurons
}
