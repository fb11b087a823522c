/**
 * Why an account is not asked, or only after the others: its free neurons are used up (`quota`), or Cloudflare refuses its
 * credentials; there was no capacity or its rate limit was reached (`busy`); it may not run the model (`barred`); it failed
 * several times in a row.
 */
export type RestReason = 'quota' | 'credentials' | 'busy' | 'barred' | 'failing'

/** The reasons for which an account serves nothing at all. */
export type OutReason = Extract<RestReason, 'quota' | 'credentials'>

export interface Rest {
  /** By its name. */
  account: string
  /** The only model it is about; all of them when absent. */
  model?: string | undefined
  reason: RestReason
  /** When it was noted: a call that was made before says nothing about it. Here and below, Unix time in milliseconds. */
  sinceMs: number
  untilMs: number
}

/**
 * What keeps accounts from being asked. It is read at every choice, so it is read from memory; what is written may be shared
 * with other processes, which takes a moment. A store that cannot be reached keeps what this process knows: it never fails a
 * request.
 */
export interface AccountStates {
  /** The rests of an account that are not over, of all its models. */
  rests: (account: string) => readonly Rest[]
  /** Notes a rest. Of two for the same reason the later times count. */
  rest: (rest: Rest) => void
  /** Ends rests of an account: it has served. */
  end: (rests: readonly Rest[]) => void
  /**
   * Whether an account that is out is to be asked again, to see whether it still is; true for one request of one process in each
   * interval (`PROBE_MS`). The first interval begins when it goes out.
   */
  takeProbe: (account: string, reason: OutReason) => boolean | Promise<boolean>
  /** When `takeProbe` may be true next, as far as this process knows: Unix time in milliseconds. */
  nextProbeMs: (account: string) => number
}

/** How long until an account that is out is asked again: its owner may have paid, or made another token. Milliseconds. */
export const PROBE_MS: Record<OutReason, number> = { quota: 15 * 60_000, credentials: 5 * 60_000 }

/** Whether an account that rests for this reason serves nothing at all. */
export function isOut (reason: RestReason): reason is OutReason {
  return reason === 'quota' || reason === 'credentials'
}

/** What a rest goes by among those of its account. */
export function toRestKey ({ reason, model }: Pick<Rest, 'reason' | 'model'>): string {
  return model === undefined ? reason : `${reason} ${model}`
}
