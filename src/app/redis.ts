import type { FastifyBaseLogger } from 'fastify'
import type { Settings } from '../settings/schema.ts'
import type { Redis } from '../stores/redis/redis.ts'
import type { RedisFamilies } from '../telemetry/metrics/redis-families.ts'

interface RedisParts {
  redis: Redis
  /** For large values, so that they keep nothing else waiting; undefined where nothing has any. */
  values: Redis | undefined
  /** How this process fares with it. */
  families: RedisFamilies
  close: () => Promise<void>
}

interface ValuesLog {
  warn: (fields: object) => void
  info: (fields: object) => void
}

type RedisUse = Pick<Settings, 'redis' | 'storeMaxBytes' | 'answerCache'>

/** How long the second connection is away before that is told: a server that goes ends both, and that is told once. */
const TELL_MS = 1_000

/**
 * The Redis that replicas share; undefined, and nothing of it loaded, where there is none.
 * @throws SettingsError when what answers at REDIS_URL cannot be used
 */
export async function toRedis (
  { redis: settings, storeMaxBytes, answerCache }: RedisUse,
  logger: FastifyBaseLogger
): Promise<RedisParts | undefined> {
  if (settings === undefined) return undefined
  const { openRedis } = await import('../stores/redis/connection.ts')
  const { RedisFamilies } = await import('../telemetry/metrics/redis-families.ts')
  const hasValues = storeMaxBytes > 0 || answerCache !== undefined
  const families = new RedisFamilies(hasValues)
  const told = new Set<string>()
  const onRefusal = (reason: string) => {
    if (told.has(reason)) return
    told.add(reason)
    logger.warn({ reason }, 'Redis refused what it was asked for; this is said once')
  }
  const redis = await openRedis(settings, logger, { observe: seconds => families.observe(seconds), onRefusal })
  families.isUp = () => redis.isUp
  if (!hasValues) return { redis, values: undefined, families, close: () => redis.close() }
  const log = toValuesLog(logger, () => redis.isUp && !families.isUpForValues())
  const values = await openRedis(settings, log, { onRefusal, isForLargeValues: true }).catch(async (error: unknown) => {
    await redis.close()
    throw error
  })
  families.isUpForValues = () => values.isUp
  return { redis, values, families, close: async () => { await Promise.all([values.close(), redis.close()]) } }
}

/** What is told of the second connection: that it alone is away, and that it is back then. */
function toValuesLog (logger: FastifyBaseLogger, isAlone: () => boolean): ValuesLog {
  let isTold = false
  return {
    warn: fields => {
      setTimeout(() => {
        if (!isAlone()) return
        isTold = true
        logger.warn(fields, 'stored responses and kept answers cannot be reached in Redis')
      }, TELL_MS).unref()
    },
    info: fields => {
      if (isTold) logger.info(fields, 'stored responses and kept answers can be reached again')
      isTold = false
    }
  }
}
