import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { relayAccountStates } from '../app/account-states.ts'
import { toRedis } from '../app/redis.ts'
import { tellOfStores } from '../app/stores.ts'
import { StartError } from '../errors.ts'
import { isForPerson, toLoggedError } from '../telemetry/logger.ts'
import type { ModelSurvey } from '../inference/model-survey.ts'
import type { Ledger } from '../stores/ledger/ledger.ts'
import { openLedger } from '../stores/ledger/open.ts'
import type { Redis } from '../stores/redis/redis.ts'
import { openStore } from '../stores/responses/open.ts'
import type { Settings } from '../settings/schema.ts'
import { PrimaryEvents } from '../telemetry/events/primary-events.ts'
import { PrimaryMetrics } from '../telemetry/metrics/primary-metrics.ts'
import { toFreeAllocations, type FreeAllocations } from '../usage/free-allocations.ts'
import { keepUsage } from '../usage/linked-usage.ts'
import { PrimaryEnd, type LinkMessage } from './links.ts'
import { startUpstream } from './upstream.ts'
import type { Assignment, WorkerMessage, PrimaryCommand } from './worker.ts'

/** A worker that exits earlier is restarted after a delay, which doubles each time. */
const MIN_UPTIME_MS = 10_000
const MIN_RESTART_DELAY_MS = 1_000
const MAX_RESTART_DELAY_MS = 30_000

/** Time for workers to exit before SIGKILL. */
const GRACE_MS = 1_000

/**
 * Starts the workers, and resolves when all of them serve. Restarts a worker that exits later. All workers share one
 * simulator.
 * @throws SettingsError when the store of responses cannot be opened, or what is at REDIS_URL cannot be used; StartError when a
 * worker cannot serve. None is left then.
 */
export async function startWorkers (settings: Settings, log: FastifyBaseLogger): Promise<Workers> {
  await checkStore(settings, log)
  // It stores no responses, and keeps no answers.
  const shared = await toRedis({ ...settings.redis && { redis: settings.redis }, storeMaxBytes: 0 }, log)
  const ledger = await openLedger(settings, Date.now, log, shared?.redis)
  const { settings: known, closeUpstream } = await startUpstream(settings)
  cluster.setupPrimary({ args: ['worker'] })
  const workers = new Workers(toShare(known), log, { ledger, redis: shared?.redis, closeUpstream })
  try {
    await workers.recall()
    await workers.start(settings.workers)
    return workers
  } catch (error) {
    await workers.end()
    throw error
  }
}

/**
 * The settings of a worker: limits are divided among the workers. Without a file or Redis no responses are stored, because
 * the other workers could not find them.
 */
function toShare (settings: Settings): Settings {
  return {
    ...settings,
    // A worker cannot detect a container by its parent process.
    logFormat: isForPerson(settings.logFormat) ? 'pretty' : 'json',
    upstream: 'cloudflare',
    maxStreams: Math.ceil(settings.maxStreams / settings.workers),
    maxBodyMemoryBytes: Math.ceil(settings.maxBodyMemoryBytes / settings.workers),
    ...(settings.storePath === undefined && settings.redis === undefined && { storeMaxBytes: 0 })
  }
}

/** Opens the file before any worker starts: reports errors once, and lets one process create the file. */
async function checkStore (settings: Settings, log: FastifyBaseLogger): Promise<void> {
  const { redis, storePath, storeMaxBytes, workers } = settings
  if (redis !== undefined) return tellOfStores(settings, log)
  if (storePath === undefined) {
    if (storeMaxBytes > 0) log.warn({ workers }, 'responses are not stored: several workers need a file for them (STORE_PATH), or REDIS_URL')
    return
  }
  const store = await openStore(settings, Date.now)
  await store.close()
}

interface WorkersParts {
  /** Keeps what all of them use. */
  ledger: Ledger
  /** What the ledger is kept in, where replicas share it; each worker has a connection of its own. */
  redis: Redis | undefined
  closeUpstream: () => Promise<void>
}

/** The worker processes. */
export class Workers {
  /** 0 until the workers serve. */
  port = 0
  readonly #models: Promise<ModelSurvey>
  #hear: (models: ModelSurvey) => void = () => {}
  #settings: Settings
  #log: FastifyBaseLogger
  #closeUpstream: () => Promise<void>
  /** Running workers, with a promise of their exit. */
  #running = new Map<Worker, Promise<unknown>>()
  #isStopping = false
  readonly #links = new PrimaryEnd()
  readonly #metrics: PrimaryMetrics
  readonly #events = new PrimaryEvents(this.#links)

  readonly #ledger: Ledger
  readonly #redis: Redis | undefined
  readonly #freeAllocations: FreeAllocations

