import { ProxyError, UpstreamError } from '../errors.ts'
import type { EndedRequest, RequestReader } from './ended-requests.ts'
import { toLoggedPath } from './logged-path.ts'

/** Logs one line per request; of scrapes only for those that fail. */
export const REQUEST_LOG: RequestReader = {
  name: 'log',
  read: ended => {
    if (ended.request.routeConfig.isScrape && ended.status < 400) return
    ended.request.log.info(toLine(ended), ended.isAborted ? 'client gone' : 'request')
  }
}

function toLine ({ record, request: { url }, route, method, status, elapsedMs, isAborted }: EndedRequest): Record<string, unknown> {
  const upstream = record.error && [record.error, record.error.cause].find(error => error instanceof UpstreamError)
  const upstreamStatus = record.upstreamStatus ?? upstream?.status
  const attempts = record.attempts ?? upstream?.attempts
  // pino leaves out what is undefined; an object whose members differ from line to line would be slow to make and to read.
  return {
    method,
    route,
    path: route === 'unknown' ? toLoggedPath(url) : undefined,
    status,
    ms: Math.round(elapsedMs),
    key: record.key,
    firstTokenMs: record.firstTokenMs,
    finishReason: record.finishReason,
    model: record.model?.slice(0, 200),
    served: record.servedModel,
    stream: record.stream,
    attempts,
    cache: record.cache,
    promptTokens: record.usage?.promptTokens,
    completionTokens: record.usage?.completionTokens,
    neurons: record.neurons,
    account: record.account,
    changes: record.changes,
    error: record.error && toLoggedFailure(record.error, record.told),
    upstreamStatus,
    upstreamCode: upstream?.code,
    upstreamKind: upstream?.kind,
    aborted: isAborted || undefined,
    // The names that OpenTelemetry gives them in logs of other formats.
    trace_id: record.traceId,
    span_id: record.spanId
  }
}

/** For a 4xx, the error as the client received it, without quoted text. For other failures, only the name. */
function toLoggedFailure (error: Error, told: unknown): object {
  if (!(told instanceof ProxyError) || told.status >= 500) return { name: error.name }
  return { name: error instanceof UpstreamError ? error.name : told.name, ...told.toLogged() }
}
