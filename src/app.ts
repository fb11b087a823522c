import underPressure from '@fastify/under-pressure'
import fastify, { LogController, type FastifyBaseLogger, type FastifyError, type FastifyInstance, type FastifyRequest } from 'fastify'
import { requireAllowedHost, requireHost } from './http/access/allowed-hosts.ts'
import { requireKey, requireOwnToken } from './http/access/auth.ts'
import { guardFigures, mayAnybodySeeAll } from './http/access/figures.ts'
import { BodyMemory } from './http/body/body-memory.ts'
import { BODY_SCHEMAS } from './http/body/body-schemas.ts'
import { clientErrorHandler } from './http/connections/client-error.ts'
import { errorHandler as anthropicErrorHandler, isBrokenAnthropic, isForAnthropic } from './surfaces/anthropic/error-handler.ts'
import { toErrorBody as toAnthropicErrorBody } from './surfaces/anthropic/errors.ts'
import { anthropic } from './surfaces/anthropic/plugin.ts'
import { errorHandler } from './surfaces/openai/error-handler.ts'
import { toErrorBody } from './surfaces/openai/errors.ts'
import { cutStalledClients } from './http/connections/stalled-clients.ts'
import { readJsonBodies } from './http/body/json-body.ts'
import { newLogger } from './telemetry/logger.ts'
import { sustainedPressure } from './http/connections/sustained-pressure.ts'
import { ActiveRequests, overloaded } from './http/connections/active-requests.ts'
import { closePipelinedResponses } from './http/connections/pipelined-responses.ts'
import { addVary } from './http/replies/vary.ts'
import { toRequestId } from './http/replies/request-id.ts'
import { readEndedRequests, type RequestReader } from './telemetry/ended-requests.ts'
import { newMetrics, type Metrics, type MetricsOptions } from './telemetry/metrics/metrics.ts'
import type { PrimaryLink } from './telemetry/primary-link.ts'
import { REQUEST_LOG } from './telemetry/request-log.ts'
import { toRoutableUrl } from './http/replies/request-url.ts'
import { closeIdleConnections } from './http/connections/idle-connections.ts'
import { refuseUnknownRoutes } from './http/replies/unknown-routes.ts'
import type { ModelSurvey } from './inference/model-survey.ts'
import type { RequestRecord } from './inference/request-record.ts'
import type { RemoteImagesOptions } from './remote-images/remote-images.ts'
import type { Ledger } from './stores/ledger/ledger.ts'
import { openLedger } from './stores/ledger/open.ts'
import type { Limits } from './stores/limits/limits.ts'
import { openStore } from './stores/responses/open.ts'
import type { ResponsesStore } from './stores/responses/store.ts'
import { KEEP_ALIVE_MS } from './http/replies/event-stream.ts'
import { health } from './http/replies/health.ts'
import { home } from './http/replies/home.ts'
import { newId } from './ids.ts'
import type { ProxyError } from './errors.ts'
import { metricsRoute } from './http/replies/metrics.ts'
import { Models } from './inference/models.ts'
import type { KeptResponse } from './surfaces/openai/responses/wire.ts'
import { openai } from './surfaces/openai/plugin.ts'
import type { Settings } from './settings/schema.ts'
import { toOriginRule } from './settings/origin-pattern.ts'
import { FreeAllocation, toAccountFigures, type FreeNeuronsFacts } from './usage/free-allocation.ts'
import { toLedgerReader } from './usage/ledger-reader.ts'
import { LinkedAllocation, LinkedLedger } from './usage/linked-usage.ts'
import { usage, type UsageServices } from './usage/route.ts'
import { toBill } from './workers-ai/models/price.ts'
import { WorkersAi } from './workers-ai/transport/client.ts'
import { ModelSchemas } from './workers-ai/models/model-schemas.ts'
import { ModelList, searchPage } from './workers-ai/models/model-list.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Lists the models, and says how it went when Cloudflare was asked for them. */
    surveyModels: () => Promise<ModelSurvey>
  }
}

export interface AppParts {
  /** Where lines go; pino to standard output by default. */
  logger?: FastifyBaseLogger
  /** How images are fetched, where the setting lets them be. */
  remoteImages?: Omit<RemoteImagesOptions, 'signal' | 'hold'>
  /** The way to the primary, where this is one of several processes. */
  link?: PrimaryLink | undefined
  /** Who else reads what became of each request. */
  readers?: readonly RequestReader[]
  /** What keys have used of `KEY_LIMITS` is kept here; in the memory of this process by default. */
  limits?: Limits
  /** Where what was used is added up; a ledger of its own by default. */
  ledger?: Ledger
  /** How long a stream may be silent before a comment is sent, in milliseconds; 15 s when absent. */
  keepAliveMs?: number
}

