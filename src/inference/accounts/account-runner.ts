import { setTimeout as sleep } from 'node:timers/promises'
import { LimitError, UpstreamError } from '../../errors.ts'
import { toAbortSignal } from '../../generation/cancellation.ts'
import type { ModelId } from '../../workers-ai/models/model.ts'
import type { AnswerForm } from '../../workers-ai/models/task.ts'
import { toFacts, type AccountEffect } from '../../workers-ai/transport/error-codes.ts'
import type { RequestBody } from '../../workers-ai/transport/request-body.ts'
import { mayRetry, RetryBudgets, RetryTimeBudget, waitedToRetry, type RetryBudget } from '../../workers-ai/transport/retry.ts'
import type { RunAnswer, Runner, RunOptions, StreamBeginning } from '../../workers-ai/transport/runner.ts'
import type { AccountCall, AccountHealth } from './account-health.ts'
import { ranked, type AccountFacts, type Question } from './choice.ts'

/** One of the accounts, with its own client. */
export interface Account extends AccountFacts {
  runner: Runner & { close: () => Promise<void> }
  hasGateway: boolean
}

/** The free neurons of the accounts. */
export interface AccountNeurons {
  /** Neurons that are left today; 0 or more. */
  remaining: (account: string) => number
  /**
   * Whether anything may be sent to it; false where only what is free may be, and that is used up or held.
   * @param origin the request, as the runs it leads to name it: one that holds something of the account may go on
   */
  mayServe: (account: string, origin: object | undefined) => boolean
  /** Whether it may not serve only because requests in progress hold what is left. */
  isHeld: (account: string) => boolean
  /**
   * Holds what a request may use, until it has ended.
   * @throws LimitError when so much is not left
   */
  hold: (account: string, origin: object | undefined) => void | Promise<void>
  /** When what is free comes anew: Unix time in milliseconds. */
  resetsAtMs: () => number
  /** The refusal of a request for which none of them has any left; it is noted as refused. */
  refuse: (origin: object | undefined) => LimitError
  /** Takes back that a request is noted as refused: what its caller hears is something else. */
  overlook: (origin: object | undefined) => void
}

export interface AccountRunnerOptions {
  accounts: readonly Account[]
  routing: Question['routing']
  health: AccountHealth
  neurons: AccountNeurons
  /** Whether only accounts of the paid plan may run it. */
  isPaidOnly: (model: ModelId) => boolean
  maxRetries: number
  /** Unix time in milliseconds. */
  now: () => number
  /** A number in [0, 1). */
  random: () => number
}

/** What is asked, and of whom it was. */
interface Asked {
  model: ModelId
  options: Pick<RunOptions, 'origin'>
  tried: Set<Account>
}

/** What one run has left. */
interface Turn extends Asked {
  options: RunOptions
  /** The caller's retries by other accounts. */
  budget: RetryBudget
  retryTime: RetryTimeBudget
  retries: number
  startedAt: number
}

/**
 * Several accounts that serve as one. Each run is given to the account that is to have it; where that fails before it answers,
 * `error-codes.ts` says whether another one is asked, and what becomes of it. Each account is asked once for a run.
 */
export class AccountRunner implements Runner {
  readonly #options: AccountRunnerOptions
  readonly #budgets = new RetryBudgets()

  constructor (options: AccountRunnerOptions) {
    this.#options = options
  }

