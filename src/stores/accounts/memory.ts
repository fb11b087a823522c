import { isOut, PROBE_MS, toRestKey, type AccountStates, type OutReason, type Rest } from './account-states.ts'

/** Rests of one account that are kept: models are named by clients. */
const MAX_RESTS = 1_000

const NONE: readonly Rest[] = []

/** The states of accounts as one process knows them. */
export class MemoryAccountStates implements AccountStates {
  readonly #now: () => number
  readonly #rests = new Map<string, Map<string, Rest>>()
  readonly #probes = new Map<string, number>()

  /** @param now Unix time in milliseconds */
  constructor (now: () => number) {
    this.#now = now
  }

  rests (account: string): readonly Rest[] {
    const rests = this.#rests.get(account)
    if (rests === undefined || rests.size === 0) return NONE
    const now = this.#now()
    for (const [key, { untilMs }] of rests) if (untilMs <= now) rests.delete(key)
    return [...rests.values()]
  }

  rest (rest: Rest): void {
    const { account, reason, sinceMs, untilMs } = rest
    const now = this.#now()
    const rests = this.#rests.get(account) ?? new Map<string, Rest>()
    this.#rests.set(account, rests)
    const key = toRestKey(rest)
    const known = rests.get(key)
    const isNew = known === undefined || known.untilMs <= now
    if (isNew && rests.size >= MAX_RESTS) rests.delete(soonestOf(rests))
    rests.set(key, isNew ? rest : { ...rest, sinceMs: Math.max(known.sinceMs, sinceMs), untilMs: Math.max(known.untilMs, untilMs) })
    if (isNew && isOut(reason)) this.probeLater(account, now + PROBE_MS[reason])
  }

  end (rests: readonly Rest[]): void {
    for (const rest of rests) this.#rests.get(rest.account)?.delete(toRestKey(rest))
  }

  takeProbe (account: string, reason: OutReason): boolean {
    const now = this.#now()
    if (this.nextProbeMs(account) > now) return false
    this.probeLater(account, now + PROBE_MS[reason])
    return true
  }

  nextProbeMs (account: string): number {
    return this.#probes.get(account) ?? 0
  }

  /** No probe before this moment. @param ms Unix time in milliseconds */
  probeLater (account: string, ms: number): void {
    this.#probes.set(account, ms)
  }
}

function soonestOf (rests: ReadonlyMap<string, Rest>): string {
  let soonest = ''
  let soonestMs = Infinity
  for (const [key, { untilMs }] of rests) {
    if (untilMs >= soonestMs) continue
    soonest = key
    soonestMs = untilMs
  }
  return soonest
}
