import { RedisUnavailable, type Redis } from '../redis/redis.ts'
import type { AnswerStore } from './answers.ts'

/** Answers in Redis, which all replicas share and which expire there. While it is away there are none, and none is kept. */
export class RedisAnswers implements AnswerStore {
  readonly #redis: Redis

  constructor (redis: Redis) {
    this.#redis = redis
  }

  async get (key: string): Promise<Buffer | undefined> {
    const value = await unlessAway(this.#redis.commandBuffer('GET', this.#keyOf(key)))
    return value as Buffer | null ?? undefined
  }

  async set (key: string, value: Buffer, ttlSeconds: number): Promise<void> {
    await unlessAway(this.#redis.command('SET', this.#keyOf(key), value, 'EX', ttlSeconds))
  }

  #keyOf (key: string): string {
    return this.#redis.key('answer', key)
  }
}

/** Undefined while Redis is away. */
async function unlessAway (answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof RedisUnavailable) return undefined
    throw error
  }
}
