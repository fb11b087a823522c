import type { FastifyInstance, FastifyRequest } from 'fastify'
import { InvalidRequestError, quoted } from '../../errors.ts'
import { isOllamaPath, toOllamaAdvice } from './ollama-paths.ts'
import { toPlainPath } from '../../telemetry/logged-path.ts'

interface Route {
  method: string
  /** Matches the paths of requests. */
  paths: RegExp
}

/** Below every prefix that has it. */
const TRIED_BY_WEBSOCKET = /^(?:\/+openai)?(?:\/+v1)?\/+responses\/*$/

/**
 * Refuses what no route serves before its body is read, in the words api.openai.com uses: 404 for an unknown path, 405
 * with `allow` for a known one that does not take the method, 426 for the WebSocket that clients of the Responses API try
 * first: after that they go on by HTTP at once, while they try a 405 again and again. Knows the routes that are added after it was called, and
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
    if (isOllamaPath(request.url)) return done(new InvalidRequestError(toOllamaAdvice(request.method, quoted(toPlainPath(path))), { status: 404 }))
    const methods = new Set(routes.filter(({ paths }) => paths.test(path)).map(({ method }) => method))
    if (methods.size === 0) return done(new InvalidRequestError(`Invalid URL (${request.method} ${quoted(toPlainPath(path))})`, { status: 404 }))
    reply.header('allow', [...methods].join(', '))
    if (wantsWebSocket(request) && TRIED_BY_WEBSOCKET.test(path)) {
      reply.headers({ upgrade: 'HTTP/1.1', connection: 'upgrade' })
      return done(new InvalidRequestError(`There are no WebSockets on ${quoted(toPlainPath(path))}. POST to it by HTTP/1.1 instead.`, { status: 426 }))
    }
    done(new InvalidRequestError(`Not allowed to ${request.method} on ${quoted(toPlainPath(path))}. (HINT: Perhaps you meant to use a different HTTP method?)`, { status: 405 }))
  })
}

/** Node and Fastify serve a request that asks for an upgrade as any other, which HTTP lets a server do. */
function wantsWebSocket ({ method, headers }: FastifyRequest): boolean {
  return method === 'GET' && /\bwebsocket\b/i.test(headers.upgrade ?? '')
}

/** The paths a route's URL stands for, with as many slashes as the router passes over. */
function toPattern (url: string): RegExp {
  return new RegExp(`^${url.replaceAll('/', '/+').replaceAll(/:\w+/g, '[^/]+').replaceAll('*', '.*')}/*$`)
}
