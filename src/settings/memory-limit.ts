import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/**
 * Bytes of memory this process may have: what its container (cgroup v1 or v2) allows, or else what the machine has. No
 * more than twice what V8 takes for its heap, which is half of the memory where that is small, and has an end of its own
 * where it is large.
 */
export function memoryLimit (): number {
  // 0 where there is nothing to limit it, and more than there is where nothing does.
  const constrained = process.constrainedMemory() || Infinity
  return Math.min(constrained, totalmem(), 2 * getHeapStatistics().heap_size_limit)
}