  /**
   * @throws UpstreamError of the last account that was asked, or of the kind 'out' when none may be asked; LimitError of the guard;
   * the reason of the signal
   */
  async run<Form extends AnswerForm> (model: ModelId, body: RequestBody, options: RunOptions<Form>): Promise<RunAnswer<Form>> {
    const turn: Turn = {
      model,
      options,
      tried: new Set(),
      budget: this.#budgets.of(options.caller ?? ''),
      retryTime: options.retryTime ?? new RetryTimeBudget(),
      retries: Math.min(this.#options.maxRetries, options.maxRetries ?? Infinity),
      startedAt: this.#options.now()
    }
    turn.budget.addCall()
    let account = await this.#next(turn, false)
    if (account === undefined) throw this.#out(turn)
    for (;;) {
      const asked = account
      turn.startedAt = this.#options.now()
      if (options.origin !== undefined) options.origin.account = asked.name
      try {
        const answer = await asked.runner.run(model, body, {
          ...options,
          retryTime: turn.retryTime,
          maxRetries: turn.retries,
          isFinal: error => this.#movesOn(turn, error)
        })
        const call = toCall(asked, turn)
        if (answer.form === 'events') return { ...answer, beginning: this.#toBeginning(asked, model, call, options.origin) }
        this.#options.health.served(call)
        return answer
      } catch (error) {
        if (!(error instanceof UpstreamError)) throw error
        account = await this.#afterFailure(asked, turn, error)
      }
    }
  }

  /** Asks one account after the other until one answers; those that are out come last. */
  async getJson (path: string, query?: Record<string, string>): Promise<object> {
    const { accounts, health } = this.#options
    const isOut = ({ name }: Account) => health.outage(name) !== undefined
    let failure: unknown
    for (const { runner } of [...accounts.filter(one => !isOut(one)), ...accounts.filter(isOut)]) {
      try {
        return await runner.getJson(path, query)
      } catch (error) {
        failure = error
        if (!(error instanceof UpstreamError) || toFacts(error).account === undefined) throw error
      }
    }
    throw failure
  }

  async close (): Promise<void> {
    await Promise.all(this.#options.accounts.map(({ runner }) => runner.close()))
  }

  /**
   * The account that is asked in place of one that failed.
   * @throws the error where there is none; LimitError where the guard withholds the others and no other model would do better
   */
  async #afterFailure (asked: Account, turn: Turn, error: UpstreamError): Promise<Account> {
    const effect = toFacts(error).account
    if (effect === undefined) throw error
    this.#note(toCall(asked, turn), error, effect)
    if (effect === 'broken' && !(await this.#mayRepeat(turn, error))) throw error
    const next = await this.#nextAfter(error, turn, effect)
    if (next !== undefined) return next
    throw this.#isEveryOut(turn) ? this.#out(turn, error) : error
  }

  /** Where another model may take over from one that failed, a refusal of the guard elsewhere does not hide the failure. */
  async #nextAfter (error: UpstreamError, turn: Turn, effect: AccountEffect): Promise<Account | undefined> {
    try {
      return await this.#next(turn, effect === 'busy' || effect === 'broken')
    } catch (refusal) {
      if (!(refusal instanceof LimitError) || !toFacts(error).fallback) throw refusal
      this.#options.neurons.overlook(turn.options.origin)
      return undefined
    }
  }

  #note (call: AccountCall, error: UpstreamError, effect: AccountEffect): void {
    // Refused here by a circuit that is open: Cloudflare has said nothing new.
    if (error.attempts > 0) this.#options.health.failed(call, error, effect)
  }

  /** A repetition by another account is a retry as any other, which waits and is counted. */
  async #mayRepeat (turn: Turn, error: UpstreamError): Promise<boolean> {
    const { options: { signal }, budget, retryTime } = turn
    if (!this.#hasOther(turn)) return false
    const mayRepeat = await waitedToRetry(error, error.attempts, this.#options.now() - turn.startedAt, {
      maxRetries: turn.retries,
      signal,
      random: this.#options.random,
      sleep: ms => sleep(ms, undefined, { signal: toAbortSignal(signal) }),
      budget,
      retryTime
    })
    turn.retries -= error.attempts
    return mayRepeat
  }

  /** Whether a failure is not repeated by the same account, because another one that is well is asked instead. */
  #movesOn (turn: Turn, error: UpstreamError): boolean {
    const effect = toFacts(error).account
    // What costs a retry is left to the account's own budget where this one has none.
    if (effect === undefined || (effect === 'broken' && (turn.budget.isEmpty || !mayRetry(error)))) return false
    return this.#hasOther(turn)
  }

