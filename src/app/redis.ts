import type { FastifyBaseLogger } from 'fastify'
import type { Settings } from '../settings/schema.ts'
import type { Redis } from '../stores/redis/redis.ts'
import type { RedisFamilies } from '../telemetry/metrics/redis-families.ts'

interface RedisParts {
  redis: Redis
  /** How this process fares with it. */
  families: RedisFamilies
}

/**
 * The Redis that replicas share; undefined, and nothing of it loaded, where there is none.
 * @throws SettingsError when what answers at REDIS_URL cannot be used
 */
export async function toRedis ({ redis: settings }: Pick<Settings, 'redis'>, logger: FastifyBaseLogger): Promise<RedisParts | undefined> {
  if (settings === undefined) return undefined
  const { openRedis } = await import('../stores/redis/connection.ts')
  const { RedisFamilies } = await import('../telemetry/metrics/redis-families.ts')
  const families = new RedisFamilies()
  const redis = await openRedis(settings, logger, { observe: seconds => families.observe(seconds) })
  families.isUp = () => redis.isUp
  return { redis, families }
}
