import type { Source, Write } from '../../generation/pipeline.ts'

/** The most events that wait for one client, and that are written at once. */
const MAX_WAITING = 500
const MAX_AT_ONCE = 100

/** Events of a stream on their way to one client. One that reads too slowly misses the oldest, and is told how many. */
export class EventQueue {
  #waiting: string[] = []
  #dropped = 0
  #isBusy = false
  #isEnded = false
  #take: Write<string> | undefined
  #resolve = () => {}

  /** Gives the events to a client, until `end` is called or it takes no more. */
  readonly source: Source<string> = write => new Promise(resolve => {
    this.#resolve = resolve
    if (this.#isEnded) return resolve()
    this.#take = write
    this.#write()
  })

  /** @param event the text of one, with the empty line behind it */
  push (event: string): void {
    if (this.#isEnded) return
    if (this.#waiting.push(event) > MAX_WAITING) {
      this.#waiting.shift()
      this.#dropped++
    }
    this.#write()
  }

  /** Nothing more comes; what waits is not sent. */
  end (): void {
    this.#isEnded = true
    this.#waiting = []
    this.#resolve()
  }

  #write (): void {
    while (this.#take !== undefined && !this.#isBusy && !this.#isEnded && this.#waiting.length > 0) {
      const taken = this.#take(this.#next())
      if (taken === 'cancel') return this.end()
      if (taken === undefined) continue
      this.#isBusy = true
      void taken.then(more => {
        this.#isBusy = false
        if (more === 'cancel') return this.end()
        this.#write()
      })
    }
  }

  #next (): string {
    const dropped = this.#dropped === 0 ? '' : `event: dropped\ndata: {"count":${this.#dropped}}\n\n`
    this.#dropped = 0
    return dropped + this.#waiting.splice(0, MAX_AT_ONCE).join('')
  }
}
