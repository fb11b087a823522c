import type { AnswerCache } from '../inference/answer-cache/answer-cache.ts'
import { findPackageRoot } from '../package-root.ts'
import type { Settings } from '../settings/schema.ts'
import type { AnswerStore } from '../stores/answers/answers.ts'
import type { Redis } from '../stores/redis/redis.ts'

/**
 * What keeps answers; undefined where nothing does.
 * @param redis keeps them for all replicas, where there is one; else the memory of this process does
 */
export async function toAnswerCache ({ answerCache }: Pick<Settings, 'answerCache'>, redis?: Redis): Promise<AnswerCache | undefined> {
  if (answerCache === undefined) return undefined
  const { AnswerCache } = await import('../inference/answer-cache/answer-cache.ts')
  const { ttlSeconds, maxBytes, isShared } = answerCache
  const store = redis === undefined ? await openMemory(maxBytes) : await openShared(redis)
  return new AnswerCache({ store, ttlSeconds, isShared, version: findPackageRoot().version, now: Date.now })
}

async function openMemory (maxBytes: number): Promise<AnswerStore> {
  const { MemoryAnswers } = await import('../stores/answers/memory.ts')
  return new MemoryAnswers(maxBytes)
}

async function openShared (redis: Redis): Promise<AnswerStore> {
  const { RedisAnswers } = await import('../stores/answers/redis.ts')
  return new RedisAnswers(redis)
}
