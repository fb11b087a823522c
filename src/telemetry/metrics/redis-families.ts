import { GaugeFamily, HistogramFamily } from './family.ts'

const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25]

/** How this process fares with Redis. */
export class RedisFamilies {
  isUp = (): boolean => false
  isUpForValues = (): boolean => false
  readonly #seconds = new HistogramFamily('workers_ai_proxy_redis_seconds', 'How long Redis took for an answer, or was waited for in vain.', [], BUCKETS)
  readonly #hasValues: boolean

  /** @param hasValues whether there is a second connection, for large values */
  constructor (hasValues = false) {
    this.#hasValues = hasValues
  }

  get all (): Array<GaugeFamily | HistogramFamily> {
    return this.#hasValues ? [...this.#small, this.#values] : this.#small
  }

  readonly #values = new GaugeFamily('workers_ai_proxy_redis_values_up', '1 while stored responses and kept answers can be reached in Redis, over a connection of their own.', () => Number(this.isUpForValues()), 'min')
  readonly #small = [
    new GaugeFamily('workers_ai_proxy_redis_up', '1 while Redis can be asked; 0 while every process goes on by itself.', () => Number(this.isUp()), 'min'),
    this.#seconds
  ]

  /** Hears how long an answer took, in seconds. */
  observe (seconds: number): void {
    this.#seconds.add([], seconds)
  }
}
