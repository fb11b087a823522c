import { hash } from 'node:crypto'

/** What decides between accounts that are well. */
export interface AccountFacts {
  name: string
  plan: 'free' | 'paid'
  /** Its share, beside those of the others; above 0. */
  weight: number
}

export interface Question {
  /** `spread`: conversations stay with one account, the rest goes where most is left. `order`: the first one has everything. */
  routing: 'spread' | 'order'
  /** What keeps the turns of one conversation together. */
  affinity: string | undefined
  /** The model is only for accounts of the paid plan. */
  isPaidOnly: boolean
  /** Free neurons of an account that are left today. */
  remaining: (account: string) => number
  /** A number in [0, 1). */
  random: () => number
}

/** The accounts in the order in which they are to be asked. Where one of them is missing, the order of the others is the same. */
export function ranked<Account extends AccountFacts> (accounts: readonly Account[], question: Question): Account[] {
  const { routing, affinity, isPaidOnly, remaining, random } = question
  const ordered = routing === 'order'
    ? [...accounts]
    : affinity === undefined ? byRemaining(accounts, remaining, random) : byRendezvous(accounts, affinity)
  return isPaidOnly ? [...ordered.filter(({ plan }) => plan === 'paid'), ...ordered.filter(({ plan }) => plan !== 'paid')] : ordered
}

/**
 * Weighted rendezvous hashing: each account draws a number that depends on itself and the conversation alone, so that a conversation
 * moves only when its own account goes.
 */
function byRendezvous<Account extends AccountFacts> (accounts: readonly Account[], affinity: string): Account[] {
  return sorted(accounts, ({ name, weight }) => drawn(toShare(name, affinity), weight))
}

/** Most first; among equals the draw is by weight. */
function byRemaining<Account extends AccountFacts> (accounts: readonly Account[], remaining: Question['remaining'], random: () => number): Account[] {
  const drawnOrder = sorted(accounts, ({ weight }) => drawn(1 - random(), weight))
  return sorted(drawnOrder, ({ name }) => -remaining(name))
}

/** The smallest of such numbers is each account's with a probability that is its share of all weights. @param share in (0, 1] */
function drawn (share: number, weight: number): number {
  return -Math.log(share) / weight
}

/** Evenly distributed in (0, 1]. */
function toShare (name: string, affinity: string): number {
  const digits = hash('sha256', `${name}\0${affinity}`, 'hex').slice(0, 12)
  return (Number.parseInt(digits, 16) + 1) / 2 ** 48
}

function sorted<Account> (accounts: readonly Account[], toNumber: (account: Account) => number): Account[] {
  const numbers = new Map(accounts.map(account => [account, toNumber(account)]))
  return [...accounts].sort((one, other) => (numbers.get(one) ?? 0) - (numbers.get(other) ?? 0))
}
