import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ProxyError, UpstreamError } from '../errors.ts'
import { RequestRecord } from '../inference/request-record.ts'
import { toLoggedPath } from './logged-path.ts'

declare module 'fastify' {
  interface FastifyRequest { record: RequestRecord }
  interface FastifyContextConfig {
    /** Liveness and readiness probes: open to all, never shed, not logged. */
    isHealthCheck?: boolean
  }
}

/** Logs one line per request, when its answer has ended or its client has disconnected. Health checks are not logged. */
export function logRequests (app: FastifyInstance): void {
  app.decorateRequest('record')
  app.addHook('onRequest', (request, reply, done) => {
    request.record = new RequestRecord()
    reply.header('x-request-id', request.id)
    if (request.routeOptions.config.isHealthCheck) return done()
    // Fastify calls no hook when a client disconnects after its request was read.
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

function toLine ({ method, routeOptions, record, url }: FastifyRequest, status: number, elapsedMs: number): Record<string, unknown> {
  const upstream = record.error && [record.error, record.error.cause].find(error => error instanceof UpstreamError)
  const upstreamStatus = record.upstreamStatus ?? upstream?.status
  const attempts = record.attempts ?? upstream?.attempts
  // pino leaves out what is undefined; an object whose members differ from line to line would be slow to make and to read.
  return {
    method,
    route: routeOptions.url ?? 'unknown',
    path: routeOptions.url === undefined ? toLoggedPath(url) : undefined,
    status,
    ms: Math.round(elapsedMs),
    key: record.key,
    firstTokenMs: record.firstTokenMs,
    finishReason: record.finishReason,
    model: record.model?.slice(0, 200),
    served: record.servedModel,
    stream: record.stream,
    attempts,
    promptTokens: record.usage?.promptTokens,
    completionTokens: record.usage?.completionTokens,
    neurons: record.neurons,
    account: record.account,
    changes: record.changes,
    error: record.error && toLoggedFailure(record.error, record.told),
    upstreamStatus,
    upstreamCode: upstream?.code,
    upstreamKind: upstream?.kind
  }
}

/** For a 4xx, the error as the client received it, without quoted text. For other failures, only the name. */
function toLoggedFailure (error: Error, told: unknown): object {
  if (!(told instanceof ProxyError) || told.status >= 500) return { name: error.name }
  return { name: error instanceof UpstreamError ? error.name : told.name, ...told.toLogged() }
}
