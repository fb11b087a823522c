import { RequestFamilies } from './families.ts'
import type { Figures } from './figures.ts'
import { ProcessFamilies, toLasting, toText, type MoreFamily, type ProcessMetrics } from './process-metrics.ts'

/** What this process counts, or the primary of several for all of them. */
export class GatheredMetrics {
  readonly #requests = new RequestFamilies()
  readonly #process: ProcessFamilies
  readonly #readOthers: () => Promise<Map<number, ProcessMetrics>>
  /** What each of the other processes said last, by its number. */
  #last = new Map<number, ProcessMetrics>()
  /** What lasts of those that have ended, and their numbers. */
  #ended: ProcessMetrics = []
  readonly #endedIds = new Set<number>()

  /**
   * @param readOthers asks every other process; one that does not answer is left out
   * @param countOpenAnswers undefined where this process answers nobody
   * @param more families of this process
   */
  constructor (readOthers: () => Promise<Map<number, ProcessMetrics>>, countOpenAnswers?: () => number, more?: readonly MoreFamily[]) {
    this.#readOthers = readOthers
    this.#process = new ProcessFamilies(countOpenAnswers, more)
  }

  add (figures: readonly Figures[]): void {
    for (const one of figures) this.#requests.add(one)
  }

  /** All families in the text format 0.0.4. */
  async text (): Promise<string> {
    const others = await this.#readOthers()
    for (const [id, metrics] of others) if (!this.#endedIds.has(id)) this.#last.set(id, metrics)
    const processes = [await this.#process.read(), ...this.#last.values(), this.#ended]
    return `${await this.#requests.text()}\n${await toText(processes)}`
  }

  /** Keeps what lasts of a process that has ended. */
  async forget (id: number): Promise<void> {
    this.#endedIds.add(id)
    const last = this.#last.get(id)
    if (last === undefined) return
    this.#last.delete(id)
    this.#ended = await toLasting([this.#ended, last])
  }
}
