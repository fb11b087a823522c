import type { Booking, Ledger, Row, Rows } from '../stores/ledger/ledger.ts'
import { MemoryLedger } from '../stores/ledger/memory.ts'
import type { EndedRequest } from '../telemetry/ended-requests.ts'
import type { PrimaryLink, WorkerLinks } from '../telemetry/primary-link.ts'
import type { FreeNeuronsFacts } from './free-allocation.ts'
import type { FreeAllocations } from './free-allocations.ts'
import type { BookingListener } from './ledger-reader.ts'

/** What workers tell the primary, and ask it. */
const TOPICS = { booked: 'usage booked', refused: 'free neurons refused', rows: 'usage rows', facts: 'free neurons' }

/** Whose free neurons Cloudflare says are used up. */
interface Refused {
  account: string
}

interface Days {
  first: string
  last: string
}

/** An array takes nothing but its elements along. */
interface RowsMessage {
  rows: Row[]
  isPartial?: true | undefined
}

/** The ledger of one of several processes: the primary keeps it for all. What is added goes there at the end of each tick. */
export class LinkedLedger implements Ledger {
  readonly #link: PrimaryLink
  readonly #untold: MemoryLedger
  #isDue = false

  /** @param now Unix time in milliseconds */
  constructor (link: PrimaryLink, now: () => number) {
    this.#link = link
    this.#untold = new MemoryLedger(now)
  }

  add (bookings: readonly Booking[]): void {
    this.#untold.add(bookings)
    if (this.#isDue) return
    this.#isDue = true
    setImmediate(() => this.#tell())
  }

  async read (first: string, last: string): Promise<Rows> {
    this.#tell()
    const { rows, isPartial } = await this.#link.ask(TOPICS.rows, { first, last } satisfies Days) as RowsMessage
    return isPartial ? Object.assign(rows, { isPartial }) : rows
  }

  close (): void {
    this.#tell()
  }

  #tell (): void {
    this.#isDue = false
    const rows = this.#untold.take()
    if (rows.length > 0) this.#link.tell(TOPICS.booked, rows)
  }
}

/** The free neurons as one of several processes knows them. */
export class LinkedAllocation implements BookingListener {
  readonly #link: PrimaryLink
  readonly #allocations: FreeAllocations
  #isAsking = false

  constructor (link: PrimaryLink, allocations: FreeAllocations) {
    this.#link = link
    this.#allocations = allocations
  }

  onBooked (bookings: readonly Booking[], ended: EndedRequest): void {
    this.#allocations.onBooked(bookings, ended)
    for (const { account, isOverQuota } of ended.record.calls ?? []) {
      if (isOverQuota) this.#link.tell(TOPICS.refused, { account } satisfies Refused)
    }
    if (this.#allocations.isGuarded) void this.#learn()
  }

  release ({ record }: EndedRequest): void {
    this.#allocations.release({ record })
  }

  /** What the primary knows of all processes. */
  async facts (): Promise<FreeNeuronsFacts[]> {
    return await this.#link.ask(TOPICS.facts) as FreeNeuronsFacts[]
  }

  async #learn (): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    try {
      this.#allocations.learn(await this.facts())
    } catch {
      // The next request asks again.
    } finally {
      this.#isAsking = false
    }
  }
}

/** Keeps in the primary what its workers use. */
export function keepUsage (links: WorkerLinks, ledger: Ledger, allocations: FreeAllocations): void {
  links.hear(TOPICS.booked, message => {
    const rows = message as Row[]
    ledger.add(rows)
    allocations.count(rows)
  })
  links.hear(TOPICS.refused, message => allocations.of((message as Refused).account)?.noteRefusal())
  links.answer(TOPICS.rows, async question => {
    const { first, last } = question as Days
    const rows = await ledger.read(first, last)
    return { rows, isPartial: rows.isPartial } satisfies RowsMessage
  })
  links.answer(TOPICS.facts, async () => allocations.facts)
}
