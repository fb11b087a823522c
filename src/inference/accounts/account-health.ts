import type { UpstreamError } from '../../errors.ts'
import { isOut, type AccountStates, type OutReason, type Rest } from '../../stores/accounts/account-states.ts'
import type { AccountEffect } from '../../workers-ai/transport/error-codes.ts'

export interface HealthOptions {
  states: AccountStates
  /** Unix time in milliseconds. */
  now: () => number
  /** A number in [0, 1). */
  random: () => number
  log: HealthLog
}

export interface HealthLog {
  error: (fields: object, message: string) => void
  warn: (fields: object, message: string) => void
  info: (fields: object, message: string) => void
}

/** Whether an account can be asked for a model: it is well, or only where no other is, or not at all. */
export type Standing = 'well' | 'resting' | 'barred' | 'out'

/** One call of an account. */
export interface AccountCall {
  account: string
  model: string
  /** When it was made: Unix time in milliseconds. */
  atMs: number
  /** The calls of the account go through an AI Gateway of its own, whose rate limit is that of all its models. */
  hasGateway: boolean
}

/** All in milliseconds. */
const DAY_MS = 86_400_000
/** Replicas come back one after the other, and Cloudflare's clock is another one. */
const MAX_JITTER_MS = 5_000
const BUSY_MS = { first: 10_000, most: 60_000 }
const BARRED_MS = 3_600_000
const FAILING_MS = 10_000
/** It comes back by a probe that succeeds, and by nothing else. */
const REFUSED_MS = 30 * DAY_MS
const ERROR_INTERVAL_MS = 60_000

const NEVER = { ms: 0, untilMs: 0 }

/** Failures in a row that let an account rest. */
const FAILURES_IN_A_ROW = 3

/** Rows that are kept of what was busy. */
const MAX_ROWS = 1_000

/** What becomes of each account by the outcomes of its calls: Cloudflare's codes mean what `error-codes.ts` says. */
export class AccountHealth {
  readonly #options: HealthOptions
  /** How long the last rest of an account and model was, and when it ended. */
  readonly #busy = new Map<string, { ms: number, untilMs: number }>()
  /** Failures in a row. */
  readonly #failures = new Map<string, number>()
  readonly #toldAt = new Map<string, number>()

  constructor (options: HealthOptions) {
    this.#options = options
  }

  standing (account: string, model: string): Standing {
    let standing: Standing = 'well'
    for (const rest of this.#options.states.rests(account)) {
      if (isOut(rest.reason)) return 'out'
      if (rest.model !== undefined && rest.model !== model) continue
      if (rest.reason === 'barred') standing = 'barred'
      else if (standing === 'well') standing = 'resting'
    }
    return standing
  }

  /** Why it is out, and until when; undefined while it is not. One whose credentials are refused may be asked again at the next probe. */
  outage (account: string): { reason: OutReason, untilMs: number } | undefined {
    const { states } = this.#options
    const outages = states.rests(account).filter(({ reason }) => isOut(reason))
    if (outages.length === 0) return undefined
    const isRefused = outages.some(({ reason }) => reason === 'credentials')
    if (isRefused) return { reason: 'credentials', untilMs: states.nextProbeMs(account) }
    return { reason: 'quota', untilMs: Math.max(...outages.map(({ untilMs }) => untilMs)) }
  }

  /** Whether an account that is out is to be asked by this very request, to see whether it still is. */
  async takesProbe (account: string): Promise<boolean> {
    const { states, now } = this.#options
    const reason = this.outage(account)?.reason
    if (reason === undefined || states.nextProbeMs(account) > now()) return false
    return await states.takeProbe(account, reason)
  }

