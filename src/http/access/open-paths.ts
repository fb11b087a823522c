import type { FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route is open to everybody: by its nature, or because a setting says so. */
    isPublic?: boolean
  }
}

/** What browsers ask for by themselves, and the page with its files; behind a server's name, where one was sent. */
const PAGE = /^(?:https?:\/\/[^/?#]+)?(?:\/|\/favicon\.ico|\/robots\.txt|\/ui(?:\/(?:[\w-]+\.[\w.-]+)?)?)?(?:\?|$)/i

/**
 * Whether a request is answered without a key: it is a health check, a route that is open to everybody, or a `GET` or `HEAD`
 * of a page, by the very path.
 * Nothing else is, known or not; what is spelt in another way is not the same path.
 */
export function isOpenToAll ({ method, originalUrl, routeConfig }: Pick<FastifyRequest, 'method' | 'originalUrl' | 'routeConfig'>): boolean {
  if (routeConfig.isHealthCheck || routeConfig.isPublic) return true
  return (method === 'GET' || method === 'HEAD') && PAGE.test(originalUrl) && PAGES.includes(routeConfig.url ?? '')
}

const PAGES = ['/', '/favicon.ico', '/robots.txt', '/ui', '/ui/*']
