import type { AnswerCache } from '../inference/answer-cache/answer-cache.ts'
import { findPackageRoot } from '../package-root.ts'
import type { Settings } from '../settings/schema.ts'
import type { AnswerStore } from '../stores/answers/answers.ts'

/**
 * What keeps answers; undefined where nothing does.
 * @param given kept elsewhere than in the memory of this process
 */
export async function toAnswerCache ({ answerCache }: Pick<Settings, 'answerCache'>, given?: AnswerStore): Promise<AnswerCache | undefined> {
  if (answerCache === undefined) return undefined
  const { AnswerCache } = await import('../inference/answer-cache/answer-cache.ts')
  const { ttlSeconds, maxBytes, isShared } = answerCache
  const store = given ?? new (await import('../stores/answers/memory.ts')).MemoryAnswers(maxBytes)
  return new AnswerCache({ store, ttlSeconds, isShared, version: findPackageRoot().version, now: Date.now })
}
