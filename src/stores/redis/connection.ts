import { hash } from 'node:crypto'
import { Redis as Client } from 'ioredis'
import { SettingsError } from '../../settings/problem.ts'
import type { RedisSettings } from '../../settings/schema.ts'
import { Breaker } from './breaker.ts'
import { RedisUnavailable, type Redis, type RedisArgument, type RedisCommand, type RedisScript } from './redis.ts'
import { isAnswered, isSelect, toNotices, toReason, toServerFacts, toUrlProblem, type ServerFacts } from './server-facts.ts'

interface Log {
  warn: (fields: object, message: string) => void
  info: (fields: object, message: string) => void
}

export interface ConnectionOptions {
  /** Hears how long each answer took, or how long it was waited for in vain, in seconds. */
  observe?: ((seconds: number) => void) | undefined
  /** Hears the word of an error with which Redis refused a command: it is there, so that nobody else would hear of it. */
  onRefusal?: ((reason: string) => void) | undefined
  /** Values of many megabytes go over it: an answer is waited for while something of it, or of one before it, arrives. */
  isForLargeValues?: boolean
}

/** How long a start waits for a server that does not answer at all, in milliseconds. */
const START_MS = 1_000

/** What a way to Redis carries at least, in bytes in a millisecond: what is sent has so much more time for its answer. */
const SENT_PER_MS = 10_000

/** How much longer nothing may move on the way of large values: Redis copies all that is asked for before it sends the first of it. */
const STILL = 4

/** How long a large value may take at most, in milliseconds. */
const MAX_TRANSFER_MS = 10_000

/** How much longer a handshake may take than an answer. */
const HANDSHAKE = 10

/** Listeners are called within this time after Redis is back: replicas that lost it together should not ask all at once. */
const MAX_JITTER_MS = 250

/** What is done before it counts as there: a server may accept connections, and refuse every command that writes. */
const TRIAL = "redis.call('SET', KEYS[1], '1', 'EX', '10') return redis.call('TIME')"

/**
 * Connects to Redis. One that cannot be reached is no failure: it is warned of once, and tried again.
 * @throws SettingsError when what answers is no Redis that can be used: password, database, rights, protocol or certificate
 */
export async function openRedis (settings: RedisSettings, log: Log, options: ConnectionOptions = {}): Promise<Redis> {
  const connection = new Connection(settings, log, options)
  await connection.open()
  return connection
}

/**
 * Asks a server once.
 * @returns what it says of itself, undefined where it may not be asked; and milliseconds of a round trip
 * @throws SettingsError as `openRedis` does; RedisUnavailable when it cannot be reached
 */
export async function tryRedis (settings: RedisSettings): Promise<{ ms: number, facts: ServerFacts | undefined }> {
  const connection = new Connection(settings, { warn: () => {}, info: () => {} }, {})
  try {
    await connection.open()
    const start = performance.now()
    await connection.command('PING')
    return { ms: performance.now() - start, facts: connection.facts }
  } finally {
    await connection.close()
  }
}

class Connection implements Redis {
  isUp = false
  /** Undefined until it has said so, or where it may not be asked. */
  facts: ServerFacts | undefined
  readonly #settings: RedisSettings
  readonly #log: Log
  readonly #options: ConnectionOptions
  readonly #client: Client
  readonly #breaker = new Breaker()
  readonly #listeners = new Set<() => void>()
  readonly #digests = new Map<string, string>()
  /** Resolves once it is known how the first connection went. */
  readonly #first: Promise<void>
  #hearFirst: (problem?: SettingsError) => void = () => {}
  /** Why it is not there. */
  #reason = 'connecting'
  #isToldAway = false
  #isToldProblem = false
  #isRefusedDatabase = false
  #isClosing = false

