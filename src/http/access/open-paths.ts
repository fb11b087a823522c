import type { FastifyRequest } from 'fastify'

/** What browsers ask for by themselves, and the page that says what this is; behind a server's name, where one was sent. */
const PAGE = /^(?:https?:\/\/[^/?#]+)?(?:\/|\/favicon\.ico|\/robots\.txt)?(?:\?|$)/i

/**
 * Whether a request is answered without a key: it is a health check, or a `GET` or `HEAD` of a page, by the very path.
 * Nothing else is, known or not; what is spelt in another way is not the same path.
 */
export function isOpenToAll ({ method, originalUrl, routeOptions }: Pick<FastifyRequest, 'method' | 'originalUrl' | 'routeOptions'>): boolean {
  if (routeOptions.config.isHealthCheck) return true
  return (method === 'GET' || method === 'HEAD') && PAGE.test(originalUrl) && PAGES.includes(routeOptions.url ?? '')
}

const PAGES = ['/', '/favicon.ico', '/robots.txt']
