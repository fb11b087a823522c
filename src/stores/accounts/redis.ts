import { hash } from 'node:crypto'
import type { Redis, RedisCommand, RedisScript } from '../redis/redis.ts'
import { isOut, PROBE_MS, toRestKey, type AccountStates, type OutReason, type Rest, type RestReason } from './account-states.ts'
import type { MemoryAccountStates } from './memory.ts'

/*
 * A field of the hash is what a rest goes by: its account, the account's mark, the reason and the model. Its value is the deadline; the
 * later one counts. A negative value says that the rest with that deadline was ended. It stays as long as the rest would have lasted, so
 * that a field that is missing says nothing: Redis may have been emptied.
 */

const REST: RedisScript = {
  name: 'account-rest',
  lua: `local known = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0')
local untilMs = tonumber(ARGV[2])
if untilMs > known then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
if redis.call('PEXPIRETIME', KEYS[1]) < untilMs then redis.call('PEXPIREAT', KEYS[1], ARGV[2]) end
return redis.status_reply('OK')`
}

/** Ends only what is as its ender knew it: another process may have noted a later deadline meanwhile. ARGV: fields and deadlines. */
const END: RedisScript = {
  name: 'account-end',
  lua: `for index = 1, #ARGV, 2 do
  local field, untilMs = ARGV[index], ARGV[index + 1]
  local known = redis.call('HGET', KEYS[1], field)
  if not known or known == untilMs then
    redis.call('HSET', KEYS[1], field, '-' .. untilMs)
    if redis.call('PEXPIRETIME', KEYS[1]) < tonumber(untilMs) then redis.call('PEXPIREAT', KEYS[1], untilMs) end
  end
end
return redis.status_reply('OK')`
}

/** Forgets fields that are as they were read. ARGV: fields and values. */
const FORGET: RedisScript = {
  name: 'account-forget',
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
  readonly #marks: ReadonlyMap<string, string>
  readonly #now: () => number
  readonly #key: string
  #readAtMs = -Infinity
  #isReading = false

  /**
   * @param marks of the accounts, by their names: what was noted of an account with another mark is passed over, because its
   * credentials are not the same (`toMark`)
   * @param now Unix time in milliseconds
   */
  constructor (redis: Redis, own: MemoryAccountStates, marks: ReadonlyMap<string, string>, now: () => number) {
    this.#redis = redis
    this.#own = own
    this.#marks = marks
    this.#now = now
    this.#key = redis.key('accounts')
    redis.onBack(() => { void this.#tellAll() })
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
    const shared = rests.filter(({ reason }) => reason !== 'failing')
    if (shared.length === 0) return
    this.#redis.script(END, [this.#key], shared.flatMap(rest => [this.#toField(rest), rest.untilMs])).catch(() => {})
  }

  async takeProbe (account: string, reason: OutReason): Promise<boolean> {
    const lease = this.#toLease(account)
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
    const accounts = [...this.#marks.keys()]
    try {
      const [pairs, ...leases] = await this.#redis.pipeline([
        ['HGETALL', this.#key],
        ...accounts.map((account): RedisCommand => ['PTTL', this.#toLease(account)])
      ])
      this.#takeOver(toFields(pairs as string[]), new Map(accounts.map((account, index) => [account, Number(leases[index])])))
    } catch {
      // What this process knows counts until Redis is back.
    } finally {
      this.#readAtMs = this.#now()
      this.#isReading = false
    }
  }

  /** What others have ended meanwhile is not told again. */
  async #tellAll (): Promise<void> {
    await this.refresh()
    for (const rest of [...this.#marks.keys()].flatMap(account => this.#own.rests(account))) this.#tell(rest)
  }

  #tell (rest: Rest): void {
    const { account, reason, untilMs } = rest
    if (reason === 'failing') return
    // Before the rest: whoever reads that asks when the next probe is.
    if (isOut(reason)) this.#redis.command('SET', this.#toLease(account), '1', 'PX', PROBE_MS[reason] - MARGIN_MS, 'NX').catch(() => {})
    this.#redis.script(REST, [this.#key], [this.#toField(rest), untilMs]).catch(() => {})
  }

  /** @param leases milliseconds until the next probe of each account; less than 0 where one is due */
  #takeOver (fields: readonly Field[], leases: ReadonlyMap<string, number>): void {
    const now = this.#now()
    const over: string[] = []
    for (const { name, value, mark, ...rest } of fields) {
      const { account, reason } = rest
      const untilMs = Math.abs(Number(value))
      const known = this.#own.rests(account).find(own => toRestKey(own) === toRestKey(rest))
      if (untilMs <= now) {
        over.push(name, value)
      } else if (mark !== this.#marks.get(account)) {
        continue
      } else if (value.startsWith('-')) {
        if (known?.untilMs === untilMs) this.#own.end([known])
      } else if (known === undefined || known.untilMs < untilMs) {
        this.#own.rest({ ...rest, sinceMs: now, untilMs })
        if (isOut(reason)) this.#own.probeLater(account, now + Math.max(0, leases.get(account) ?? 0))
      }
    }
    if (over.length > 0) this.#redis.script(FORGET, [this.#key], over).catch(() => {})
  }

  #toField (rest: Rest): string {
    return `${rest.account} ${this.#marks.get(rest.account)} ${toRestKey(rest)}`
  }

  #toLease (account: string): string {
    return this.#redis.key('accounts', 'probe', account, this.#marks.get(account) ?? '')
  }
}

/** Tells credentials from those that were there before, or are in another replica, and says nothing else of them. */
export function toMark (credentials: ReadonlyArray<string | undefined>): string {
  return hash('sha256', JSON.stringify(credentials), 'hex').slice(0, 8)
}

/** A field of the hash, read. */
interface Field extends Pick<Rest, 'account' | 'reason' | 'model'> {
  name: string
  value: string
  mark: string
}

/** Names of accounts have no spaces. */
function toFields (pairs: readonly string[]): Field[] {
  const fields: Field[] = []
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const [name = '', value = ''] = pairs.slice(index, index + 2)
    const [account = '', mark = '', reason = '', ...model] = name.split(' ')
    fields.push({ name, value, account, mark, reason: reason as RestReason, ...(model.length > 0 && { model: model.join(' ') }) })
  }
  return fields
}
