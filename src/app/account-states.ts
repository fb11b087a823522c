import type { AccountSettings } from '../settings/schema.ts'
import type { AccountStates } from '../stores/accounts/account-states.ts'
import { MemoryAccountStates } from '../stores/accounts/memory.ts'
import { ToldAccountStates, type AccountNews } from '../stores/accounts/told.ts'
import type { Redis } from '../stores/redis/redis.ts'
import type { PrimaryLink, WorkerLinks } from '../telemetry/primary-link.ts'

interface StatesParts {
  link: PrimaryLink | undefined
  /** Where replicas share what they know. */
  redis: Redis | undefined
}

const TOPIC = 'accounts'

/**
 * What keeps accounts from being asked. Replicas share it in Redis; without one, one of several processes tells the others of it.
 */
export async function toAccountStates (accounts: readonly AccountSettings[], { link, redis }: StatesParts): Promise<AccountStates> {
  const own = new MemoryAccountStates(Date.now)
  if (redis !== undefined) {
    const { RedisAccountStates, toMark } = await import('../stores/accounts/redis.ts')
    const marks = accounts.map(({ name, accountId, apiToken, gateway }) =>
      [name, toMark([accountId, apiToken, gateway?.id, gateway?.token])] as const)
    const states = new RedisAccountStates(redis, own, new Map(marks), Date.now)
    await states.refresh()
    return states
  }
  if (link === undefined) return own
  const states = new ToldAccountStates(own, news => link.tell(TOPIC, news))
  link.hear(TOPIC, news => states.hear(news as AccountNews))
  return states
}

/** Passes on in the primary what its workers tell of accounts. */
export function relayAccountStates (links: WorkerLinks): void {
  links.hear(TOPIC, news => links.tell(TOPIC, news))
}
