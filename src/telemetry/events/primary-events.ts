import type { WorkerLinks } from '../primary-link.ts'
import { TOPICS } from './event-feed.ts'
import { latestOf } from './recent-events.ts'
import type { RequestEvent } from './request-event.ts'

/** Passes on in the primary what workers tell of requests, while somebody listens to one of them. */
export class PrimaryEvents {
  readonly #links: WorkerLinks
  /** Workers with listeners, by their numbers. */
  readonly #listening = new Set<number>()

  constructor (links: WorkerLinks) {
    this.#links = links
    links.hear(TOPICS.listening, (isListening, from) => {
      const wasWanted = this.#listening.size > 0
      if (isListening === true) this.#listening.add(from)
      else this.#listening.delete(from)
      this.#tell(wasWanted, [from])
    })
    links.hear(TOPICS.ended, events => links.tell(TOPICS.ended, events, this.#listening))
    links.answer(TOPICS.recent, async () => latestOf((await links.askAll(TOPICS.recent) as Map<number, RequestEvent[]>).values()))
  }

  /** A worker has ended. */
  forget (id: number): void {
    const wasWanted = this.#listening.size > 0
    this.#listening.delete(id)
    this.#tell(wasWanted, [])
  }

  /** Tells all where that has changed, else those that ask. */
  #tell (wasWanted: boolean, asking: number[]): void {
    const isWanted = this.#listening.size > 0
    if (isWanted === wasWanted) this.#links.tell(TOPICS.wanted, isWanted, asking)
    else this.#links.tell(TOPICS.wanted, isWanted)
  }
}
