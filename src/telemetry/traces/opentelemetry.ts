import { randomUUID } from 'node:crypto'
import type { Agent } from 'node:http'
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type Context, type Span, type TextMapGetter } from '@opentelemetry/api'
import { ExportResultCode, SDK_INFO, W3CTraceContextPropagator, type ExportResult } from '@opentelemetry/core'
import { OTLPExporterBase } from '@opentelemetry/otlp-exporter-base'
import { createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http'
import { JsonTraceSerializer, ProtobufTraceSerializer, TraceExporterMetricsHelper } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOffSampler, AlwaysOnSampler, BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider, type ReadableSpan, type Sampler, type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace'
import type { TracesSettings } from '../../settings/traces.ts'
import type { SpanFacts } from './request-spans.ts'

// Nobody else imports OpenTelemetry: the build makes one file of this one and all it imports, so that it depends on no package.
// None of the parts taken here reads the environment or sets anything global.

/** What becomes of exports. */
export interface ExportListener {
  /** So many spans are lost; @param reason a word or a code, without anything of the collector's answer */
  dropped: (count: number, reason: string) => void
  /** An export has succeeded. */
  exported: () => void
}

export interface SpanWriterOptions {
  settings: TracesSettings
  version: string
  listener: ExportListener
  /** Longest time that closing waits for the last exports, in milliseconds; 2 s when absent. */
  closeMs?: number
}

/** The ids of a span in the form of W3C Trace Context. */
export interface SpanIds {
  traceId: string
  spanId: string
}

/** The spans of one request: its own, and those of its calls. */
export interface RequestSpans {
  server: SpanFacts
  calls: SpanFacts[]
}

const CLOSE_MS = 2_000

/** Most characters of content in spans that wait for their export; beyond it spans go without. */
const MAX_WAITING_CONTENT = 32 * 1024 * 1024

/** Makes spans of what is known of requests that have ended, and exports them in batches. */
export class SpanWriter {
  readonly #provider: TracerProvider
  readonly #tracer: ReturnType<TracerProvider['getTracer']>
  readonly #queue: CountedQueue
  readonly #continuesTraces: boolean
  readonly #closeMs: number
  readonly #propagator = new W3CTraceContextPropagator()

  constructor ({ settings, version, listener, closeMs = CLOSE_MS }: SpanWriterOptions) {
    const { resource, sampler, continuesTraces } = settings
    this.#queue = new CountedQueue(settings, listener)
    this.#continuesTraces = continuesTraces
    this.#closeMs = closeMs
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({
        ...SDK_INFO,
        'service.version': version,
        'service.instance.id': randomUUID(),
        'process.pid': process.pid,
        ...resource
      }),
      sampler: toSampler(sampler),
      spanProcessors: [this.#queue]
    })
    this.#tracer = this.#provider.getTracer('workers-ai-proxy', version)
  }

  /**
   * Writes the spans of a request that has ended.
   * @param headers of the request; its `traceparent` is continued, and a broken one ignored
   * @param toSpans is asked only where the request is sampled
   */
  write ({ name, startMs }: Pick<SpanFacts, 'name' | 'startMs'>, headers: Headers, toSpans: () => RequestSpans): SpanIds {
    const parent = this.#continuesTraces ? this.#propagator.extract(ROOT_CONTEXT, headers, HEADERS) : ROOT_CONTEXT
    const span = this.#tracer.startSpan(name, { kind: SpanKind.SERVER, startTime: startMs }, parent)
    if (span.isRecording()) {
      const { server, calls } = toSpans()
      const context = trace.setSpan(ROOT_CONTEXT, span)
      for (const call of calls) this.#writeCall(call, context)
      this.#end(span, server)
    }
    const { traceId, spanId } = span.spanContext()
    return { traceId, spanId }
  }

  /** Exports what waits, for `closeMs` at most. Never rejects. */
  async close (): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => { timer = setTimeout(resolve, this.#closeMs) })
    await Promise.race([this.#provider.shutdown().catch(() => {}), late])
    clearTimeout(timer)
    this.#queue.giveUp()
  }

  #writeCall (facts: SpanFacts, context: Context): void {
    this.#end(this.#tracer.startSpan(facts.name, { kind: SpanKind.CLIENT, startTime: facts.startMs }, context), facts)
  }

  #end (span: Span, { attributes, content, isError, endMs }: SpanFacts): void {
    span.setAttributes(attributes)
    if (content !== undefined) span.setAttributes(this.#queue.hasRoom(content) ? content : { 'workers_ai_proxy.content_omitted': true })
    if (isError) span.setStatus({ code: SpanStatusCode.ERROR })
    span.end(endMs)
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

const HEADERS: TextMapGetter<Headers> = { keys: headers => Object.keys(headers), get: (headers, name) => headers[name] }

function toSampler ({ name, ratio, isParentBased }: TracesSettings['sampler']): Sampler {
  const root = name === 'always_on' ? new AlwaysOnSampler() : name === 'always_off' ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio)
  return isParentBased ? new ParentBasedSampler({ root }) : root
}

/** OpenTelemetry's batches, with a count of what is lost: of that the library tells nobody. */
class CountedQueue implements SpanProcessor, SpanExporter {
  readonly #batches: BatchSpanProcessor
  readonly #exporter: BoundedExporter
  readonly #listener: ExportListener
  readonly #maxWaiting: number
  #waiting = 0
  #exporting = 0
  #waitingContent = 0

  constructor (settings: TracesSettings, listener: ExportListener) {
    const { batch: { delayMs, timeoutMs, maxQueueSize, maxSize } } = settings
    this.#exporter = new BoundedExporter(settings)
    this.#listener = listener
    this.#maxWaiting = maxQueueSize
    this.#batches = new BatchSpanProcessor({
      exporter: this,
      scheduledDelayMillis: delayMs,
      exportTimeoutMillis: timeoutMs,
      maxQueueSize,
      maxExportBatchSize: maxSize
    })
  }

  /** Whether a span may have this content beside what waits already. */
  hasRoom (content: SpanFacts['attributes']): boolean {
    return this.#waitingContent + toContentLength(content) <= MAX_WAITING_CONTENT
  }

  onStart (): void {}

  onEnd (span: ReadableSpan): void {
    if (this.#waiting >= this.#maxWaiting) return this.#listener.dropped(1, 'queue full')
    this.#waiting++
    this.#waitingContent += toContentLength(span.attributes)
    this.#batches.onEnd(span)
  }

  export (spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#waiting -= spans.length
    this.#exporting += spans.length
    const end = (result: ExportResult) => {
      this.#exporting -= spans.length
      for (const { attributes } of spans) this.#waitingContent -= toContentLength(attributes)
      if (result.code === ExportResultCode.SUCCESS) this.#listener.exported()
      else this.#listener.dropped(spans.length, toReason(result.error))
      done(result)
    }
    try {
      this.#exporter.export(spans, end)
    } catch (error) {
      end({ code: ExportResultCode.FAILED, error: error as Error })
    }
  }

  forceFlush (): Promise<void> {
    return this.#batches.forceFlush()
  }

  /** Called by the provider for the processor, and by the processor for the exporter. */
  async shutdown (): Promise<void> {
    this.shutdown = () => this.#exporter.shutdown()
    await this.#batches.shutdown()
  }

  /** Counts what is lost because nobody waits for it any more. */
  giveUp (): void {
    this.#exporter.cut()
    const lost = this.#waiting + this.#exporting
    if (lost > 0) this.#listener.dropped(lost, 'closing')
  }
}

function toContentLength (attributes: ReadableSpan['attributes']): number {
  let length = 0
  for (const name of CONTENT) {
    const value = attributes[name]
    if (typeof value === 'string') length += value.length
  }
  return length
}

const CONTENT = ['gen_ai.input.messages', 'gen_ai.output.messages', 'gen_ai.tool.definitions']

/** An HTTP status, a code of Node's, or a word. */
function toReason (error: Error | undefined): string {
  if (error === undefined) return 'unknown'
  const { code, message } = error as { code?: unknown, message: string }
  if (typeof code === 'number') return `HTTP ${code}`
  if (typeof code === 'string') return code
  if (/timed out|timeout/i.test(message)) return 'timeout'
  return /retryable status/.test(message) ? 'HTTP 429, 502, 503 or 504' : 'unknown'
}

/**
 * OTLP over HTTP, each connection for one export and for no longer than that may last: a collector that never ends an answer
 * would otherwise hold one export after the other, until the library begins no more.
 */
class BoundedExporter extends OTLPExporterBase<ReadableSpan[]> {
  readonly #open: Set<{ destroy: () => void }>

  constructor ({ endpoint, protocol, headers, timeoutMs, compression, batch }: TracesSettings) {
    const open = new Set<{ destroy: () => void }>()
    const [serializer, contentType, component] = protocol === 'http/json'
      ? [JsonTraceSerializer, 'application/json', 'otlp_http_json_span_exporter'] as const
      : [ProtobufTraceSerializer, 'application/x-protobuf', 'otlp_http_span_exporter'] as const
    super(createOtlpHttpExportDelegate({
      url: endpoint,
      headers: async () => ({ ...headers, 'Content-Type': contentType }),
      timeoutMillis: timeoutMs,
      compression,
      // All batches of a full queue at the end, and some that are late.
      concurrencyLimit: Math.ceil(batch.maxQueueSize / batch.maxSize) + 8,
      agentFactory: scheme => boundedAgent(scheme, timeoutMs, open)
    }, serializer, component, TraceExporterMetricsHelper, undefined))
    this.#open = open
  }

  /** Ends the exports that are under way. */
  cut (): void {
    for (const socket of this.#open) socket.destroy()
  }
}

async function boundedAgent (scheme: string, lifetimeMs: number, open: Set<{ destroy: () => void }>): Promise<Agent> {
  const { Agent } = scheme === 'https:' ? await import('node:https') : await import('node:http')
  const agent = new Agent({ keepAlive: false })
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    const socket = connect(options, callback)
    if (socket == null) return socket
    open.add(socket)
    const timer = setTimeout(() => socket.destroy(), lifetimeMs).unref()
    socket.once('close', () => {
      clearTimeout(timer)
      open.delete(socket)
    })
    return socket
  }
  return agent
}
