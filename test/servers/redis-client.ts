import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import type { Test } from 'tap'
import { openRedis } from '../../src/stores/redis/connection.ts'
import type { Redis } from '../../src/stores/redis/redis.ts'
import type { RedisServer } from './redis-server.ts'

/** Options of a redis-server that writes every change to a file before it answers. */
export const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always']

/** Connects as a replica does; alone, unless a prefix is given. The connection is closed with the test. */
export async function connect (t: Test, { url }: Pick<RedisServer, 'url'>, { prefix = `${randomUUID()}:`, timeoutMs = 250 } = {}): Promise<Redis> {
  const redis = await openRedis({ url, prefix, timeoutMs }, pino({ level: 'silent' }))
  t.teardown(() => redis.close())
  return redis
}

/** How often a server has run a command since it was started, those of scripts included. */
export async function callsOf ({ tell }: Pick<RedisServer, 'tell'>, command: string): Promise<number> {
  return Number(new RegExp(`^cmdstat_${command}:calls=(\\d+)`, 'm').exec(await tell('INFO commandstats'))?.[1] ?? 0)
}