  /** Notes what a failure means for the account. */
  failed ({ account, model, atMs, hasGateway }: AccountCall, error: UpstreamError, effect: AccountEffect): void {
    const { states, now, random } = this.#options
    const sinceMs = now()
    switch (effect) {
      case 'used-up':
        this.#endRests(account, atMs, ({ reason }) => reason === 'credentials')
        return states.rest({ account, reason: 'quota', sinceMs, untilMs: toMidnight(sinceMs) + Math.round(random() * MAX_JITTER_MS) })
      case 'refused':
        this.#tellRefused(account, error)
        return states.rest({ account, reason: 'credentials', sinceMs, untilMs: sinceMs + REFUSED_MS })
      case 'barred':
        return states.rest({ account, model, reason: 'barred', sinceMs, untilMs: sinceMs + BARRED_MS })
      case 'busy':
        return this.#restBusy(account, hasGateway && error.code === undefined && error.status === 429 ? undefined : model, error)
      case 'broken':
        return this.#countFailure(account)
    }
  }

  /** Notes that an account has begun to answer a call; what it was found to be since the call was made stays. */
  served ({ account, model, atMs }: Pick<AccountCall, 'account' | 'model' | 'atMs'>): void {
    this.#failures.delete(account)
    for (const key of [toKey(account, model), toKey(account, undefined)]) {
      const { ms, untilMs } = this.#busy.get(key) ?? NEVER
      if (untilMs - ms <= atMs) this.#busy.delete(key)
    }
    this.#endRests(account, atMs, rest => rest.model === undefined || rest.model === model)
  }

  /** @param atMs when the call was made that says so */
  #endRests (account: string, atMs: number, isMeant: (rest: Rest) => boolean): void {
    const { states, log } = this.#options
    const rests = states.rests(account).filter(rest => rest.sinceMs <= atMs && isMeant(rest))
    if (rests.length === 0) return
    states.end(rests)
    if (rests.some(({ reason }) => isOut(reason))) log.info({ account }, `the account '${account}' serves again`)
  }

  /** A failure while it rests already says nothing new: all that were under way come back with it. */
  #restBusy (account: string, model: string | undefined, { retryAfter }: UpstreamError): void {
    const { states, now } = this.#options
    const key = toKey(account, model)
    const last = this.#busy.get(key)
    if (last !== undefined && last.untilMs > now()) return
    const isRow = last !== undefined && last.untilMs + BUSY_MS.most > now()
    const ms = Math.min(BUSY_MS.most, retryAfter !== undefined ? retryAfter * 1_000 : isRow ? 2 * last.ms : BUSY_MS.first)
    const sinceMs = now()
    const untilMs = sinceMs + ms
    if (this.#busy.size >= MAX_ROWS) this.#busy.clear()
    this.#busy.set(key, { ms, untilMs })
    states.rest({ account, model, reason: 'busy', sinceMs, untilMs })
  }

  #countFailure (account: string): void {
    const { states, now, log } = this.#options
    const count = (this.#failures.get(account) ?? 0) + 1
    this.#failures.set(account, count % FAILURES_IN_A_ROW)
    if (count < FAILURES_IN_A_ROW) return
    log.warn({ account }, `the account '${account}' has failed ${FAILURES_IN_A_ROW} times in a row, and rests for ${FAILING_MS / 1_000} s`)
    states.rest({ account, reason: 'failing', sinceMs: now(), untilMs: now() + FAILING_MS })
  }

  /** At most once a minute for each account. */
  #tellRefused (account: string, { code, status }: UpstreamError): void {
    const { now, log } = this.#options
    if ((this.#toldAt.get(account) ?? -Infinity) > now() - ERROR_INTERVAL_MS) return
    this.#toldAt.set(account, now())
    log.error({ account, code, status }, `Cloudflare refuses the account '${account}' of CLOUDFLARE_ACCOUNTS: check its id, token and gateway`)
  }
}

function toKey (account: string, model: string | undefined): string {
  return model === undefined ? account : `${account} ${model}`
}

/** When the UTC day ends. */
function toMidnight (ms: number): number {
  return (Math.floor(ms / DAY_MS) + 1) * DAY_MS
}
