import type { FastifyRequest } from 'fastify'
import { isHealthCheck } from './health-check.ts'

/** What browsers ask for by themselves, and the page that says what this is. */
const PAGES: readonly string[] = ['/', '/favicon.ico', '/robots.txt']

/**
 * Whether a request is answered without a key: it is a health check, or a `GET` or `HEAD` of a page, by the very path.
 * Nothing else is, known or not; what is spelt in another way is not the same path.
 */
export function isOpenToAll ({ method, url, routeOptions }: Pick<FastifyRequest, 'method' | 'url' | 'routeOptions'>): boolean {
  if (isHealthCheck(routeOptions.url)) return true
  const [path = ''] = url.split('?', 1)
  return (method === 'GET' || method === 'HEAD') && PAGES.includes(path) && path === routeOptions.url
}