/**
 * The proxy, ready to listen or to be embedded. Closing it closes its connections to Cloudflare.
 * Never listens and never reads the environment.
 * @throws SettingsError when the store of responses cannot be opened
 */
export async function buildApp (settings: Settings, parts: AppParts = {}): Promise<FastifyInstance> {
  const { logger = newLogger(settings), remoteImages = {}, readers: others = [], limits, link, keepAliveMs = KEEP_ALIVE_MS } = parts
  // First, because it may fail, and nothing else must then be left open.
  const { store, ledger } = await openStores(settings, logger, parts)
  const { list, models, workersAi } = toEngine(settings, logger)
  const { freeNeuronsPerDay: limit, freeNeuronsGuard: guard } = settings
  const freeAllocation = new FreeAllocation({ limit, guard, now: Date.now, log: link ? SILENT : logger })
  const linked = link && new LinkedAllocation(link, freeAllocation)
  const freeNeurons = guard === 'off' ? undefined : freeAllocation
  await freeAllocation.recall(ledger)
  const app = newServer(settings, logger)
  const metrics = toMetrics(settings, { models, logger, link, countOpenAnswers: () => app.activeRequests.count })
  const keyLimits = hasLimits(settings) ? await toKeyLimits({ settings, models, ledger, limits }) : undefined
  const ledgerReader = toLedgerReader(ledger, id => list.find(id), linked ?? freeAllocation)
  const ours = [REQUEST_LOG, ...metrics ? [metrics.reader] : [], ledgerReader, ...keyLimits ? [keyLimits.settlement] : []]
  const readers: readonly RequestReader[] = [...ours, ...others]
  await prepare(app, settings, readers, keyLimits?.limitKeys)
  app.decorate('surveyModels', () => models.survey())
  // Of what no API serves, most is meant for OpenAI's.
  const [openaiErrors, anthropicErrors] = [errorHandler(models), anthropicErrorHandler(models)]
  app.setErrorHandler((error: FastifyError, request, reply) => {
    addVary(reply, 'anthropic-version')
    const tell = isForAnthropic(request) ? anthropicErrors : openaiErrors
    tell(error, request, reply)
  })
  home(app, settings.authMode === 'passthrough' ? 'token' : isKeyless(settings) ? 'nothing' : 'key')
  health(app)
  const facts = async () => linked ? await linked.facts() : freeAllocation.facts
  if (settings.metrics) metricsRoute(app, metrics && withAccounts(metrics, facts), settings.metricsPublic)
  const accounts = async () => [(await facts()).state]
  usage(app, { ledger, accounts, budgets: () => keyLimits?.budgets() ?? new Map(), now: Date.now })
  const isEmbedding = (id: string) => list.find(id)?.task === 'text-embeddings'
  const shared = { settings, workersAi, models, remoteImages, keepAliveMs, freeNeurons }
  await app.register(openai, { ...shared, store, ledger, isEmbedding })
  await app.register(anthropic, shared)
  app.addHook('onClose', async () => {
    metrics?.flush()
    await workersAi.close()
    await store.close()
    await ledger.close()
  })
  // The first caller should not wait for the list, nor guess what Cloudflare could tell.
  app.addHook('onListen', done => {
    void list.current()
    done()
  })
  return app
}

/** The primary logs for all. */
const SILENT = { warn: () => {} }

interface Stores {
  store: ResponsesStore<KeptResponse>
  ledger: Ledger
}

/** @throws SettingsError when the file of one cannot be opened; none is left open then */
async function openStores (settings: Settings, logger: FastifyBaseLogger, { ledger, link }: AppParts): Promise<Stores> {
  const store = await openStore<KeptResponse>(settings, Date.now)
  try {
    return { store, ledger: ledger ?? (link ? new LinkedLedger(link, Date.now) : await openLedger(settings, Date.now, logger)) }
  } catch (error) {
    await store.close()
    throw error
  }
}

/** What answers requests, whatever API they come by. */
function toEngine (settings: Settings, logger: FastifyBaseLogger): { list: ModelList, models: Models, workersAi: WorkersAi } {
  const workersAi = new WorkersAi({ ...toWorkersAiOptions(settings), userAgent: 'workers-ai-proxy' })
  const list = new ModelList({
    fetchPage: page => searchPage(workersAi, page),
    now: Date.now,
    onError: error => logger.warn({ reason: error instanceof Error ? error.message : 'unknown' }, 'Cloudflare did not list its models; the last known list is used')
  })
  const schemas = new ModelSchemas({
    fetchSchema: id => workersAi.getJson('/ai/models/schema', { model: id }),
    now: Date.now,
    onError: (error, id) => logger.debug({ model: id, reason: error instanceof Error ? error.message : 'unknown' }, 'no schema; the family is guessed')
  })
  return { list, models: new Models(list, settings, schemas), workersAi }
}

