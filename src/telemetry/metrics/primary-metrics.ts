import type { WorkerLinks } from '../primary-link.ts'
import type { Figures } from './figures.ts'
import type { GatheredMetrics } from './gathered-metrics.ts'
import { TOPICS } from './metrics.ts'
import type { ProcessMetrics } from './process-metrics.ts'

/** Adds up in the primary what all its workers count. What counts is loaded with the first message. */
export class PrimaryMetrics {
  readonly #links: WorkerLinks
  #gathered: Promise<GatheredMetrics> | undefined

  constructor (links: WorkerLinks) {
    this.#links = links
    links.hear(TOPICS.figures, figures => { void this.#load().then(gathered => gathered.add(figures as Figures[])) })
    links.answer(TOPICS.text, async () => (await this.#load()).text())
  }

  /** Keeps what a worker has counted that has ended. */
  async forget (id: number): Promise<void> {
    await (await this.#gathered)?.forget(id)
  }

  #load (): Promise<GatheredMetrics> {
    this.#gathered ??= import('./gathered-metrics.ts').then(({ GatheredMetrics }) =>
      new GatheredMetrics(async () => await this.#links.askAll(TOPICS.process) as Map<number, ProcessMetrics>))
    return this.#gathered
  }
}