  constructor (settings: RedisSettings, log: Log, options: ConnectionOptions) {
    this.#settings = settings
    this.#log = log
    this.#options = options
    this.#first = new Promise((resolve, reject) => {
      this.#hearFirst = problem => problem === undefined ? resolve() : reject(problem)
    })
    this.#client = new Client({ ...toClientOptions(settings, options), retryStrategy: () => this.#breaker.nextPauseMs() })
    this.#client.on('connecting', () => { this.#isRefusedDatabase = false })
    this.#client.on('ready', () => { void this.#try() })
    this.#client.on('error', (error: Error) => this.#hear(error))
    this.#client.on('close', () => this.#leave(this.isUp ? 'closed' : this.#reason))
  }

  async open (): Promise<void> {
    this.#client.connect().catch(() => {})
    const timer = setTimeout(() => this.#leave('timeout'), Math.max(START_MS, 4 * this.#settings.timeoutMs))
    try {
      await this.#first
    } catch (error) {
      await this.close()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  key (...parts: string[]): string {
    return this.#settings.prefix + parts.join(':')
  }

  async command (name: string, ...args: RedisArgument[]): Promise<unknown> {
    return await this.#run(() => this.#client.call(name, ...args))
  }

  async commandBuffer (name: string, ...args: RedisArgument[]): Promise<unknown> {
    return await this.#run(() => this.#client.callBuffer(name, ...args))
  }

  async pipeline (commands: RedisCommand[], { isAtomic = false }: { isAtomic?: boolean } = {}): Promise<unknown[]> {
    return await this.#run(async () => {
      const pipeline = isAtomic ? this.#client.multi() : this.#client.pipeline()
      for (const [name, ...args] of commands) pipeline.call(name, ...args)
      const answers = await pipeline.exec() ?? []
      return answers.map(([error, answer]) => {
        if (error !== null) throw error
        return answer
      })
    })
  }

  async script ({ lua }: RedisScript, keys: readonly string[], args: readonly RedisArgument[]): Promise<unknown> {
    let digest = this.#digests.get(lua)
    if (digest === undefined) {
      digest = hash('sha1', lua, 'hex')
      this.#digests.set(lua, digest)
    }
    const known = digest
    return await this.#run(async () => {
      try {
        return await this.#client.call('EVALSHA', known, keys.length, ...keys, ...args)
      } catch (error) {
        if (toReason(error) !== 'NOSCRIPT') throw error
        return await this.#client.call('EVAL', lua, keys.length, ...keys, ...args)
      }
    })
  }

  onBack (listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  async close (): Promise<void> {
    this.#isClosing = true
    this.isUp = false
    // What was sent is still answered; a server that does not answer is not waited for.
    await within(this.#client.quit(), this.#settings.timeoutMs).catch(() => {})
    this.#client.disconnect()
  }

  /** What fails counts, whoever hears of it: a breaker that misses failures never opens. An answer that refuses is no failure. */
  async #run<T> (send: () => Promise<T>): Promise<T> {
    if (!this.isUp) throw new RedisUnavailable(this.#reason, false)
    const start = performance.now()
    const isLarge = this.#options.isForLargeValues === true
    try {
      const { timeoutMs } = this.#settings
      const answer = await (isLarge ? within(send(), STILL * timeoutMs, this.#client.stream) : within(send(), timeoutMs))
      this.#breaker.succeeded()
      return answer
    } catch (error) {
      const reason = error instanceof Late ? 'timeout' : toReason(error)
      if (isAnswered(error)) {
        this.#breaker.succeeded()
        this.#options.onRefusal?.(reason)
      } else if (this.isUp && (this.#breaker.failed() || (isLarge && error instanceof Late))) {
        // Where nothing has moved for so long, nobody else has to find out.
        this.#open(reason)
      }
      throw new RedisUnavailable(reason, true)
    } finally {
      this.#options.observe?.((performance.now() - start) / 1_000)
    }
  }

  /** Leaves the server alone for a while. Its connection goes too: it may be one that nobody answers any more. */
  #open (reason: string): void {
    this.#leave(reason)
    this.#client.disconnect(true)
  }

  /** Of a connection that was just made: whether the server does what is needed of it. */
  async #try (): Promise<void> {
    try {
      if (this.#isRefusedDatabase) throw new Error('the database is refused')
      await within(this.#client.eval(TRIAL, 1, this.key('trial')), this.#settings.timeoutMs)
      await within(this.#client.multi().get(this.key('trial')).exec(), this.#settings.timeoutMs)
      await this.#readFacts()
      this.#arrive()
    } catch (error) {
      if (!this.#isRefusedDatabase) this.#hear(error instanceof Late ? Object.assign(error, { code: 'timeout' }) : error)
      this.#breaker.failed()
      this.#client.disconnect(true)
    }
  }

  /** Once: what it says of itself changes nothing but what is warned of. */
  async #readFacts (): Promise<void> {
    if (this.facts !== undefined) return
    const info = await within(this.#client.info(), this.#settings.timeoutMs).catch(() => undefined)
    if (info === undefined) return
    this.facts = toServerFacts(info)
    for (const notice of toNotices(this.facts)) this.#log.warn({}, notice)
    if (this.facts.isCluster) {
      this.#hearFirst(new SettingsError([{ name: 'REDIS_URL', message: 'names a node of a Redis Cluster; expected one primary, because one script reads and writes several keys' }]))
    }
  }

  #arrive (): void {
    this.isUp = true
    this.#hearFirst()
    if (!this.#isToldAway) return
    this.#isToldAway = false
    this.#isToldProblem = false
    this.#log.info({}, 'Redis is back')
    setTimeout(() => {
      if (this.isUp) for (const listener of this.#listeners) listener()
    }, Math.random() * MAX_JITTER_MS).unref()
  }

  #leave (reason: string): void {
    this.isUp = false
    this.#reason = reason
    this.#hearFirst()
    if (this.#isToldAway || this.#isClosing) return
    this.#isToldAway = true
    this.#log.warn({ reason }, 'Redis is not available; this process goes on by itself, and tries again')
  }

  /** A failure of the connection. The first one may be the fault of the settings. */
  #hear (error: unknown): void {
    if (isSelect(error)) this.#isRefusedDatabase = true
    this.#reason = toReason(error)
    const problem = toUrlProblem(error, this.#settings.prefix)
    if (problem === undefined) return
    if (this.#isToldAway && !this.#isToldProblem) this.#log.warn({ reason: this.#reason }, `REDIS_URL: ${problem.message}`)
    this.#isToldProblem ||= this.#isToldAway
    this.#hearFirst(new SettingsError([problem]))
  }
}

function toClientOptions ({ url, timeoutMs }: RedisSettings, { isForLargeValues = false }: ConnectionOptions) {
  const { protocol, hostname, port, username, password, pathname } = new URL(url)
  return {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(port || 6379),
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    db: Number(pathname.slice(1)),
    ...(protocol === 'rediss:' && { tls: {} }),
    connectionName: 'workers-ai-proxy',
    disableClientInfo: true,
    lazyConnect: true,
    // Nothing waits for a server that is away, and nothing is sent twice: a reservation would be made twice.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    // Of the handshake. Others are waited for less: a timer of its own would pass over an answer that is there and was not read yet.
    commandTimeout: isForLargeValues ? 2 * MAX_TRANSFER_MS : HANDSHAKE * timeoutMs,
    connectTimeout: Math.max(START_MS, timeoutMs),
    disconnectTimeout: timeoutMs
  }
}

/** No answer came in time. */
class Late extends Error {}

/**
 * An answer that is there when its time is over counts: a process that was busy has only not read it yet.
 * @param socket of large values, which have time while they move, and for what is still to be sent
 */
function within<T> (answer: Promise<T>, ms: number, socket?: Client['stream']): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = performance.now() + MAX_TRANSFER_MS
    let timer: NodeJS.Timeout
    let isOver = false
    const wait = () => {
      const [read, unsent] = [socket?.bytesRead ?? 0, socket?.writableLength ?? 0]
      const look = () => {
        if (isOver) return
        const isMoving = socket !== undefined && (socket.bytesRead > read || socket.writableLength < unsent)
        if (isMoving && performance.now() < end) return wait()
        reject(new Late())
      }
      // Timers come before sockets in a turn of the event loop, and this after both.
      timer = setTimeout(() => setImmediate(look), ms + unsent / SENT_PER_MS)
    }
    wait()
    answer.finally(() => {
      isOver = true
      clearTimeout(timer)
    }).then(resolve, reject)
  })
}
