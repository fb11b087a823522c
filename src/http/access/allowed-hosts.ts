import { isIPv4, isIPv6 } from 'node:net'
import type { onRequestHookHandler } from 'fastify'
import { InvalidRequestError, ProxyError } from '../../errors.ts'

/** Names that no web site can have: without a dot, or below a reserved top-level domain (RFC 6761, RFC 6762, ICANN's `internal`). */
const LOCAL_NAME = /^(?:[a-z0-9_-]+|(?:[a-z0-9_-]+\.)+(?:localhost|local|internal))$/

/** Refuses a request without `Host`, which HTTP/1.1 requires; Node would refuse it without an explanation. */
export const requireHost: onRequestHookHandler = (request, _reply, done) => {
  const isMissing = request.headers.host === undefined && request.raw.httpVersion === '1.1'
  done(isMissing ? new InvalidRequestError('The request names no host.') : undefined)
}

/**
 * Refuses a foreign `Host`: a web page whose name was made to point here (DNS rebinding) could otherwise use a proxy that
 * asks for no key. An address or a local name is no page's own, so those pass, as probes and neighbours send them.
 * @param hosts names without port that may be used
 * @param keylessHost the address to listen on, of a server that asks for no key; undefined of one that does
 * @returns undefined when any name may be used
 */
export function requireAllowedHost (hosts: readonly string[], keylessHost: string | undefined): onRequestHookHandler | undefined {
  const isKeyless = keylessHost !== undefined
  if (hosts.length === 0 && !isKeyless) return undefined
  const allowed = new Set([...hosts, ...(isKeyless ? [keylessHost] : [])].map(toSentName))
  return (request, _reply, done) => {
    const name = (request.headers.host ?? '').toLowerCase().replace(/:\d*$/, '')
    if (allowed.has(name) || (isKeyless && isNoSite(name))) return done()
    done(new ProxyError('This host name may not be used to reach the proxy. Add it to ALLOWED_HOSTS if it is yours.', { status: 403, type: 'invalid_request_error', code: 'host_not_allowed' }))
  }
}

/** The host in the form of a `Host` header, which differs from other notations of IPv6 addresses. */
function toSentName (host: string): string {
  const url = `http://${isIPv6(host) ? `[${host}]` : host}`
  return URL.canParse(url) ? new URL(url).hostname : host.toLowerCase()
}

function isNoSite (name: string): boolean {
  return isIPv4(name) || (name.startsWith('[') && name.endsWith(']') && isIPv6(name.slice(1, -1))) || LOCAL_NAME.test(name)
}
