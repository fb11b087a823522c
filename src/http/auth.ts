import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import { ProxyError } from '../errors.ts'

/** Paths that answer without a key. */
const OPEN_PATHS = new Set(['/health', '/livez', '/readyz'])

/**
 * Lets only callers with one of the keys pass, before a body is read. Keys are compared as digests in constant time.
 * @returns undefined when there are no keys and everybody may pass
 */
export function requireKey (keys: readonly string[]): onRequestHookHandler | undefined {
  if (keys.length === 0) return undefined
  const digests = keys.map(digest)
  return (request, _reply, done) => {
    if (OPEN_PATHS.has(request.routeOptions.url ?? '')) return done()
    const key = keyOf(request)
    if (key === undefined) return done(unauthorized("You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).", null))
    const given = digest(key)
    const known = digests.map(one => timingSafeEqual(one, given)).includes(true)
    done(known ? undefined : unauthorized('Incorrect API key provided. Ask whoever runs this proxy for a key from its API_KEYS.', 'invalid_api_key'))
  }
}

function keyOf ({ headers }: FastifyRequest): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1]
  const plain = headers['x-api-key'] ?? headers['api-key']
  return bearer ?? (typeof plain === 'string' && plain !== '' ? plain : undefined)
}

function unauthorized (message: string, code: string | null): ProxyError {
  return new ProxyError(message, { status: 401, type: 'invalid_request_error', code })
}

function digest (text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