  #hasOther ({ model, tried, options: { origin } }: Asked): boolean {
    const { accounts, health, neurons } = this.#options
    return accounts.some(one => !tried.has(one) && health.standing(one.name, model) === 'well' && neurons.mayServe(one.name, origin))
  }

  /**
   * The account that is to be asked, with what it may use held.
   * @param isOnlyWell one that rests does no better
   * @throws LimitError where the guard withholds the last one: the one that ends first; the reason of the signal
   */
  async #next (turn: Turn, isOnlyWell: boolean): Promise<Account | undefined> {
    const { neurons } = this.#options
    const { origin, signal } = turn.options
    let withheld: LimitError | undefined
    for (const account of await this.#candidates(turn, isOnlyWell)) {
      // What is held for a client that has left is held for nobody.
      signal.throwIfAborted()
      turn.tried.add(account)
      try {
        await neurons.hold(account.name, origin)
        return account
      } catch (error) {
        if (!(error instanceof LimitError)) throw error
        if (withheld === undefined || msUntilFree(error) < msUntilFree(withheld)) withheld = error
      }
    }
    if (withheld === undefined) return undefined
    const { isHeld, isUnavailable } = withheld.facts
    if (isHeld || isUnavailable || turn.tried.size === this.#options.accounts.length) throw withheld
    neurons.overlook(origin)
    return undefined
  }

  /** Those that were not asked yet and may be, in their order: one whose turn it is to be probed, the well ones, then the others. */
  async #candidates ({ model, options, tried }: Turn, isOnlyWell: boolean): Promise<Account[]> {
    const { accounts, routing, health, neurons, isPaidOnly, random } = this.#options
    const left = accounts.filter(one => !tried.has(one) && neurons.mayServe(one.name, options.origin))
    const standings = new Map(left.map(one => [one, health.standing(one.name, model)]))
    const order = ranked(left, {
      routing,
      affinity: options.sessionAffinity,
      isPaidOnly: isPaidOnly(model),
      remaining: account => neurons.remaining(account),
      random
    })
    const of = (standing: 'well' | 'resting' | 'barred') => order.filter(one => standings.get(one) === standing)
    const well = of('well')
    if (isOnlyWell) return well
    const candidates = [...well, ...of('resting'), ...of('barred')]
    for (const one of left) {
      if (standings.get(one) === 'out' && await health.takesProbe(one.name)) return [one, ...candidates]
    }
    return candidates
  }

  /** Kept as long as a stream lasts, and so made where nothing of its request is in scope. */
  #toBeginning (asked: Account, model: ModelId, call: AccountCall, origin: RunOptions['origin']): StreamBeginning {
    return {
      served: () => this.#options.health.served(call),
      failed: error => {
        const effect = toFacts(error).account
        if (effect === undefined || effect === 'broken') return false
        this.#note(call, error, effect)
        return this.#hasOther({ model, tried: new Set([asked]), options: { origin } })
      }
    }
  }

  #isEveryOut ({ options: { origin } }: Turn): boolean {
    const { accounts, health, neurons } = this.#options
    return accounts.every(({ name }) => health.outage(name) !== undefined || !neurons.mayServe(name, origin))
  }

  #out ({ options: { origin } }: Turn, cause?: UpstreamError): UpstreamError | LimitError {
    const { accounts, health, neurons, now } = this.#options
    if (accounts.some(({ name }) => health.outage(name) === undefined && neurons.isHeld(name))) return neurons.refuse(origin)
    const returns = accounts.map(({ name }) => health.outage(name)?.untilMs ?? neurons.resetsAtMs())
    const retryAfter = Math.max(1, Math.ceil((Math.min(...returns) - now()) / 1_000))
    const refused = accounts.filter(({ name }) => health.outage(name)?.reason === 'credentials').length
    const why = refused === 0 ? 'their free neurons of the day are used up' : `Cloudflare refuses the credentials of ${refused} of them, and the free neurons of the others are used up`
    const error = new UpstreamError(`No Cloudflare account of this proxy can serve at the moment: ${refused === accounts.length ? 'Cloudflare refuses the credentials of all of them' : why}`, { kind: 'out', retryAfter, cause })
    error.attempts = 0
    return error
  }
}

/** Milliseconds until the same request may pass. */
function msUntilFree ({ facts: { retryAfterMs = Infinity } }: LimitError): number {
  return retryAfterMs
}

function toCall ({ name, hasGateway }: Account, { model, startedAt }: Turn): AccountCall {
  return { account: name, model, atMs: startedAt, hasGateway }
}
