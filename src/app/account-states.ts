import type { AccountStates } from '../stores/accounts/account-states.ts'
import { MemoryAccountStates } from '../stores/accounts/memory.ts'
import { ToldAccountStates, type AccountNews } from '../stores/accounts/told.ts'
import type { PrimaryLink, WorkerLinks } from '../telemetry/primary-link.ts'

const TOPIC = 'accounts'

/** What keeps accounts from being asked. One of several processes tells the others of it. */
export function toAccountStates (link: PrimaryLink | undefined): AccountStates {
  const own = new MemoryAccountStates(Date.now)
  if (link === undefined) return own
  const states = new ToldAccountStates(own, news => link.tell(TOPIC, news))
  link.hear(TOPIC, news => states.hear(news as AccountNews))
  return states
}

/** Passes on in the primary what its workers tell of accounts. */
export function relayAccountStates (links: WorkerLinks): void {
  links.hear(TOPIC, news => links.tell(TOPIC, news))
}
