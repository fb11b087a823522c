import { mayAnybodySeeAll } from '../http/access/figures.ts'
import type { Models } from '../inference/models.ts'
import type { Settings } from '../settings/schema.ts'
import { EventFeed } from '../telemetry/events/event-feed.ts'
import { RECENT_EVENTS } from '../telemetry/events/recent-events.ts'
import type { PrimaryLink } from '../telemetry/primary-link.ts'
import { toBill } from '../workers-ai/models/price.ts'

interface EventParts {
  models: Models
  link: PrimaryLink | undefined
}

/** What tells of requests as they end; undefined where nobody may listen. The latest ones are kept for the page. */
export function toEventFeed (settings: Settings, { models, link }: EventParts): EventFeed | undefined {
  if (settings.apiKeys.length === 0 && !mayAnybodySeeAll(settings)) return undefined
  return new EventFeed({
    toBill: call => toBill(models.byId(call.model), call),
    now: Date.now,
    keep: settings.page ? RECENT_EVENTS : 0,
    link
  })
}
