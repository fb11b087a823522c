import type { WorkerLinks } from '../primary-link.ts'
import type { Figures } from './figures.ts'
import type { GatheredMetrics } from './gathered-metrics.ts'
import { TOPICS } from './metrics.ts'
import type { ProcessMetrics } from './process-metrics.ts'

/** Adds up in the primary what all its workers count. What counts is loaded with the first message. */
export class PrimaryMetrics {
  readonly #links: WorkerLinks
  readonly #onError: (error: unknown) => void
  #gathered: Promise<GatheredMetrics> | undefined

  /** @param onError gets what counting failed with: figures must not end the primary */
  constructor (links: WorkerLinks, onError: (error: unknown) => void) {
    this.#links = links
    this.#onError = onError
    links.hear(TOPICS.figures, figures => { this.#load().then(gathered => gathered.add(figures as Figures[])).catch(onError) })
    links.answer(TOPICS.text, async () => (await this.#load()).text())
  }

  /** Keeps what a worker has counted that has ended. */
  async forget (id: number): Promise<void> {
    try {
      await (await this.#gathered)?.forget(id)
    } catch (error) {
      this.#onError(error)
    }
  }

  #load (): Promise<GatheredMetrics> {
    this.#gathered ??= import('./gathered-metrics.ts').then(({ GatheredMetrics }) =>
      new GatheredMetrics(async () => await this.#links.askAll(TOPICS.process) as Map<number, ProcessMetrics>))
    return this.#gathered
  }
}