  constructor (settings: Settings, log: FastifyBaseLogger, { ledger, redis, closeUpstream }: WorkersParts) {
    this.#settings = settings
    this.#log = log
    this.#closeUpstream = closeUpstream
    this.#ledger = ledger
    this.#redis = redis
    this.#metrics = new PrimaryMetrics(this.#links, error => log.error({ err: toLoggedError(error) }, 'cannot add up the metrics'))
    this.#freeAllocations = toFreeAllocations(settings, { now: Date.now, log })
    keepUsage(this.#links, ledger, this.#freeAllocations)
    if (settings.accounts !== undefined) relayAccountStates(this.#links)
    this.#models = new Promise(resolve => { this.#hear = resolve })
  }

  /** Counts what was used today before the start. */
  async recall (): Promise<void> {
    await this.#freeAllocations.recall(this.#ledger)
  }

  /** Starts so many; to be called once. @throws StartError when one of them cannot serve */
  async start (count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, async (_, index) => {
      const { port, lost } = this.#fork(index + 1)
      this.port = await Promise.race([port, lost.then(reason => { throw reason })])
      void this.#replace(index + 1, lost)
    }))
  }

  /** Asks the first worker for the models, so that only one worker calls Cloudflare. */
  surveyModels (): Promise<ModelSurvey> {
    const [first] = this.#running.keys()
    first?.send('survey' satisfies PrimaryCommand)
    return this.#models
  }

  /** Drains every worker as a single process would; resolves when all have exited. */
  async drain (): Promise<void> {
    await this.#stop('drain')
  }

  /** Ends running answers with an error in every worker; resolves when all have exited. */
  async cut (): Promise<void> {
    await this.#stop('cut')
  }

  /** Ends every worker at once. */
  async end (): Promise<void> {
    const stopped = this.#stop('end')
    await Promise.race([stopped, sleep(GRACE_MS)])
    for (const { process } of this.#running.keys()) process.kill('SIGKILL')
    await stopped
  }

  async #stop (command: PrimaryCommand): Promise<void> {
    this.#isStopping = true
    for (const worker of this.#running.keys()) worker.send(command)
    await Promise.all(this.#running.values())
    await this.#closeUpstream()
    await this.#ledger.close()
    await this.#redis?.close()
  }

  /** Restarts the worker whenever it exits, until the program stops. */
  async #replace (number: number, lost: Promise<StartError>): Promise<void> {
    let pauseMs = 0
    let startedAt = performance.now()
    while (!this.#isStopping) {
      const { message } = await lost
      if (this.#isStopping) return
      const wasUpLongEnough = performance.now() - startedAt >= MIN_UPTIME_MS
      pauseMs = wasUpLongEnough ? 0 : Math.min(Math.max(2 * pauseMs, MIN_RESTART_DELAY_MS), MAX_RESTART_DELAY_MS)
      this.#log.error({ worker: number, reason: message, pauseMs }, 'a worker has stopped; starting another one')
      await sleep(pauseMs)
      if (this.#isStopping) return
      startedAt = performance.now()
      lost = this.#fork(number).lost
    }
  }

  /** Starts a worker. `port` resolves when it serves; `lost` resolves with the reason when it stops or cannot start. */
  #fork (number: number): { port: Promise<number>, lost: Promise<StartError> } {
    const worker = cluster.fork()
    const send = (message: LinkMessage) => { if (worker.isConnected()) worker.send(message) }
    this.#links.add(worker.id, send)
    const ended = new Promise<StartError>(resolve => {
      worker.on('error', error => {
        this.#log.error({ worker: number, reason: error.message }, 'cannot reach a worker')
        // The process could not be created: Node emits no `exit` then.
        if (worker.process.pid !== undefined) return
        this.#running.delete(worker)
        resolve(new StartError(`Cannot start a worker (${error.message}).`, 1))
      })
      worker.once('exit', (code, signal) => {
        this.#running.delete(worker)
        this.#links.remove(worker.id)
        void this.#metrics.forget(worker.id)
        this.#events.forget(worker.id)
        if (this.#isStopping && code !== 0) process.exitCode ??= 1
        resolve(new StartError(`A worker exited unexpectedly (${signal ?? `exit code ${code}`}).`, 1))
      })
    })
    this.#running.set(worker, ended)
    let serves = (_port: number) => {}
    const port = new Promise<number>(resolve => { serves = resolve })
    const left = new Promise<StartError>(resolve => worker.on('message', (message: WorkerMessage) => {
      if (message === 'ready') return worker.send(this.#isStopping ? 'end' : { worker: number, settings: this.#settings } satisfies Assignment)
      if (message === 'draining') return resolve(new StartError('An uncaught exception.', 1))
      if ('link' in message) return this.#links.receive(message, worker.id)
      if ('port' in message) return serves(message.port)
      if ('models' in message) return this.#hear(message.models)
      resolve(new StartError(message.refusal, 2))
      worker.process.kill('SIGKILL')
    }))
    return { port, lost: Promise.race([ended, left]) }
  }
}
