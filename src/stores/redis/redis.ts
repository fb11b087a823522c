/** Redis cannot be asked now: it is away, too slow, or was so often enough that nobody waits for it any more. */
export class RedisUnavailable extends Error {
  override name = 'RedisUnavailable'
  /** A word that is no secret, such as `ECONNREFUSED`, `timeout` or `LOADING`. */
  readonly reason: string
  /** Whether it was asked, so that it may have done what it was asked for. */
  readonly wasSent: boolean

  constructor (reason: string, wasSent: boolean) {
    super(`Redis is not available (${reason})`)
    this.reason = reason
    this.wasSent = wasSent
  }
}

/** A Lua script. It declares every key it touches. */
export interface RedisScript {
  name: string
  lua: string
}

export type RedisArgument = string | number | Buffer

export type RedisCommand = [name: string, ...args: RedisArgument[]]

/** State that several processes share, in one Redis or Valkey. */
export interface Redis {
  /** The name of a key, with the prefix of this deployment: `redis.key('usage', '2026-11-29')` is `wap:usage:2026-11-29`. */
  key: (...parts: string[]) => string
  /**
   * One command.
   * @throws RedisUnavailable at once while Redis is away, else after the time of `REDIS_TIMEOUT_MS` at the latest; a connection for
   * large values waits longer while they move. Also when Redis refuses a command, which it is not away for
   */
  command: (name: string, ...args: RedisArgument[]) => Promise<unknown>
  /** The same, where texts of the answer are Buffers. */
  commandBuffer: (name: string, ...args: RedisArgument[]) => Promise<unknown>
  /** Several in one round trip; with `isAtomic` nobody else's come between. Rejects with the first failure of any. */
  pipeline: (commands: RedisCommand[], options?: { isAtomic?: boolean }) => Promise<unknown[]>
  /** Runs a script, which Redis is given again when it no longer knows it. */
  script: (script: RedisScript, keys: readonly string[], args: readonly RedisArgument[]) => Promise<unknown>
  /** Whether it can be asked. */
  readonly isUp: boolean
  /** Has a function called when Redis is back after it was away, a moment later. Returns what removes the function. */
  onBack: (listener: () => void) => () => void
  close: () => Promise<void>
}
