import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { NativeError, toFailureEnvelope } from './errors.ts'
import { toListing, toSchemas, type ListingQuery } from './listing.ts'
import { serveRun, type RecordedRequest, type RunState } from './run-route.ts'

export interface SimulatorOptions {
  /** 0 for any free port. */
  port?: number
  host?: string
  /** The pace of streams, and of plain answers, which wait as long as a stream would take; 0 for as fast as possible. */
  tokensPerSecond?: number
  accountId?: string
  apiToken?: string
  /** Whether the token may list models; tokens that may run them often may not. */
  mayList?: boolean
  /** Whether models run on after their last day, or are refused with 5028 as Cloudflare refuses them. They are never listed then. */
  retiredModels?: 'serve' | 'refuse'
  /** Words every message is taken to begin with, e.g. `fail with code 4006`: orders for clients whose messages are their own. */
  order?: string
  /** How long the network takes to bring a request here, in milliseconds. */
  delayMs?: number
  /** Unix time in milliseconds; decides which models are past their last day, and dates the answers. */
  now?: () => number
}

/** A running simulator of Workers AI. */
export interface Simulator {
  /** Stands in for `https://api.cloudflare.com/client/v4`. */
  readonly url: string
  /** Stands in for `https://gateway.ai.cloudflare.com/v1`; any gateway id is taken. */
  readonly gatewayUrl: string
  readonly port: number
  readonly accountId: string
  readonly apiToken: string
  /** The last 100 runs asked for, oldest first, those that were refused among them. */
  readonly requests: readonly RecordedRequest[]
  /** Streams whose answer is not over. */
  readonly openStreams: number
  /** Ends every connection, open streams included, and frees the port. */
  close: () => Promise<void>
}

type State = Required<SimulatorOptions> & RunState

const MAX_BODY_BYTES = 128 * 1024 * 1024

/**
 * Starts a Workers AI of our own: it speaks Cloudflare's native protocol, quirks included, without models, account or network.
 * The same request gets the same answer; the words a message begins with may order another one (see `SCRIPTS`).
 */
export async function startSimulator (options: SimulatorOptions = {}): Promise<Simulator> {
  const state: State = {
    port: 0,
    host: '127.0.0.1',
    tokensPerSecond: 0,
    accountId: 'simulator',
    apiToken: 'simulator',
    mayList: true,
    retiredModels: 'serve',
    order: '',
    delayMs: 0,
    now: Date.now,
    ...options,
    requests: [],
    openStreams: 0,
    failures: new Map()
  }
  const app = buildSimulator(state)
  await app.listen({ port: state.port, host: state.host })
  const { port } = app.server.address() as AddressInfo
  const origin = `http://${state.host}:${port}`
  return {
    url: `${origin}/client/v4`,
    gatewayUrl: `${origin}/v1`,
    port,
    accountId: state.accountId,
    apiToken: state.apiToken,
    requests: state.requests,
    get openStreams () { return state.openStreams },
    close: () => app.close()
  }
}

function buildSimulator (state: State): FastifyInstance {
  let count = 0
  const app = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    forceCloseConnections: true,
    genReqId: () => `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`
  })
  // Cloudflare reads JSON under any content type, and under none
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))

  app.addHook('onRequest', async (request, reply) => {
    if (state.delayMs > 0) await sleep(state.delayMs)
    reply.header('cf-ray', `${request.id.slice(-12).padStart(16, '0')}-SIM`)
  })
  app.setNotFoundHandler(() => { throw new NativeError(7000) })
  app.setErrorHandler((error, request, reply) => {
    const failure = toNativeError(error)
    return reply.code(failure.status).send(toFailureEnvelope(failure, request.id))
  })

  app.register(async api => {
    api.addHook('onRequest', async request => refuseStrangers(request, state))
    api.post('/run/*', (request, reply) => serveRun(request, reply, state))
    api.get('/run/*', () => { throw new NativeError(7001, { message: 'Method GET not available for that URI.', status: 405, origin: 'edge' }) })
    api.register(async models => {
      models.addHook('onRequest', async () => { if (!state.mayList) throw new NativeError(10000) })
      models.get<{ Querystring: ListingQuery }>('/search', async ({ query }) => toListing(query, state.now()))
      models.get<{ Querystring: { model?: string } }>('/schema', async ({ query }) => toSchemas(query.model))
    }, { prefix: '/models' })
  }, { prefix: '/client/v4/accounts/:account/ai' })

  app.register(async gateway => {
    gateway.addHook('onRequest', async (request, reply) => {
      refuseStrangers(request, state)
      reply.headers({ 'cf-aig-log-id': request.id, 'cf-aig-cache-status': 'MISS' })
    })
    gateway.post('/*', (request, reply) => serveRun(request, reply, state))
  }, { prefix: '/v1/:account/:gateway/workers-ai' })
  return app
}

function toNativeError (error: unknown): NativeError {
  if (error instanceof NativeError) return error
  if ((error as { code?: string }).code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new NativeError(3006)
  return new NativeError(1000)
}

function refuseStrangers ({ params, headers, url }: FastifyRequest, { accountId, apiToken }: State): void {
  if ((params as { account: string }).account !== accountId) {
    throw new NativeError(7003, { message: `Could not route to ${url.split('?')[0]}, perhaps your object identifier is invalid?` })
  }
  const { authorization = 'Bearer ' } = headers
  if (!authorization.startsWith('Bearer ')) throw new NativeError(6003)
  if (authorization !== `Bearer ${apiToken}`) throw new NativeError(10000)
}
