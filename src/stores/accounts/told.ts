import type { AccountStates, OutReason, Rest } from './account-states.ts'
import type { MemoryAccountStates } from './memory.ts'

/** What one process tells the others of accounts. It is JSON. */
export type AccountNews =
  | { rest: Rest }
  | { ended: readonly Rest[] }
  /** No probe of an account before this moment: Unix time in milliseconds. */
  | { account: string, nextProbeMs: number }

/** The states of accounts in one of several processes that tell each other of them. Failures in a row are each process's own. */
export class ToldAccountStates implements AccountStates {
  readonly #own: MemoryAccountStates
  readonly #tell: (news: AccountNews) => void

  constructor (own: MemoryAccountStates, tell: (news: AccountNews) => void) {
    this.#own = own
    this.#tell = tell
  }

  rests (account: string): readonly Rest[] {
    return this.#own.rests(account)
  }

  rest (rest: Rest): void {
    this.#own.rest(rest)
    if (rest.reason !== 'failing') this.#tell({ rest })
  }

  end (rests: readonly Rest[]): void {
    this.#own.end(rests)
    this.#tell({ ended: rests })
  }

  takeProbe (account: string, reason: OutReason): boolean {
    const isTaken = this.#own.takeProbe(account, reason)
    if (isTaken) this.#tell({ account, nextProbeMs: this.#own.nextProbeMs(account) })
    return isTaken
  }

  nextProbeMs (account: string): number {
    return this.#own.nextProbeMs(account)
  }

  /** Takes over what another process tells. */
  hear (news: AccountNews): void {
    if ('rest' in news) this.#own.rest(news.rest)
    else if ('ended' in news) this.#own.end(news.ended)
    else this.#own.probeLater(news.account, news.nextProbeMs)
  }
}
