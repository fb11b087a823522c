import type { FastifyInstance } from 'fastify'
import { InvalidRequestError } from '../errors.ts'

interface Route {
  method: string
  /** Matches the paths of requests. */
  paths: RegExp
}

/**
 * Refuses what no route serves before its body is read, in the words api.openai.com uses: 404 for an unknown path, 405
 * with `allow` for a known one that does not take the method. Knows the routes that are added after it was called, and
 * refuses what the hooks before it have let pass.
 */
export function refuseUnknownRoutes (app: FastifyInstance): void {
  const routes: Route[] = []
  app.addHook('onRoute', ({ method, url }) => {
    routes.push(...[method].flat().map(one => ({ method: one, paths: toPattern(url) })))
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done()
    const path = request.originalUrl.split('?')[0] ?? ''
    const methods = routes.filter(({ paths }) => paths.test(path)).map(({ method }) => method)
    if (methods.length === 0) return done(new InvalidRequestError(`Invalid URL (${request.method} ${clean(path)})`, { status: 404 }))
    reply.header('allow', methods.join(', '))
    done(new InvalidRequestError(`Not allowed to ${request.method} on ${clean(path)}. (HINT: Perhaps you meant to use a different HTTP method?)`, { status: 405 }))
  })
}

/** The paths a route's URL stands for, with as many slashes as the router passes over. */
function toPattern (url: string): RegExp {
  return new RegExp(`^${url.replaceAll('/', '/+').replaceAll(/:\w+/g, '[^/]+').replaceAll('*', '.*')}/*$`)
}

function clean (path: string): string {
  return path.replaceAll(/[^\w./%@:-]/g, '?').slice(0, 200)
}
