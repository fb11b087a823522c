import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'

/**
 * The value that routes a conversation to the server with its cached prompt: the caller's own `x-session-affinity`, else its
 * `prompt_cache_key`, else a digest of the caller's key and the first two messages, which are the same in every turn.
 * @returns a header value of at most 256 characters
 */
export function toSessionAffinity ({ headers }: Pick<FastifyRequest, 'headers'>, cacheKey: string | undefined, messages: readonly unknown[]): string {
  const given = headers['x-session-affinity']
  if (typeof given === 'string' && /^[\x21-\x7e]{1,256}$/.test(given)) return given
  if (cacheKey !== undefined) return cacheKey
  const beginning = JSON.stringify([headers.authorization, headers['x-api-key'], headers['api-key'], messages.slice(0, 2)])
  return hash('sha256', beginning, 'base64url').slice(0, 32)
}
