import { setImmediate } from 'node:timers/promises'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { toAllocation } from './app/allocation.ts'
import { toAnswerCache } from './app/answer-cache.ts'
import { toEngine } from './app/engine.ts'
import { handleErrors, toBrokenBody } from './app/error-words.ts'
import { toEventFeed } from './app/events.ts'
import { hasLimits, toKeyLimits } from './app/key-limits.ts'
import { toMetrics, withAccounts } from './app/metrics.ts'
import { toRedis } from './app/redis.ts'
import { isKeyless, newServer, prepareServer } from './app/server.ts'
import { openStores } from './app/stores.ts'
import { toTraces } from './app/traces.ts'
import { openapi } from './http/page/openapi.ts'
import { KEEP_ALIVE_MS } from './http/replies/event-stream.ts'
import { eventsRoute } from './http/replies/events.ts'
import { health } from './http/replies/health.ts'
import { home } from './http/replies/home.ts'
import { metricsRoute } from './http/replies/metrics.ts'
import type { ModelSurvey } from './inference/model-survey.ts'
import type { RemoteImagesOptions } from './remote-images/remote-images.ts'
import type { AccountSettings, Settings } from './settings/schema.ts'
import type { Ledger } from './stores/ledger/ledger.ts'
import type { Limits } from './stores/limits/limits.ts'
import type { Redis } from './stores/redis/redis.ts'
import { anthropic } from './surfaces/anthropic/plugin.ts'
import { openai } from './surfaces/openai/plugin.ts'
import type { RequestReader } from './telemetry/ended-requests.ts'
import { newLogger } from './telemetry/logger.ts'
import type { PrimaryLink } from './telemetry/primary-link.ts'
import { REQUEST_LOG } from './telemetry/request-log.ts'
import { NO_ACCOUNT } from './usage/booking.ts'
import type { FreeAllocations } from './usage/free-allocations.ts'
import { toLedgerReader } from './usage/ledger-reader.ts'
import { usage } from './usage/route.ts'

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
  /** Gets the server before any route is added to it: the build describes all of them in a document. */
  beforeRoutes?: (app: FastifyInstance) => PromiseLike<unknown>
}

/**
 * The proxy, ready to listen or to be embedded. Closing it closes its connections to Cloudflare.
 * Never listens and never reads the environment.
 * @throws SettingsError when the store of responses cannot be opened, or what is at REDIS_URL cannot be used
 */
export async function buildApp (settings: Settings, parts: AppParts = {}): Promise<FastifyInstance> {
  const { logger = newLogger(settings), remoteImages = {}, readers: others = [], limits, link, keepAliveMs = KEEP_ALIVE_MS } = parts
  // First, because they may fail, and nothing else must then be left open.
  const shared = await toRedis(settings, logger)
  const given = { ...parts, redis: shared?.redis, values: shared?.values }
  const { store, ledger } = await openStores(settings, logger, given).catch(async (error: unknown) => {
    await shared?.close()
    throw error
  })
  const allocation = await toAllocation(settings, { ledger, link, logger, redis: shared?.redis })
  const { allocations } = allocation
  const several = settings.accounts && await openAccounts(settings, settings.accounts, { allocations, link, logger, redis: shared?.redis })
  const { list, models, workersAi } = several ?? toEngine(settings, logger)
  const facts = async () => several ? several.withOutages(await allocation.facts()) : await allocation.facts()
  const app = newServer(settings, logger, toBrokenBody)
  await parts.beforeRoutes?.(app)
  const countOpenAnswers = () => app.activeRequests.count
  const metrics = toMetrics(settings, { models, logger, link, countOpenAnswers, more: shared?.families.all })
  const feed = toEventFeed(settings, { models, link })
  const keyLimits = hasLimits(settings) ? await toKeyLimits({ settings, models, ledger, limits, redis: shared?.redis }) : undefined
  const ledgerReader = toLedgerReader(ledger, id => list.find(id), allocation.booked, several && NO_ACCOUNT)
  const optional = [metrics?.reader, feed?.reader, keyLimits?.settlement].filter(reader => reader !== undefined)
  const traces = await toTraces(settings, models, logger)
  // Before the log, whose lines have the ids of traces.
  const first = traces ? [traces.reader, REQUEST_LOG] : [REQUEST_LOG]
  await prepareServer(app, settings, [...first, ledgerReader, ...optional, ...others], keyLimits?.limitKeys)
  app.decorate('surveyModels', () => models.survey())
  handleErrors(app, models)
  home(app, settings.authMode === 'passthrough' ? 'token' : isKeyless(settings) ? 'nothing' : 'key', settings.page)
  if (settings.page) {
    const { page } = await import('./http/page/route.ts')
    page(app)
  }
  health(app)
  openapi(app)
  if (settings.metrics) metricsRoute(app, metrics && withAccounts(metrics, facts), settings.metricsPublic)
  eventsRoute(app, feed, keepAliveMs)
  const accounts = async () => (await facts()).map(({ state }) => state)
  usage(app, { ledger, accounts, budgets: () => keyLimits?.budgets() ?? new Map(), now: Date.now })
  const isEmbedding = (id: string) => list.find(id)?.task === 'text-embeddings'
  const answerCache = await toAnswerCache(settings, shared?.values)
  const freeNeurons = several ? several.guard : allocation.guard
  const services = { settings, workersAi, models, remoteImages, keepAliveMs, freeNeurons, answerCache }
  await app.register(openai, { ...services, store, ledger, isEmbedding })
  await app.register(anthropic, services)
  app.addHook('onClose', async () => {
    // Whoever left last is told of in the next turn.
    await setImmediate()
    metrics?.flush()
    const exported = traces?.close()
    await workersAi.close()
    await store.close()
    await ledger.close()
    await exported
    await keyLimits?.close()
    await allocation.close()
    await shared?.close()
  })
  // The first caller should not wait for the list, nor guess what Cloudflare could tell.
  app.addHook('onListen', done => {
    void list.current()
    done()
  })
  return app
}

interface SeveralParts {
  allocations: FreeAllocations
  link: PrimaryLink | undefined
  logger: FastifyBaseLogger
  redis: Redis | undefined
}

/** Several accounts that serve as one; what makes them is loaded only where there are any. */
async function openAccounts (settings: Settings, accounts: AccountSettings[], { allocations, link, logger, redis }: SeveralParts) {
  const { toAccountsEngine } = await import('./app/accounts.ts')
  const { toAccountStates } = await import('./app/account-states.ts')
  const states = await toAccountStates(accounts, { link, redis })
  return toAccountsEngine(settings, { accounts, allocations, states, logger })
}
