import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { RequestRecord, type CallDetail } from '../inference/request-record.ts'
import { toLoggedError } from './logger.ts'

declare module 'fastify' {
  interface FastifyRequest {
    record: RequestRecord
    /** What its route says of itself. Fastify makes a new object each time it is asked for `routeOptions`, of which this is a part. */
    routeConfig: FastifyRequest['routeOptions']['config']
  }
  interface FastifyContextConfig {
    /** Liveness and readiness probes: open to all, never shed; they have no record and no reader. */
    isHealthCheck?: boolean
    /** What a scraper of figures asks: in no figure, and in the log only when it fails. */
    isScrape?: boolean
    /** An answer without an end, which its client leaves as it should. */
    isEndless?: boolean
    /** A page for a browser, or a file of one: in no figure. */
    isPageFile?: boolean
  }
}

/** A request that has ended, and what is known of it. Nothing of it changes any more. */
export interface EndedRequest {
  readonly record: RequestRecord
  /** For its id, its log and its path. What it brought is a client's: no figure may be made of it. */
  readonly request: FastifyRequest
  /** The pattern of the route, or `unknown`. */
  readonly route: string
  readonly method: string
  /** 499 when the client left before its answer was complete. */
  readonly status: number
  /** From its arrival to the last byte, or to the moment the client left; milliseconds. */
  readonly elapsedMs: number
  /** The client left before its answer was complete. */
  readonly isAborted: boolean
  /** Whether it is a use of the proxy, and no scrape or page. */
  readonly isCounted: boolean
}

/** Makes something of ended requests: a log line, a figure, a booking. */
export interface RequestReader {
  /** Names it in the log when it fails. */
  readonly name: string
  /** It reads `record.calls`, which are noted only where somebody does. */
  readonly readsCalls?: boolean
  /** How much of each call it reads; its bill when absent. */
  readonly detail?: CallDetail
  /** Called once for each request, after its last byte. Must not wait for anything. */
  readonly read: (ended: EndedRequest) => void
}

/**
 * Gives every request its record, and calls each reader once with it when the request has ended: served, refused, failed or
 * abandoned. Health checks have no reader.
 */
export function readEndedRequests (app: FastifyInstance, readers: readonly RequestReader[]): void {
  const readsCalls = readers.some(reader => reader.readsCalls)
  const detail = (['content', 'facts'] as const).find(wanted => readers.some(reader => reader.detail === wanted))
  app.decorateRequest('record')
  app.decorateRequest('routeConfig')
  app.addHook('onRequest', (request, reply, done) => {
    request.record = new RequestRecord(readsCalls ? [] : undefined, detail)
    const { config } = request.routeOptions
    request.routeConfig = config
    request.record.route = config.url ?? 'unknown'
    reply.header('x-request-id', request.id)
    if (config.isHealthCheck) return done()
    // Fastify calls no hook when a client disconnects after its request was read; Node emits this in every case, once.
    reply.raw.once('close', () => {
      if (reply.raw.writableFinished) return tell(readers, reply, reply.elapsedTime, false)
      const { elapsedTime } = reply
      // What was under way for a client that has left ends now, and notes how in the same turn.
      setImmediate(() => tell(readers, reply, elapsedTime, true))
    })
    done()
  })
}

function tell (readers: readonly RequestReader[], { request, statusCode }: FastifyReply, elapsedMs: number, hasLeft: boolean): void {
  const { record, method, routeConfig: config } = request
  const isAborted = hasLeft && config.isEndless !== true
  const ended: EndedRequest = {
    record,
    request,
    route: record.route,
    method,
    status: isAborted ? 499 : statusCode,
    elapsedMs,
    isAborted,
    isCounted: config.isScrape !== true && config.isPageFile !== true
  }
  for (const reader of readers) {
    try {
      reader.read(ended)
    } catch (error) {
      request.log.error({ reader: reader.name, err: toLoggedError(error) }, 'a reader of ended requests has failed')
    }
  }
}
