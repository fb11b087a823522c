import { hash, randomBytes } from 'node:crypto'
import type { LimitFacts } from '../../errors.ts'
import { RedisUnavailable, type Redis, type RedisArgument, type RedisCommand, type RedisScript } from '../redis/redis.ts'
import { KeyState, toMicro, type KeyUse } from './key-state.ts'
import type { Budgets, Demand, LimitedKey, Limits, Refusal, Reservation, Spent, Standing } from './limits.ts'
import { PRESENT, RAISE, READ, RENEW, RESERVE, SETTLE } from './scripts.ts'
import { Unsettled, type Settlement } from './unsettled.ts'
import { LimitsWhileAway, RETRY_MS, type Own } from './while-away.ts'

/** How long what a process holds is held after it was last heard of, in milliseconds; and how often it says so in that time. */
const LEASE_MS = 20_000
const BEATS = 4

/** Node fires a longer timer at once. */
const LONGEST_TIMER_MS = 2_147_483_647

/** Budgets that are looked at in each beat, so that it is known what is left of them when Redis goes away. */
const MAX_LOOKS = 100

/** Keys whose leases are renewed in one round trip. */
const MAX_RENEWALS = 100

/** What one run of a script goes by: a key, and what the script is given beside its limits. */
type Call = [key: LimitedKey, args: readonly RedisArgument[]]

export interface RedisLimitsOptions {
  redis: Redis
  /** What is limited: processes that limit the same divide a budget while Redis is away. */
  group?: string
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
  /** It was made while Redis was away: that has not counted the request, and holds nothing for it before it was renewed there. */
  alone: { state: KeyState, mayBeKnown: boolean, isHeld: boolean } | undefined
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
  readonly #group: string
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
  #renewing: Promise<void> | undefined
  #catchingUp: Promise<void> | undefined

  constructor ({ redis, group = 'keys', keys = [], now, leaseMs = LEASE_MS }: RedisLimitsOptions) {
    this.#redis = redis
    this.#group = group
    this.#keys = keys.filter(({ limits }) => limits.neurons_per_day !== undefined || limits.neurons_per_month !== undefined)
    this.#now = now ?? Date.now
    this.#givenNow = now ?? (() => '')
    this.#leaseMs = leaseMs
    this.#timer = setInterval(() => { void this.beat() }, Math.min(leaseMs / BEATS, LONGEST_TIMER_MS)).unref()
    this.#removeListener = redis.onBack(() => { void this.beat() })
    void this.beat()
  }

  async reserve (key: LimitedKey, demand: Demand): Promise<Reservation | Refusal> {
    if (!isCounted(key)) return UNLIMITED
    const { inputTokens, outputTokens } = demand
    const microNeurons = toAmount(Math.ceil(demand.microNeurons))
    const id = this.#newId()
    try {
      const { isDone, tokens, now, use } = await this.#run(RESERVE, key, [key.limits.parallel ?? '', id, inputTokens, outputTokens, microNeurons])
      const state = new KeyState(key.limits, now, use)
      if (!isDone) return { kind: 'refused', facts: state.refuse(demand, now) ?? toUnclear(key), standing: state.standing(now) }
      return this.#reserved({ key, id, tokens, ...toHeld(key, microNeurons), alone: undefined }, state.standing(now))
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
    const used = toAmount(Math.round(microNeurons))
    await this.#settle({ key, id: this.#newId(), tokens: 0, day: used, month: used, held: NO_NEURONS, requests: 0, isDoubtful: false }, 'unknown')
  }

  /**
   * Counts that at least so many micro-neurons were used in the day that ends then, as a Unix time in milliseconds.
   * @throws RedisUnavailable; it may be done again
   */
  async raise (key: LimitedKey, microNeurons: number, resetsAt: number): Promise<void> {
    await this.#run(RAISE, key, [toAmount(Math.round(microNeurons)), resetsAt])
  }

  /** Says that this process is there, renews what it holds, looks at budgets, and counts what is not counted yet. */
  async beat (): Promise<void> {
    // Leases end when nobody renews them in time, so that waits for nothing else.
    this.#renewing ??= this.#whileUp(() => this.#renew()).finally(() => { this.#renewing = undefined })
    this.#catchingUp ??= this.#whileUp(() => this.#catchUp()).finally(() => { this.#catchingUp = undefined })
    await Promise.all([this.#renewing, this.#catchingUp])
  }

  /** What is being settled is settled; what is still in progress ends with its leases. */
  async close (): Promise<void> {
    clearInterval(this.#timer)
    this.#removeListener()
    await Promise.all([...this.#settling, this.#renewing, this.#catchingUp])
    await this.#whileUp(() => this.#flush())
  }

  async #whileUp (act: () => Promise<void>): Promise<void> {
    if (!this.#redis.isUp) return
    try {
      await act()
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error
    }
  }

  async #renew (): Promise<void> {
    await this.#whileUp(async () => {
      const present = await this.#redis.script(PRESENT, [this.#redis.key('replicas', this.#group)], [this.#givenNow(), this.#name])
      this.#away.replicas = Math.max(1, Number(present) || 1)
    })
    const keys = [...this.#leases.values()]
    for (let start = 0; start < keys.length; start += MAX_RENEWALS) {
      // One that fails keeps none behind it from being renewed.
      await this.#whileUp(() => this.#renewSome(keys.slice(start, start + MAX_RENEWALS).map(leases => [...leases])))
    }
  }

  async #renewSome (keys: readonly Lease[][]): Promise<void> {
    await this.#runAll(RENEW, keys.flatMap<Call>(leases => {
      const [first] = leases
      return first === undefined ? [] : [[first.key, leases.flatMap(({ id, tokens, day, month }) => [id, tokens, day, month])]]
    }))
    for (const { alone } of keys.flat()) if (alone !== undefined) alone.isHeld = true
  }

