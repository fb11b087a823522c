import type { onRequestHookHandler } from 'fastify'
import { InvalidRequestError, ProxyError } from '../errors.ts'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/** Refuses a request without a `Host`, which HTTP/1.1 wants; Node would do so without a word to say why. */
export const requireHost: onRequestHookHandler = (request, _reply, done) => {
  const isMissing = request.headers.host === undefined && request.raw.httpVersion === '1.1'
  done(isMissing ? new InvalidRequestError('The request names no host.') : undefined)
}

/**
 * Refuses a foreign `Host`: a web page whose name was made to point at this machine (DNS rebinding) could otherwise
 * use a proxy that asks for no key.
 * @param hosts names without port that may be used; the loopback names when empty and `isLoopback`
 * @returns undefined when any name may be used
 */
export function requireAllowedHost (hosts: readonly string[], isLoopback: boolean): onRequestHookHandler | undefined {
  if (hosts.length === 0 && !isLoopback) return undefined
  const allowed = new Set([...hosts, ...(isLoopback ? LOOPBACK : [])].map(host => host.toLowerCase()))
  return (request, _reply, done) => {
    const name = (request.headers.host ?? '').toLowerCase().replace(/:\d*$/, '')
    if (allowed.has(name)) return done()
    done(new ProxyError('This host name may not be used to reach the proxy. Add it to ALLOWED_HOSTS if it is yours.', { status: 403, type: 'invalid_request_error', code: 'host_not_allowed' }))
  }
}
