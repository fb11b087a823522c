import { toLoggedError } from '../logger.ts'
import type { RequestReader } from '../ended-requests.ts'
import type { PrimaryLink } from '../primary-link.ts'
import { toFigures, type Figures, type FigureSources } from './figures.ts'
import type { GatheredMetrics } from './gathered-metrics.ts'
import type { MoreFamily } from './process-metrics.ts'

/** What workers tell and ask the primary, and it asks them. */
export const TOPICS = { figures: 'metrics.figures', text: 'metrics.text', process: 'metrics.process' } as const

/** How long figures wait to be sent to the primary together, in milliseconds. */
const BATCH_MS = 100

export interface MetricsOptions extends FigureSources {
  /** Answers that are under way in this process. */
  countOpenAnswers: () => number
  /** Further families of this process. */
  more?: readonly MoreFamily[] | undefined
  log: { error: (fields: object, message: string) => void }
  /** Where this is one of several processes: the primary adds up what all of them say. */
  link?: PrimaryLink | undefined
}

export interface Metrics {
  reader: RequestReader
  /** All families in Prometheus' text format 0.0.4. @throws Error when the primary does not answer */
  text: () => Promise<string>
  /** Sends what waits to be sent, before the process ends. */
  flush: () => void
}

/** Prometheus' content type of the text; one format for the life of the process, because prom-client cannot change it. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/** Counts requests that have ended. What counts is loaded with the first of them, or the first scrape, and not at the start. */
export function newMetrics ({ link, ...options }: MetricsOptions): Metrics {
  const count = link === undefined ? here(options) : atPrimary(options, link)
  return {
    reader: {
      name: 'metrics',
      readsCalls: true,
      read: ended => { if (ended.isCounted) count.add(toFigures(ended, options)) }
    },
    text: count.text,
    flush: count.flush
  }
}

interface Count extends Pick<Metrics, 'text' | 'flush'> {
  add: (figures: Figures) => void
}

function here ({ countOpenAnswers, more, log }: MetricsOptions): Count {
  let loaded: GatheredMetrics | undefined
  let loading: Promise<GatheredMetrics> | undefined
  const waiting: Figures[] = []
  const load = () => {
    loading ??= import('./gathered-metrics.ts').then(({ GatheredMetrics }) => {
      loaded = new GatheredMetrics(async () => new Map(), countOpenAnswers, more)
      loaded.add(waiting.splice(0))
      return loaded
    })
    return loading
  }
  return {
    add: figures => {
      if (loaded !== undefined) return loaded.add([figures])
      waiting.push(figures)
      load().catch((error: unknown) => log.error({ err: toLoggedError(error) }, 'cannot load the metrics'))
    },
    text: async () => (await load()).text(),
    flush: () => {}
  }
}

function atPrimary ({ countOpenAnswers, more }: MetricsOptions, link: PrimaryLink): Count {
  let waiting: Figures[] = []
  let families: Promise<{ read: () => Promise<unknown> }> | undefined
  link.answer(TOPICS.process, async () => {
    families ??= import('./process-metrics.ts').then(({ ProcessFamilies }) => new ProcessFamilies(countOpenAnswers, more))
    return (await families).read()
  })
  const send = () => {
    if (waiting.length === 0) return
    link.tell(TOPICS.figures, waiting)
    waiting = []
  }
  return {
    add: figures => {
      if (waiting.push(figures) === 1) setTimeout(send, BATCH_MS)
    },
    text: async () => {
      send()
      return await link.ask(TOPICS.text) as string
    },
    flush: send
  }
}