function newServer (settings: Settings, logger: FastifyBaseLogger): FastifyInstance {
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

/** The failure of what is no readable HTTP request, in the words of the API it seems to be meant for. */
function toBrokenBody (error: ProxyError, bytes: Buffer): object {
  return isBrokenAnthropic(bytes) ? toAnthropicErrorBody(error, newId('req_', 32)) : toErrorBody(error)
}

/** What is the same for every API: which requests are let in, how their bodies are read, how connections end. */
async function prepare (
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

function hasLimits ({ keyLimits }: Settings): boolean {
  return Object.keys(keyLimits).length > 0
}

interface KeyLimitsOptions {
  settings: Settings
  models: Models
  ledger: Pick<Ledger, 'read'>
  /** Kept elsewhere than in memory. */
  limits: Limits | undefined
}

interface KeyLimitsParts {
  limitKeys: (app: FastifyInstance) => void
  settlement: RequestReader
  budgets: UsageServices['budgets']
}

/** What limits keys, what settles requests that have ended, and what tells of budgets. */
async function toKeyLimits ({ settings, models, ledger, limits: given }: KeyLimitsOptions): Promise<KeyLimitsParts> {
  const { limitKeys, settlement } = await import('./http/access/key-limits.ts')
  const { toNamedKeys } = await import('./http/access/limited-keys.ts')
  const { toSpent } = await import('./inference/spent.ts')
  const { openLimits } = await import('./stores/limits/open.ts')
  const { toKeyBudgets } = await import('./usage/key-budgets.ts')
  const keys = toNamedKeys(settings)
  const limits = given ?? await openLimits(keys, ledger, Date.now)
  const spentOf = ({ calls }: RequestRecord) => toSpent(calls, id => models.byId(id))
  return {
    limitKeys: app => limitKeys(app, { settings, limits, toSpent: spentOf }),
    settlement: settlement(spentOf),
    budgets: () => toKeyBudgets(limits, keys)
  }
}

interface MetricsParts extends Pick<MetricsOptions, 'countOpenAnswers' | 'link'> {
  models: Models
  logger: FastifyBaseLogger
}

/** What counts requests; undefined where that is switched off, or where nobody may read it. */
function toMetrics (settings: Settings, { models, logger, link, countOpenAnswers }: MetricsParts): Metrics | undefined {
  if (!settings.metrics || !(settings.metricsPublic || mayAnybodySeeAll(settings))) return undefined
  return newMetrics({
    isListed: id => models.isListed(id),
    toBill: ({ model, neurons, usage, estimate }) => toBill(models.byId(model), { neurons, usage: usage ?? estimate }),
    countOpenAnswers,
    log: logger,
    link
  })
}

/** Metrics with the gauges of the account, which are loaded with the first scrape. */
function withAccounts (metrics: Metrics, facts: () => Promise<FreeNeuronsFacts>): Pick<Metrics, 'text'> {
  return {
    text: async () => {
      const { toAccountGauges } = await import('./telemetry/metrics/account-gauges.ts')
      const parts = await Promise.all([metrics.text(), facts().then(toAccountFigures).then(toAccountGauges)])
      return parts.join('')
    }
  }
}

/** Whether it asks how the server is, which is most wanted when that has too much to do. */
function isAboutTheServer ({ routeOptions: { config } }: FastifyRequest): boolean {
  return config.isHealthCheck === true || config.isScrape === true
}

/** Whether callers are served who have no key. */
function isKeyless ({ apiKeys, authMode }: Settings): boolean {
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

const EXPOSED_HEADERS = ['x-request-id', 'retry-after', 'retry-after-ms', 'x-should-retry', 'x-proxy-warnings', 'x-proxy-model', 'x-proxy-attempts', 'cf-ai-req-id', 'cf-ai-neurons', 'request-id', ...RATE_HEADERS]

/** One `*` alone gives every origin the same header, which caches may keep. */
function toOriginRules (origins: readonly string[]): string | Array<string | RegExp> {
  return origins.includes('*') ? '*' : origins.flatMap(origin => toOriginRule(origin) ?? [])
}

/** Where callers bring their tokens, the proxy's own token is not used. */
function toWorkersAiOptions ({ cloudflare, upstream, authMode, maxRetries, upstreamHeadersTimeoutMs, upstreamIdleTimeoutMs }: Settings) {
  return { ...cloudflare, ...(authMode === 'passthrough' && { apiToken: '' }), maxRetries, headersTimeoutMs: upstreamHeadersTimeoutMs, idleTimeoutMs: upstreamIdleTimeoutMs, isSimulator: upstream === 'simulator' }
}
