import { createHash, randomBytes } from 'node:crypto'
import { RedisUnavailable, type Redis, type RedisArgument, type RedisScript } from '../redis/redis.ts'
import { KeyState, toMicro, type KeyUse } from './key-state.ts'
import type { Budgets, Demand, LimitedKey, Limits, Refusal, Reservation, Spent, Standing } from './limits.ts'
import { PRESENT, READ, RENEW, RESERVE, SETTLE } from './scripts.ts'
import { Unsettled, type Settlement } from './unsettled.ts'
import { LimitsWhileAway } from './while-away.ts'

/** How long what a process holds is held after it was last heard of, in milliseconds; and how often it says so in that time. */
const LEASE_MS = 20_000
const BEATS = 4

/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2_147_483_647

/** Budgets that are looked at in each beat, so that it is known what is left of them when Redis goes away. */
const MAX_LOOKS = 100

/** Keys whose leases are renewed in one round trip. */
const MAX_RENEWALS = 100

export interface RedisLimitsOptions {
  redis: Redis
  /** Keys with a name, whose budgets are looked at from time to time. */
  keys?: readonly LimitedKey[]
  /** Unix time in milliseconds, for Redis as well; each has its own clock when absent. */
  now?: () => number
  leaseMs?: number
}

/** What is held for one request that is in progress here. */
interface Lease {
  key: LimitedKey
  id: string
  tokens: number
  /** In micro-neurons. */
  day: number
  month: number
  /** It was made while Redis was away: that has not counted the request. */
  alone: { state: KeyState, mayBeKnown: boolean } | undefined
}

/** Whether Redis has the lease of a settlement. */
type KnownLease = 'known' | 'maybe' | 'unknown'

/** What a script answers. */
interface Answer {
  /** Whether it did what it is for. */
  isDone: boolean
  tokens: number
  now: number
  use: KeyUse
}

/**
 * Keeps what keys have used in Redis, so that limits hold for all processes that share it. While it is away, this process goes on by
 * itself. Every reservation is a lease: of a process that is gone, it ends by itself.
 */
export class RedisLimits implements Limits {
  readonly #redis: Redis
  readonly #keys: readonly LimitedKey[]
  readonly #now: () => number
  /** For scripts; empty where Redis goes by its own clock. */
  readonly #givenNow: () => number | ''
  readonly #leaseMs: number
  /** Of this process; unknown to all others. */
  readonly #name = randomBytes(9).toString('base64url')
  #count = 0
  readonly #away = new LimitsWhileAway()
  readonly #unsettled = new Unsettled(() => this.#newId())
  /** By the ids of their keys. */
  readonly #leases = new Map<string, Set<Lease>>()
  readonly #settling = new Set<Promise<void>>()
  readonly #timer: NodeJS.Timeout
  readonly #removeListener: () => void
  #looked = 0
  #beating: Promise<void> | undefined

