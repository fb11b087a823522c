import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isOllamaPath } from './ollama-paths.ts'
import { toPlainPath } from '../../telemetry/logged-path.ts'

/** Why no route serves a request: its path is unknown, or one of Ollama's API, its method is not for it, or it asks for a WebSocket. */
const STATUSES = { path: 404, ollama: 404, method: 405, websocket: 426 } as const

/** No route serves a request. The surface words the error. */
export class UnservedRouteError extends Error {
  override name = 'UnservedRouteError'
  readonly what: keyof typeof STATUSES
  readonly status: typeof STATUSES[keyof typeof STATUSES]
  readonly method: string
  /** Without its query, and shortened for a message. */
  readonly path: string

  constructor (what: keyof typeof STATUSES, method: string, path: string) {
    super(`no route serves it (${what})`)
    this.what = what
    this.status = STATUSES[what]
    this.method = method
    this.path = path
  }
}

interface Route {
  method: string
  /** Matches the paths of requests. */
  paths: RegExp
}

/** Below every prefix that has it. */
const TRIED_BY_WEBSOCKET = /^(?:\/+openai)?(?:\/+v1)?\/+responses\/*$/

/**
 * Refuses what no route serves before its body is read, by an `UnservedRouteError`: 404 for an unknown path, 405
 * with `allow` for a known one that does not take the method, 426 for the WebSocket that clients of the Responses API try
 * first. After a 426 they continue with HTTP at once, but they retry after a 405. It covers the routes that are added after this
 * call, and runs after earlier hooks.
 */
export function refuseUnknownRoutes (app: FastifyInstance): void {
  const routes: Route[] = []
  app.addHook('onRoute', ({ method, url }) => {
    routes.push(...[method].flat().map(one => ({ method: one, paths: toPattern(url) })))
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done()
    const path = request.originalUrl.split('?')[0] ?? ''
    const unserved = (what: UnservedRouteError['what']) => done(new UnservedRouteError(what, request.method, toPlainPath(path)))
    if (isOllamaPath(request.url)) return unserved('ollama')
    const methods = new Set(routes.filter(({ paths }) => paths.test(path)).map(({ method }) => method))
    if (methods.size === 0) return unserved('path')
    reply.header('allow', [...methods].join(', '))
    if (!wantsWebSocket(request) || !TRIED_BY_WEBSOCKET.test(path)) return unserved('method')
    reply.headers({ upgrade: 'HTTP/1.1', connection: 'upgrade' })
    unserved('websocket')
  })
}

/** Node and Fastify serve a request with `upgrade` like any other, as HTTP allows. */
function wantsWebSocket ({ method, headers }: FastifyRequest): boolean {
  return method === 'GET' && /\bwebsocket\b/i.test(headers.upgrade ?? '')
}

/** A pattern for the paths of a route, with the repeated slashes that the router ignores. */
function toPattern (url: string): RegExp {
  return new RegExp(`^${url.replaceAll('/', '/+').replaceAll(/:\w+/g, '[^/]+').replaceAll('*', '.*')}/*$`)
}
