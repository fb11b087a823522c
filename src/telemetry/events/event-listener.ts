import { EventQueue } from './event-queue.ts'
import type { RequestEvent } from './request-event.ts'

/** Whose events a listener is told. */
export interface Audience {
  /** The `keyLabel` of the one key; undefined where those of everybody are told. */
  readonly onlyKey: string | undefined
}

/** An event as it is sent; made once for all who are told it, and not before somebody is. */
export class EventText {
  readonly event: RequestEvent
  #whole: string | undefined
  #own: string | undefined

  constructor (event: RequestEvent) {
    this.event = event
  }

  /** For who may see everybody's. */
  get whole (): string {
    this.#whole ??= toText(this.event)
    return this.#whole
  }

  /** For the holder of its key, who need not know by which account it was served. */
  get own (): string {
    this.#own ??= toText(withoutAccount(this.event))
    return this.#own
  }
}

function withoutAccount ({ account, ...event }: RequestEvent): RequestEvent {
  return event
}

function toText (event: RequestEvent): string {
  return `event: request\ndata: ${JSON.stringify(event)}\n\n`
}

/** One who is told of requests as they end. */
export class EventListener {
  readonly audience: Audience
  readonly queue = new EventQueue()
  /** What came before it had caught up; undefined when it has. */
  #early: EventText[] | undefined = []

  constructor (audience: Audience) {
    this.audience = audience
  }

  /** Tells what came before, once; then what has come meanwhile and was not part of it. */
  catchUp (earlier: readonly RequestEvent[]): void {
    const told = new Set(earlier.map(toIdentity))
    const meanwhile = this.#early?.filter(({ event }) => !told.has(toIdentity(event))) ?? []
    this.#early = undefined
    for (const text of [...earlier.map(event => new EventText(event)), ...meanwhile]) this.tell(text)
  }

  tell (text: EventText): void {
    const { onlyKey } = this.audience
    if (onlyKey !== undefined && text.event.key !== onlyKey) return
    if (this.#early !== undefined) this.#early.push(text)
    else this.queue.push(onlyKey === undefined ? text.whole : text.own)
  }
}

/** Clients choose ids, and may choose one twice. */
function toIdentity ({ id, ended_at: endedAt }: RequestEvent): string {
  return `${endedAt} ${id}`
}