  constructor ({ redis, keys = [], now, leaseMs = LEASE_MS }: RedisLimitsOptions) {
    this.#redis = redis
    this.#keys = keys.filter(({ limits }) => limits.neurons_per_day !== undefined || limits.neurons_per_month !== undefined)
    this.#now = now ?? Date.now
    this.#givenNow = now ?? (() => '')
    this.#leaseMs = leaseMs
    this.#timer = setInterval(() => { void this.beat() }, Math.min(leaseMs / BEATS, LONGEST_TIMER_MS)).unref()
    this.#removeListener = redis.onBack(() => {
      this.#away.forget()
      void this.beat()
    })
  }

  async reserve (key: LimitedKey, demand: Demand): Promise<Reservation | Refusal> {
    if (!isCounted(key)) return UNLIMITED
    const { inputTokens, outputTokens } = demand
    const microNeurons = Math.ceil(demand.microNeurons)
    const id = this.#newId()
    try {
      const { isDone, tokens, now, use } = await this.#run(RESERVE, key, [key.limits.parallel ?? '', id, inputTokens, outputTokens, microNeurons])
      const state = new KeyState(key.limits, now, use)
      if (!isDone) return { kind: 'refused', facts: state.refuse(demand, now) ?? unreachable(), standing: state.standing(now) }
      const { neurons_per_day: day, neurons_per_month: month } = key.limits
      const held = { tokens, day: day === undefined ? 0 : microNeurons, month: month === undefined ? 0 : microNeurons }
      return this.#reserved({ key, id, ...held, alone: undefined }, state.standing(now))
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error
      // One that nobody heard of may have been made. It ends with its lease, or with the settlement of its id.
      return this.#reserveAlone(key, { ...demand, microNeurons }, id, error.wasSent)
    }
  }

  async standing (key: LimitedKey): Promise<Standing> {
    if (!isCounted(key)) return {}
    return await this.#read(key, (state, now) => state.standing(now)) ?? this.#away.standing(key, this.#now())
  }

  async budgets (key: LimitedKey): Promise<Budgets> {
    if (!isCounted(key)) return {}
    return await this.#read(key, (state, now) => state.budgets(now)) ?? this.#away.budgets(key, this.#now())
  }

  /** Counts micro-neurons that were used without a reservation. */
  async add (key: LimitedKey, microNeurons: number): Promise<void> {
    const used = Math.round(microNeurons)
    await this.#settle({ key, id: this.#newId(), tokens: 0, day: used, month: used, requests: 0, isDoubtful: false }, 'unknown')
  }

  /** Says that this process is there, renews what it holds, looks at budgets, and counts what is not counted yet. */
  beat (): Promise<void> {
    this.#beating ??= this.#beat().finally(() => { this.#beating = undefined })
    return this.#beating
  }

  /** What is being settled is settled; what is still in progress ends with its leases. */
  async close (): Promise<void> {
    clearInterval(this.#timer)
    this.#removeListener()
    await Promise.all([...this.#settling, this.#beating])
    await this.#flush()
  }

  async #beat (): Promise<void> {
    if (!this.#redis.isUp) return
    try {
      this.#away.replicas = Math.max(1, Number(await this.#redis.script(PRESENT, [this.#redis.key('replicas')], [this.#givenNow(), this.#name])))
      await this.#renew()
      await this.#look()
      await this.#flush()
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error
    }
  }

  async #renew (): Promise<void> {
    const keys = [...this.#leases.values()]
    for (let start = 0; start < keys.length; start += MAX_RENEWALS) {
      await this.#redis.pipeline(keys.slice(start, start + MAX_RENEWALS).flatMap(leases => {
        const [first] = leases
        if (first === undefined) return []
        const held = [...leases].flatMap(({ id, tokens, day, month }) => [id, tokens, day, month])
        return [['EVAL', RENEW.lua, 2, ...this.#keysOf(first.key), ...this.#argumentsOf(first.key), ...held]]
      }))
    }
  }

  async #look (): Promise<void> {
    for (let count = Math.min(MAX_LOOKS, this.#keys.length); count > 0; count--) {
      const key = this.#keys[this.#looked++ % this.#keys.length] as LimitedKey
      await this.#run(READ, key, [])
    }
  }

  async #flush (): Promise<void> {
    if (!this.#redis.isUp || this.#unsettled.isEmpty) return
    try {
      await this.#unsettled.flush(async settlement => { await this.#send(settlement, true) }, this.#now())
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error
    }
  }

  #reserveAlone (key: LimitedKey, demand: Demand, id: string, mayBeKnown: boolean): Reservation | Refusal {
    const now = this.#now()
    const outcome = this.#away.reserve(key, demand, now, this.#leases.get(key.id)?.size ?? 0)
    const standing = outcome.state.standing(now)
    if ('facts' in outcome) return { kind: 'refused', facts: outcome.facts, standing }
    return this.#reserved({ key, id, ...outcome.held, alone: { state: outcome.state, mayBeKnown } }, standing)
  }

  #reserved (lease: Lease, standing: Standing): Reservation {
    const { key, id, tokens, day, month, alone } = lease
    const leases = this.#leases.get(key.id) ?? new Set()
    this.#leases.set(key.id, leases.add(lease))
    return {
      kind: 'reserved',
      tokens,
      standing,
      settle: async spent => {
        if (!leases.delete(lease)) return
        if (leases.size === 0 && this.#leases.get(key.id) === leases) this.#leases.delete(key.id)
        alone?.state.settle({ tokens, day, month }, spent, this.#now())
        const used = Math.round(spent.microNeurons)
        const known = alone === undefined ? 'known' : alone.mayBeKnown ? 'maybe' : 'unknown'
        const requests = known === 'unknown' ? 1 : 0
        await this.#settle({ key, id, tokens: spent.tokens, day: used, month: used, requests, isDoubtful: false }, known)
      }
    }
  }

  /** Never fails: what cannot be settled now is settled later. @param lease whether Redis has one of its id */
  #settle (settlement: Settlement, lease: KnownLease): Promise<void> {
    const settling = this.#settleNow(settlement, lease).finally(() => this.#settling.delete(settling))
    this.#settling.add(settling)
    return settling
  }

  async #settleNow (settlement: Settlement, lease: KnownLease): Promise<void> {
    // A lease that is gone tells that it was settled. Where there is none, that has to be noted.
    const isRemembered = lease !== 'known'
    try {
      await this.#send(settlement, isRemembered)
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error
      const isAlone = lease === 'unknown' && !error.wasSent
      this.#unsettled.add({ ...settlement, isDoubtful: error.wasSent && !isRemembered }, !isAlone, this.#now())
    }
  }

  /** @param isRemembered because it may be sent again */
  async #send ({ key, id, tokens, day, month, requests, isDoubtful }: Settlement, isRemembered: boolean): Promise<void> {
    await this.#run(SETTLE, key, [id, tokens, day, month, requests, Number(isDoubtful), Number(isRemembered)])
  }

  /** @returns undefined while Redis is away */
  async #read<T> (key: LimitedKey, tell: (state: KeyState, now: number) => T): Promise<T | undefined> {
    try {
      const { now, use } = await this.#run(READ, key, [])
      return tell(new KeyState(key.limits, now, use), now)
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error
      return undefined
    }
  }

  async #run (script: RedisScript, key: LimitedKey, args: readonly RedisArgument[]): Promise<Answer> {
    const answer = toAnswer(await this.#redis.script(script, this.#keysOf(key), [...this.#argumentsOf(key), ...args]) as number[])
    this.#away.see(key, answer.use, this.#now())
    return answer
  }

  #keysOf ({ id }: LimitedKey): [use: string, leases: string] {
    const name = toKeyName(id)
    return [this.#redis.key('limit', name), this.#redis.key('lease', name)]
  }

  #argumentsOf ({ limits: { rpm, tpm, rpd, neurons_per_day: day, neurons_per_month: month } }: LimitedKey): RedisArgument[] {
    const budget = (neurons: number | undefined) => neurons === undefined ? '' : toMicro(neurons)
    return [this.#givenNow(), this.#leaseMs, rpm ?? '', tpm ?? '', rpd ?? '', budget(day), budget(month)]
  }

  #newId (): string {
    return `${this.#name}${(++this.#count).toString(36)}`
  }
}

