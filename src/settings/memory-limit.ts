import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/**
 * The memory limit of this process in bytes: the limit of its container (cgroup v1 or v2), else the memory of the machine.
 * At most twice V8's heap limit, because V8 takes half of a small memory and a fixed maximum of a large one.
 */
export function memoryLimit (): number {
  // 0 without cgroups; more than the machine has when the cgroup has no limit.
  const constrained = process.constrainedMemory() || Infinity
  return Math.min(constrained, totalmem(), 2 * getHeapStatistics().heap_size_limit)
}
