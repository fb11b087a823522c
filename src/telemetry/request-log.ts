import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ProxyError, UpstreamError } from '../errors.ts'
import type { Usage } from '../generation/event.ts'
import { toLoggedPath } from './logged-path.ts'

/**
 * What one request is remembered by: the fields of its log line. Never content, never a key. It has all of them from the
 * beginning: an object that grows is moved in memory time and again.
 */
class Report {
  /** Name of the key that was used, never the key. */
  key?: string
  model?: string | undefined
  served?: string
  stream?: boolean
  attempts?: number
  /** HTTP status Cloudflare began its answer with. */
  upstreamStatus?: number
  /** Milliseconds until the first piece of the answer. */
  firstTokenMs?: number
  finishReason?: string
  usage?: Usage | undefined
  changes?: string | undefined
  error?: Error
  /** What the caller was told of it, where an answer had not begun. */
  told?: unknown
}

declare module 'fastify' {
  interface FastifyRequest { report: Report }
  interface FastifyContextConfig {
    /** Machines ask it that watch over the server: it is open to all, never shed, not logged. */
    isHealthCheck?: boolean
  }
}

/** One line per request, written when its answer has ended or its client has left; health checks are not logged. */
export function logRequests (app: FastifyInstance): void {
  app.decorateRequest('report')
  app.addHook('onRequest', (request, reply, done) => {
    request.report = new Report()
    reply.header('x-request-id', request.id)
    if (request.routeOptions.config.isHealthCheck) return done()
    // Of a client that leaves once its request is read, Fastify tells no hook.
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) request.log.info({ ...toLine(request, 499, reply.elapsedTime), aborted: true }, 'client gone')
    })
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    if (!request.routeOptions.config.isHealthCheck) request.log.info(toLine(request, reply.statusCode, reply.elapsedTime), 'request')
    done()
  })
}

function toLine ({ method, routeOptions, report, url }: FastifyRequest, status: number, elapsedMs: number): Record<string, unknown> {
  const upstream = report.error && [report.error, report.error.cause].find(error => error instanceof UpstreamError)
  const upstreamStatus = report.upstreamStatus ?? upstream?.status
  const attempts = report.attempts ?? upstream?.attempts
  // pino leaves out what is undefined; an object whose members differ from line to line would be slow to make and to read.
  return {
    method,
    route: routeOptions.url ?? 'unknown',
    path: routeOptions.url === undefined ? toLoggedPath(url) : undefined,
    status,
    ms: Math.round(elapsedMs),
    key: report.key,
    firstTokenMs: report.firstTokenMs,
    finishReason: report.finishReason,
    model: report.model?.slice(0, 200),
    served: report.served,
    stream: report.stream,
    attempts,
    promptTokens: report.usage?.promptTokens,
    completionTokens: report.usage?.completionTokens,
    changes: report.changes,
    error: report.error && toLoggedFailure(report.error, report.told),
    upstreamStatus,
    upstreamCode: upstream?.code,
    upstreamKind: upstream?.kind
  }
}

/** What a caller can mend is told in the words it was told in, but for what they quote. */
function toLoggedFailure (error: Error, told: unknown): object {
  if (!(told instanceof ProxyError) || told.status >= 500) return { name: error.name }
  return { name: error instanceof UpstreamError ? error.name : told.name, ...told.toLogged() }
}