  async #catchUp (): Promise<void> {
    await this.#runAll(READ, Array.from({ length: Math.min(MAX_LOOKS, this.#keys.length) }, () => {
      return [this.#keys[this.#looked++ % this.#keys.length] as LimitedKey, []]
    }))
    await this.#flush()
  }

  async #flush (): Promise<void> {
    await this.#unsettled.flush(settlements => this.#runAll(SETTLE, settlements.map(one => [one.key, toArguments(one, true)])), this.#now())
  }

  #reserveAlone (key: LimitedKey, demand: Demand, id: string, mayBeKnown: boolean): Reservation | Refusal {
    const now = this.#now()
    const outcome = this.#away.reserve(key, demand, now, this.#ownOf(key, now))
    const standing = outcome.state.standing(now)
    if ('facts' in outcome) return { kind: 'refused', facts: outcome.facts, standing }
    const { state, held: { tokens } } = outcome
    return this.#reserved({ key, id, tokens, ...toHeld(key, demand.microNeurons), alone: { state, mayBeKnown, isHeld: false } }, standing)
  }

  #ownOf (key: LimitedKey, now: number): Own {
    const own = { running: 0, ...this.#unsettled.ofKey(key, now) }
    for (const { day, month, alone } of this.#leases.get(key.id) ?? []) {
      own.running++
      if (alone === undefined) continue
      if (!alone.mayBeKnown) own.requests++
      if (alone.isHeld) continue
      own.day += day
      own.month += month
    }
    return own
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
        alone?.state.settle({ tokens, day: 0, month: 0 }, spent, this.#now())
        const used = toAmount(Math.round(spent.microNeurons))
        const known = alone === undefined ? 'known' : alone.mayBeKnown || alone.isHeld ? 'maybe' : 'unknown'
        const requests = alone === undefined || alone.mayBeKnown ? 0 : 1
        const held = alone === undefined || alone.isHeld ? { day, month } : NO_NEURONS
        await this.#settle({ key, id, tokens: toAmount(spent.tokens), day: used, month: used, held, requests, isDoubtful: false }, known)
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
      await this.#run(SETTLE, settlement.key, toArguments(settlement, isRemembered))
    } catch (error) {
      if (!(error instanceof RedisUnavailable)) throw error
      const isAlone = lease === 'unknown' && !error.wasSent
      this.#unsettled.add({ ...settlement, isDoubtful: error.wasSent && !isRemembered }, !isAlone, this.#now())
    }
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
    const answer = toAnswer(await this.#redis.script(script, this.#keysOf(key), [...this.#argumentsOf(key), ...args]))
    this.#away.see(key, answer.use, this.#now())
    return answer
  }

  /** For several keys in one round trip, after the first of which Redis knows the script. */
  async #runAll ({ lua }: RedisScript, calls: readonly Call[]): Promise<void> {
    if (calls.length === 0) return
    const digest = hash('sha1', lua, 'hex')
    const answers = await this.#redis.pipeline(calls.map(([key, args], index) => {
      const script: RedisArgument[] = index === 0 ? ['EVAL', lua] : ['EVALSHA', digest]
      return [...script, 2, ...this.#keysOf(key), ...this.#argumentsOf(key), ...args] as RedisCommand
    }))
    calls.forEach(([key], index) => this.#away.see(key, toAnswer(answers[index]).use, this.#now()))
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

const NO_NEURONS = { day: 0, month: 0 }

/** What is held of budgets, where there are any. */
function toHeld ({ limits: { neurons_per_day: day, neurons_per_month: month } }: LimitedKey, microNeurons: number): typeof NO_NEURONS {
  return { day: day === undefined ? 0 : microNeurons, month: month === undefined ? 0 : microNeurons }
}

/** Of a key that is only kept to some models. */
const UNLIMITED: Reservation = { kind: 'reserved', tokens: 0, standing: {}, settle: (_spent: Spent) => {} }

function isCounted ({ limits: { models, ...counted } }: LimitedKey): boolean {
  return Object.keys(counted).length > 0
}

/** Names of keys have few characters; what has others, or is long, is known by its digest. */
function toKeyName (id: string): string {
  return /^[\w.-]{1,64}$/.test(id) ? id : `#${hash('sha256', id, 'base64url')}`
}

/** Of SETTLE. @param isRemembered because it may be sent again */
function toArguments ({ id, tokens, day, month, requests, isDoubtful }: Settlement, isRemembered: boolean): RedisArgument[] {
  return [id, tokens, day, month, requests, Number(isDoubtful), Number(isRemembered)]
}

/** @throws RedisUnavailable for what is no answer of a script of these */
function toAnswer (numbers: unknown): Answer {
  if (!isNumbers(numbers)) throw new RedisUnavailable('answer', true)
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

function isNumbers (answer: unknown): answer is number[] {
  return Array.isArray(answer) && answer.every(Number.isFinite)
}

/** Of one request: a number beyond it is a mistake, and sums of it are still whole numbers. */
const MAX_AMOUNT = 1e15

function toAmount (amount: number): number {
  return amount > 0 ? Math.min(MAX_AMOUNT, amount) : 0
}

/** For a request that Redis refuses, by numbers that KeyState would not refuse by. */
function toUnclear ({ limits: { models, ...counted } }: LimitedKey): LimitFacts {
  const [limit = 'rpm'] = Object.keys(counted) as Array<keyof typeof counted>
  return { limit, isUnavailable: true, retryAfterMs: RETRY_MS }
}
