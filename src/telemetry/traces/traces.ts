import type { CallDetail } from '../../inference/request-record.ts'
import type { TracesSettings } from '../../settings/traces.ts'
import type { RequestReader } from '../ended-requests.ts'
import { findPackageRoot } from '../../package-root.ts'
import { ExportReport, type ReportLog } from './export-report.ts'
import { SpanWriter } from './opentelemetry.ts'
import { toCallSpans, toMoments, toServerSpan, toServerSpanName, type SpanSources } from './request-spans.ts'

export interface TracesOptions extends SpanSources {
  settings: TracesSettings
  log: ReportLog
}

export interface Traces {
  /** To be called before whoever wants the ids of a request's trace. */
  reader: RequestReader
  /** Exports what waits, for two seconds at most. Never rejects. */
  close: () => Promise<void>
}

/** Makes spans of each request that has ended, from its record, and exports them. */
export function openTraces ({ settings, log, ...sources }: TracesOptions): Traces {
  const report = new ExportReport(log, () => performance.now())
  const writer = new SpanWriter({ settings, version: findPackageRoot().version, listener: report })
  const { endpoint, protocol, capturesContent } = settings
  log.info({ endpoint, protocol, ...(capturesContent && { content: true }) }, 'traces are exported')
  const detail: CallDetail = capturesContent ? 'content' : 'facts'
  return {
    reader: {
      name: 'traces',
      readsCalls: true,
      detail,
      read: ended => {
        if (!ended.isCounted) return
        const moments = toMoments(ended, performance.now(), Date.now())
        const name = toServerSpanName(ended)
        const { traceId, spanId } = writer.write({ name, startMs: moments.startMs }, ended.request.headers, () => ({
          server: toServerSpan(ended, moments),
          calls: toCallSpans(ended, moments, sources)
        }))
        ended.record.traceId = traceId
        ended.record.spanId = spanId
      }
    },
    close: async () => {
      await writer.close()
      report.end()
    }
  }
}
