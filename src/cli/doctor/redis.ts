import { SettingsError } from '../../settings/problem.ts'
import type { RedisSettings, Settings } from '../../settings/schema.ts'
import { RedisUnavailable } from '../../stores/redis/redis.ts'
import type { Finding } from './finding.ts'
import { toProblemFindings } from './findings.ts'

/** Tries the Redis that replicas share: one finding, none where there is none. */
export async function checkRedis ({ redis }: Pick<Settings, 'redis'>): Promise<Finding[]> {
  if (redis === undefined) return []
  try {
    return [await look(redis)]
  } catch (error) {
    if (error instanceof SettingsError) return toProblemFindings(error.problems).map(finding => ({ ...finding, check: 'redis' }))
    if (!(error instanceof RedisUnavailable)) throw error
    return [{
      check: 'redis',
      verdict: 'warning',
      message: `Redis at REDIS_URL cannot be reached (${error.reason}).`,
      next: 'Until it is there, the proxy serves, and each replica counts for itself. Check host, port and network.'
    }]
  }
}

async function look (settings: RedisSettings): Promise<Finding> {
  const [{ tryRedis }, { toNotices }] = await Promise.all([import('../../stores/redis/connection.ts'), import('../../stores/redis/server-facts.ts')])
  const { ms, facts } = await tryRedis(settings)
  if (facts === undefined) return { check: 'redis', verdict: 'ok', message: `Redis answered in ${toText(ms)}.` }
  const { name, version, policy = 'unknown' } = facts
  const message = `${name === 'valkey' ? 'Valkey' : 'Redis'} ${version} answered in ${toText(ms)}; maxmemory-policy is ${policy}.`
  const next = toNotices(facts).map(notice => `Note: ${notice}.`).join(' ')
  return next === '' ? { check: 'redis', verdict: 'ok', message } : { check: 'redis', verdict: 'warning', message, next }
}

function toText (ms: number): string {
  return `${ms.toFixed(1)} ms`
}
