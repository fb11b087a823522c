import type { RequestReader } from '../ended-requests.ts'
import type { PrimaryLink } from '../primary-link.ts'
import { EventListener, EventText, type Audience } from './event-listener.ts'
import { RecentEvents } from './recent-events.ts'
import { toRequestEvent, type EventSources, type RequestEvent } from './request-event.ts'

/** What workers tell and ask the primary, and it tells and asks them. */
export const TOPICS = { ended: 'events.ended', listening: 'events.listening', wanted: 'events.wanted', recent: 'events.recent' } as const

/** How long events wait to be sent together, in milliseconds, and how many may. */
const BATCH_MS = 50
const MAX_BATCH = 500

/** The most who listen to one process, and with one key. */
const MAX_LISTENERS = 100
const MAX_LISTENERS_OF_KEY = 20

export interface EventFeedOptions extends EventSources {
  /** How many of the latest events new listeners are told; 0 keeps none. */
  keep: number
  /** Where this is one of several processes: events of all of them are told. */
  link?: PrimaryLink | undefined
}

/** Tells of requests as they end. Nothing is made of a request while nobody listens, but for the latest ones. */
export class EventFeed {
  readonly reader: RequestReader
  readonly #recent: RecentEvents
  readonly #link: PrimaryLink | undefined
  readonly #listeners = new Set<EventListener>()
  /** Somebody listens, in this process or in another one. */
  #isWanted = false
  #isClosed = false
  #batch: RequestEvent[] = []
  #timer: NodeJS.Timeout | undefined

  constructor ({ keep, link, ...sources }: EventFeedOptions) {
    this.#recent = new RecentEvents(keep)
    this.#link = link
    this.reader = {
      name: 'events',
      readsCalls: true,
      read: ended => {
        if (!this.#isWanted && this.#recent.keepsNone) return
        const event = toRequestEvent(ended, sources)
        if (event !== undefined) this.#add(event)
      }
    }
    if (link === undefined) return
    link.hear(TOPICS.wanted, isWanted => { this.#isWanted = isWanted === true })
    link.hear(TOPICS.ended, events => this.#tell(events as RequestEvent[]))
    link.answer(TOPICS.recent, async () => {
      // What waits is among the latest, and has to arrive before them.
      this.#flush()
      return this.#recent.all()
    })
    // It may start when others are listened to already.
    link.tell(TOPICS.listening, false)
  }

  /**
   * Adds a listener, which is told the latest events first.
   * @returns undefined when there are too many
   */
  listen (audience: Audience): EventListener | undefined {
    const ofKey = [...this.#listeners].filter(({ audience: { onlyKey } }) => onlyKey === audience.onlyKey).length
    if (this.#isClosed || this.#listeners.size >= MAX_LISTENERS || ofKey >= MAX_LISTENERS_OF_KEY) return undefined
    // What waits is among the latest events as well.
    this.#flush()
    const listener = new EventListener(audience)
    this.#listeners.add(listener)
    if (this.#link === undefined) {
      this.#isWanted = true
      listener.catchUp(this.#recent.all())
    } else {
      this.#link.tell(TOPICS.listening, true)
      this.#link.ask(TOPICS.recent).then(recent => listener.catchUp(recent as RequestEvent[]), () => listener.catchUp([]))
    }
    return listener
  }

  leave (listener: EventListener): void {
    listener.queue.end()
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return
    if (this.#link === undefined) this.#isWanted = false
    else this.#link.tell(TOPICS.listening, false)
  }

  /** Ends all listeners, and takes no more. */
  close (): void {
    this.#isClosed = true
    this.#flush()
    for (const listener of this.#listeners) this.leave(listener)
  }

  #add (event: RequestEvent): void {
    this.#recent.add(event)
    if (!this.#isWanted) return
    if (this.#batch.push(event) >= MAX_BATCH) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS)
  }

  #flush (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#batch.length === 0) return
    if (this.#link === undefined) this.#tell(this.#batch)
    else this.#link.tell(TOPICS.ended, this.#batch)
    this.#batch = []
  }

  #tell (events: readonly RequestEvent[]): void {
    if (this.#listeners.size === 0) return
    for (const text of events.map(event => new EventText(event))) {
      for (const listener of this.#listeners) listener.tell(text)
    }
  }
}
