import { AggregatorRegistry, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { GaugeFamily, HistogramFamily } from './family.ts'

/** Gauges that prom-client names as if they were counters; `promtool check metrics` complains of them. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** One family of a process, in prom-client's form, which is JSON. */
interface Family {
  name: string
  type: string
  /** How those of several processes become one. */
  aggregator: string
  values: Array<{ value: number }>
}

/** One of ours. */
export type MoreFamily = GaugeFamily | HistogramFamily

/** The families of one process. */
export type ProcessMetrics = readonly Family[]

/** Figures of this process: memory, CPU, event loop, and the answers that are under way. */
export class ProcessFamilies {
  readonly #registry = new Registry()

  /**
   * @param countOpenAnswers undefined where this process answers nobody
   * @param more that this process has
   */
  constructor (countOpenAnswers?: () => number, more: readonly MoreFamily[] = []) {
    collectDefaultMetrics({ register: this.#registry })
    for (const name of MISNAMED) this.#registry.removeSingleMetric(name)
    // A registry asks its families for nothing but what ours have, too; its type says so of prom-client's own alone.
    for (const family of more) this.#registry.registerMetric(family as unknown as Gauge)
    if (countOpenAnswers === undefined) return
    const gauge = new Gauge({
      name: 'workers_ai_proxy_open_answers',
      help: 'Answers that are under way.',
      registers: [],
      collect () { this.set(countOpenAnswers()) }
    })
    this.#registry.registerMetric(gauge)
  }

  async read (): Promise<ProcessMetrics> {
    const families = await this.#registry.getMetricsAsJSON() as unknown as Family[]
    return families.map(family => ({
      ...family,
      // Several processes have begun when the first of them has.
      aggregator: family.aggregator === 'omit' ? 'min' : family.aggregator,
      // The event loop has no mean before its first turn; neither JSON nor prom-client can write that it is no number.
      values: family.values.map(one => ({ ...one, value: Number.isNaN(one.value) ? 0 : one.value }))
    }))
  }
}

/** What only grows, of processes that have ended: without it, sums over all processes would fall. */
export async function toLasting (processes: readonly ProcessMetrics[]): Promise<ProcessMetrics> {
  const sum = await aggregated(processes).getMetricsAsJSON() as unknown as Family[]
  return sum.filter(({ type }) => type === 'counter' || type === 'histogram')
}

/** The text of the families of several processes together, in the format 0.0.4: memory is added up, delays are not. */
export async function toText (processes: readonly ProcessMetrics[]): Promise<string> {
  return await aggregated(processes).metrics()
}

function aggregated (processes: readonly ProcessMetrics[]): Registry {
  return AggregatorRegistry.aggregate(processes as unknown as object[])
}
