import underPressure from '@fastify/under-pressure'
import fastify, { LogController, type FastifyBaseLogger, type FastifyInstance, type FastifyRequest } from 'fastify'
import type { ProxyError } from '../errors.ts'
import { requireAllowedHost, requireHost } from '../http/access/allowed-hosts.ts'
import { requireKey, requireOwnToken } from '../http/access/auth.ts'
import { guardFigures } from '../http/access/figures.ts'
import { BodyMemory } from '../http/body/body-memory.ts'
import { BODY_SCHEMAS } from '../http/body/body-schemas.ts'
import { readJsonBodies } from '../http/body/json-body.ts'
import { ActiveRequests, overloaded } from '../http/connections/active-requests.ts'
import { clientErrorHandler } from '../http/connections/client-error.ts'
import { closeIdleConnections } from '../http/connections/idle-connections.ts'
import { closePipelinedResponses } from '../http/connections/pipelined-responses.ts'
import { cutStalledClients } from '../http/connections/stalled-clients.ts'
import { sustainedPressure } from '../http/connections/sustained-pressure.ts'
import { toRequestId } from '../http/replies/request-id.ts'
import { toRoutableUrl } from '../http/replies/request-url.ts'
import { refuseUnknownRoutes } from '../http/replies/unknown-routes.ts'
import { toOriginRule } from '../settings/origin-pattern.ts'
import type { Settings } from '../settings/schema.ts'
import { readEndedRequests, type RequestReader } from '../telemetry/ended-requests.ts'

/**
 * A server without routes.
 * @param toBrokenBody the body of the answer to what is no readable HTTP request
 */
export function newServer (
  settings: Settings,
  logger: FastifyBaseLogger,
  toBrokenBody: (error: ProxyError, bytes: Buffer) => object
): FastifyInstance {
  return fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: settings.bodyLimitBytes,
    genReqId: toRequestId,
    requestIdHeader: false,
    rewriteUrl: toRoutableUrl,
    clientErrorHandler: clientErrorHandler(logger, toBrokenBody),
    forceCloseConnections: 'idle',
    // One that drips in would otherwise hold its connection for as long as it likes.
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, connectionsCheckingInterval: TIMEOUT_CHECK_MS, requireHostHeader: false },
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: MAX_URL_LENGTH },
    schemaController: BODY_SCHEMAS
  })
}

/** What is the same for every API: which requests are let in, how their bodies are read, how connections end. */
export async function prepareServer (
  app: FastifyInstance,
  settings: Settings,
  readers: readonly RequestReader[],
  limitKeys?: (app: FastifyInstance) => void
): Promise<void> {
  // Fastify also reads plain text, which a web page may post to any server without asking.
  app.removeContentTypeParser('text/plain')
  // First, because whatever is refused later is noted in the request's record.
  readEndedRequests(app, readers)
  app.decorate('activeRequests', new ActiveRequests(settings.maxStreams))
  app.decorateRequest('apiToken', undefined)
  app.decorateRequest('caller', undefined)
  app.decorateRequest('modelChange', undefined)
  app.decorateRequest('allowance', undefined)
  app.decorateRequest('nativeFrames', undefined)
  const isLasting = sustainedPressure(Date.now)
  await app.register(underPressure, {
    maxEventLoopDelay: MAX_EVENT_LOOP_DELAY_MS,
    pressureHandler: request => { if (!isAboutTheServer(request) && isLasting()) throw overloaded() }
  })
  closeIdleConnections(app)
  // Node would refuse what it does not know of it, without a word; an expectation may as well be passed over.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  closePipelinedResponses(app)
  cutStalledClients(app, settings.clientIdleTimeoutMs)
  readJsonBodies(app, new BodyMemory(settings.maxBodyMemoryBytes))
  if (settings.corsOrigins.length > 0) {
    const { default: cors } = await import('@fastify/cors')
    await app.register(cors, {
      origin: toOriginRules(settings.corsOrigins),
      exposedHeaders: EXPOSED_HEADERS,
      maxAge: 86_400,
      strictPreflight: false
    })
  }
  app.addHook('onRequest', requireHost)
  const hostRule = requireAllowedHost(settings.allowedHosts, isKeyless(settings) ? settings.host : undefined)
  if (hostRule) app.addHook('onRequest', hostRule)
  const keyRule = settings.authMode === 'passthrough' ? requireOwnToken(settings.adminKeys) : requireKey(settings.apiKeys, settings.adminKeys)
  if (keyRule) app.addHook('onRequest', keyRule)
  limitKeys?.(app)
  guardFigures(app, settings)
  refuseUnknownRoutes(app)
}

/** Whether it asks how the server is, which is most wanted when that has too much to do. */
function isAboutTheServer ({ routeConfig: config }: FastifyRequest): boolean {
  return config.isHealthCheck === true || config.isScrape === true
}

/** Whether callers are served who have no key. */
export function isKeyless ({ apiKeys, authMode }: Settings): boolean {
  return apiKeys.length === 0 && authMode !== 'passthrough'
}

/** Beyond it the server is so late with everything that new callers are better served elsewhere. */
const MAX_EVENT_LOOP_DELAY_MS = 5_000

/** Node takes no longer ones. Fastify answers a longer parameter by itself, and asks no hook for a key. */
const MAX_URL_LENGTH = 16_384

/** For a whole request to arrive, and for its headers; and how often that is looked at. */
const REQUEST_TIMEOUT_MS = 40_000
const HEADERS_TIMEOUT_MS = 20_000
const TIMEOUT_CHECK_MS = 2_000

const RATE_HEADERS = ['limit', 'remaining', 'reset'].flatMap(what => ['requests', 'tokens'].flatMap(
  of => [`x-ratelimit-${what}-${of}`, `anthropic-ratelimit-${of}-${what}`]
))

const EXPOSED_HEADERS = ['x-request-id', 'retry-after', 'retry-after-ms', 'x-should-retry', 'x-proxy-warnings', 'x-proxy-model', 'x-proxy-attempts', 'x-proxy-account', 'x-proxy-cache', 'age', 'cf-ai-req-id', 'cf-ai-neurons', 'request-id', ...RATE_HEADERS]

/** One `*` alone gives every origin the same header, which caches may keep. */
function toOriginRules (origins: readonly string[]): string | Array<string | RegExp> {
  return origins.includes('*') ? '*' : origins.flatMap(origin => toOriginRule(origin) ?? [])
}