/** Of a key that is only kept to some models. */
const UNLIMITED: Reservation = { kind: 'reserved', tokens: 0, standing: {}, settle: (_spent: Spent) => {} }

function isCounted ({ limits: { models, ...counted } }: LimitedKey): boolean {
  return Object.keys(counted).length > 0
}

/** Names of keys have few characters; what has others, or is long, is known by its digest. */
function toKeyName (id: string): string {
  return /^[\w.-]{1,64}$/.test(id) ? id : `#${createHash('sha256').update(id).digest('base64url')}`
}

function toAnswer (numbers: readonly number[]): Answer {
  const [verdict = 0, tokens = 0, now = 0, running = 0, perMinute = 0, left = 0, rn = 0, re = 0, ...budgets] = numbers
  const [du = 0, dh = 0, de = 0, mu = 0, mh = 0, me = 0] = budgets
  return {
    isDone: verdict === 1,
    tokens,
    now,
    use: {
      running,
      perMinute,
      tokens: left,
      perDay: { used: rn, reserved: 0, resetsAt: re },
      day: { used: du, reserved: dh, resetsAt: de },
      month: { used: mu, reserved: mh, resetsAt: me }
    }
  }
}

function unreachable (): never {
  throw new Error('unreachable: the script and KeyState go by the same numbers')
}
