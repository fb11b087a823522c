import type { Redis, RedisScript } from '../redis/redis.ts'
import { isOut, PROBE_MS, toRestKey, type AccountStates, type OutReason, type Rest, type RestReason } from './account-states.ts'
import type { MemoryAccountStates } from './memory.ts'

/** A field of the hash is an account and what a rest of it goes by; its value the deadline. The later one counts. */
const REST: RedisScript = {
  name: 'account-rest',
  lua: `local known = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
local untilMs = tonumber(ARGV[2])
if untilMs > known then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
if redis.call('PEXPIRETIME', KEYS[1]) < untilMs then redis.call('PEXPIREAT', KEYS[1], ARGV[2]) end
return redis.status_reply('OK')`
}

/** Ends only what is as its ender knew it: another process may have noted a later deadline meanwhile. */
const END: RedisScript = {
  name: 'account-end',
  lua: `for index = 1, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[index]) == ARGV[index + 1] then redis.call('HDEL', KEYS[1], ARGV[index]) end
end
return redis.status_reply('OK')`
}

/** How old what other processes have told may be, while there are requests; milliseconds. */
const FRESH_MS = 1_000

/** Of two processes that ask at the same moment, the lease of the first must still be there. */
const MARGIN_MS = 1_000

/**
 * The states of accounts that several processes share in Redis. They are read from memory, which is renewed in the background at most
 * once a second and only while there are choices; what is written goes there at once. While Redis is away each process goes on with
 * what it knows.
 */
export class RedisAccountStates implements AccountStates {
  readonly #redis: Redis
  readonly #own: MemoryAccountStates
  readonly #now: () => number
  readonly #key: string
  /** What Redis had last, by its fields. */
  #shared = new Map<string, Rest>()
  #readAtMs = -Infinity
  #isReading = false

  /**
   * @param accounts by their names
   * @param now Unix time in milliseconds
   */
  constructor (redis: Redis, own: MemoryAccountStates, accounts: readonly string[], now: () => number) {
    this.#redis = redis
    this.#own = own
    this.#now = now
    this.#key = redis.key('accounts')
    redis.onBack(() => {
      for (const rest of accounts.flatMap(account => own.rests(account))) this.#tell(rest)
    })
  }

  rests (account: string): readonly Rest[] {
    if (!this.#isReading && this.#now() - this.#readAtMs >= FRESH_MS) void this.refresh()
    return this.#own.rests(account)
  }

  rest (rest: Rest): void {
    this.#own.rest(rest)
    this.#tell(rest)
  }

  end (rests: readonly Rest[]): void {
    this.#own.end(rests)
    this.#forget(rests.filter(({ reason }) => reason !== 'failing'))
  }

  async takeProbe (account: string, reason: OutReason): Promise<boolean> {
    const lease = this.#redis.key('accounts', 'probe', account)
    try {
      const [taken, leftMs] = await this.#redis.pipeline([['SET', lease, '1', 'PX', PROBE_MS[reason] - MARGIN_MS, 'NX'], ['PTTL', lease]])
      this.#own.probeLater(account, this.#now() + Math.max(MARGIN_MS, Number(leftMs)))
      return taken === 'OK'
    } catch {
      return this.#own.takeProbe(account, reason)
    }
  }

  nextProbeMs (account: string): number {
    return this.#own.nextProbeMs(account)
  }

  /** Takes over what other processes have told: at the start too, so that the first request knows. */
  async refresh (): Promise<void> {
    this.#isReading = true
    try {
      const pairs = await this.#redis.command('HGETALL', this.#key) as string[]
      this.#takeOver(toRests(pairs))
    } catch {
      // What this process knows counts until Redis is back.
    } finally {
      this.#readAtMs = this.#now()
      this.#isReading = false
    }
  }

  #tell (rest: Rest): void {
    const { account, reason, untilMs } = rest
    if (reason === 'failing') return
    this.#redis.script(REST, [this.#key], [toField(rest), untilMs]).catch(() => {})
    if (!isOut(reason)) return
    this.#redis.command('SET', this.#redis.key('accounts', 'probe', account), '1', 'PX', PROBE_MS[reason] - MARGIN_MS, 'NX').catch(() => {})
  }

  #forget (rests: readonly Rest[]): void {
    if (rests.length === 0) return
    this.#redis.script(END, [this.#key], rests.flatMap(rest => [toField(rest), rest.untilMs])).catch(() => {})
  }

  #takeOver (told: ReadonlyMap<string, Rest>): void {
    const now = this.#now()
    const rests = new Map([...told].filter(([, { untilMs }]) => untilMs > now))
    this.#forget([...told.values()].filter(({ untilMs }) => untilMs <= now))
    for (const rest of rests.values()) this.#own.rest(rest)
    // What another process has ended, unless this one knows better by now.
    const ended = [...this.#shared].filter(([field]) => !told.has(field)).map(([, rest]) => rest)
    const isKnownAs = (rest: Rest, own: Rest) => toRestKey(own) === toRestKey(rest) && own.untilMs === rest.untilMs
    this.#own.end(ended.filter(rest => this.#own.rests(rest.account).some(own => isKnownAs(rest, own))))
    this.#shared = rests
  }
}

/** Names of accounts have no spaces. */
function toField (rest: Rest): string {
  return `${rest.account} ${toRestKey(rest)}`
}

function toRests (pairs: readonly string[]): Map<string, Rest> {
  const rests = new Map<string, Rest>()
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const field = pairs[index] ?? ''
    const [account = '', reason = '', model] = field.split(' ')
    rests.set(field, { account, model, reason: reason as RestReason, untilMs: Number(pairs[index + 1]) })
  }
  return rests
}
