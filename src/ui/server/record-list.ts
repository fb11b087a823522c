import { toIdentity, type RequestRecord } from './request-record.ts'

/** For charts of some hours; the table shows the newest ones of them. */
export const MAX_KEPT = 5_000

/** The newest first. A server that tells its last records again after a reconnect tells nothing twice. */
export class RecordList {
  #records: RequestRecord[] = []
  #known = new Set<string>()

  get records (): readonly RequestRecord[] {
    return this.#records
  }

  add (records: readonly RequestRecord[]): void {
    const news = records.filter(record => !this.#known.has(toIdentity(record)))
    if (news.length === 0) return
    for (const record of news) this.#known.add(toIdentity(record))
    const all = [...news.reverse(), ...this.#records]
    for (const record of all.slice(MAX_KEPT)) this.#known.delete(toIdentity(record))
    this.#records = all.slice(0, MAX_KEPT)
  }

  /** The newest one with that id. */
  find (id: string | undefined): RequestRecord | undefined {
    return id === undefined ? undefined : this.#records.find(record => record.id === id)
  }

  clear (): void {
    this.#records = []
    this.#known.clear()
  }
}
