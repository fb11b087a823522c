import { Type, type Static, type TObject } from '@sinclair/typebox'
import { FORMATS } from './format.ts'

/**
 * The settings of traces, by OpenTelemetry's own names: see its "OpenTelemetry Environment Variable Specification" and "OTLP
 * Exporter". Other programs read the same variables, so most values are judged only where traces are made.
 */
export const TRACES_PROPERTIES = {
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.Optional(Type.String({
    group: 'Traces',
    receives: ['OTEL_EXPORTER_OTLP_TRACES_HEADERS'],
    description: 'Base URL of an OpenTelemetry collector; traces are sent to its /v1/traces.',
    details: 'Without this or the next setting no traces are made, and nothing of OpenTelemetry is loaded. See [running.md](running.md#traces).'
  })),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: Type.Optional(Type.String({
    group: 'Traces',
    receives: ['OTEL_EXPORTER_OTLP_TRACES_HEADERS'],
    description: 'URL that traces are sent to as it is, in place of the base URL.'
  })),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: Type.Optional(Type.String({
    group: 'Traces',
    secret: true,
    aliases: ['OTEL_EXPORTER_OTLP_HEADERS'],
    description: 'Headers of every export: name=value, separated by commas.',
    details: 'Values may be percent-encoded.'
  })),
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: Type.String({
    group: 'Traces',
    aliases: ['OTEL_EXPORTER_OTLP_PROTOCOL'],
    default: 'http/protobuf',
    description: 'How traces are exported: http/protobuf or http/json, not grpc.'
  }),
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: Type.Integer({
    group: 'Traces',
    unit: 'milliseconds',
    minimum: 1,
    maximum: 600_000,
    aliases: ['OTEL_EXPORTER_OTLP_TIMEOUT'],
    default: 10_000,
    description: 'Timeout of an export and its retries, in milliseconds.'
  }),
  OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: Type.String({
    group: 'Traces',
    aliases: ['OTEL_EXPORTER_OTLP_COMPRESSION'],
    default: 'none',
    description: 'Compression of exports: none or gzip.'
  }),
  OTEL_SERVICE_NAME: Type.Optional(Type.String({
    group: 'Traces',
    description: 'Name of this service in traces; workers-ai-proxy without it.'
  })),
  OTEL_RESOURCE_ATTRIBUTES: Type.Optional(Type.String({
    group: 'Traces',
    description: 'Attributes of this service in traces: name=value, separated by commas.',
    details: 'Example: `deployment.environment.name=production,team=search`. Values may be percent-encoded.'
  })),
  OTEL_TRACES_SAMPLER: Type.String({
    group: 'Traces',
    default: 'parentbased_always_on',
    description: 'always_on, always_off or traceidratio, or parentbased_….',
    details: 'Which requests are traced. With `parentbased_` before the name a request with a `traceparent` is traced if that says so.'
  }),
  OTEL_TRACES_SAMPLER_ARG: Type.Optional(Type.String({
    group: 'Traces',
    description: 'Part of the requests that traceidratio traces, from 0 to 1; 1 without it.'
  })),
  OTEL_PROPAGATORS: Type.String({
    group: 'Traces',
    default: 'tracecontext,baggage',
    description: 'tracecontext continues the traces of clients, by traceparent.'
  }),
  OTEL_BSP_SCHEDULE_DELAY: Type.Integer({
    group: 'Traces',
    unit: 'milliseconds',
    minimum: 0,
    maximum: 600_000,
    default: 5_000,
    description: 'Longest delay of a finished span before its export, in milliseconds.'
  }),
  OTEL_BSP_EXPORT_TIMEOUT: Type.Integer({
    group: 'Traces',
    unit: 'milliseconds',
    minimum: 1,
    maximum: 600_000,
    default: 30_000,
    description: 'How long the next export waits for one that does not end, in milliseconds.'
  }),
  OTEL_BSP_MAX_QUEUE_SIZE: Type.Integer({
    group: 'Traces',
    unit: 'spans',
    minimum: 1,
    maximum: 100_000,
    default: 2_048,
    description: 'Most spans that wait for their export; further ones are dropped.'
  }),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: Type.Integer({
    group: 'Traces',
    unit: 'spans',
    minimum: 1,
    maximum: 100_000,
    default: 512,
    description: 'Most spans of one export.'
  }),
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: Type.String({
    group: 'Traces',
    default: 'false',
    description: 'true puts prompts, answers and tools into spans, but no images.',
    details: 'Whoever can read the traces can then read them.'
  }),
  OTEL_TRACES_EXPORTER: Type.String({
    group: 'Traces',
    default: 'otlp',
    description: 'otlp exports traces, none exports no traces.'
  }),
  OTEL_SDK_DISABLED: Type.String({
    group: 'Traces',
    default: 'false',
    description: 'true exports no traces.'
  })
}

type TracesEnvironment = Static<TObject<typeof TRACES_PROPERTIES>>

const SERVICE_NAME = 'workers-ai-proxy'

const SAMPLERS = ['always_on', 'always_off', 'traceidratio'] as const

/** How spans are made and exported. It is JSON. */
export interface TracesSettings {
  /** The whole URL, without credentials, query or fragment. */
  endpoint: string
  protocol: 'http/protobuf' | 'http/json'
  /** May be secrets. */
  headers: Record<string, string>
  timeoutMs: number
  compression: 'none' | 'gzip'
  /** Attributes of this service, with its name. */
  resource: Record<string, string>
  sampler: { name: typeof SAMPLERS[number], ratio: number, isParentBased: boolean }
  /** A `traceparent` that a client sends is continued. */
  continuesTraces: boolean
  batch: { delayMs: number, timeoutMs: number, maxQueueSize: number, maxSize: number }
  /** Prompts and answers are in spans. */
  capturesContent: boolean
}

/** Undefined where no traces are made. All values have passed `findTracesFaults`. */
export function toTracesSettings (environment: TracesEnvironment): TracesSettings | undefined {
  if (!isTracing(environment)) return undefined
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: whole, OTEL_TRACES_SAMPLER: sampler } = environment
  const maxQueueSize = environment.OTEL_BSP_MAX_QUEUE_SIZE
  return {
    endpoint: whole ?? `${base?.replace(/\/+$/, '')}/v1/traces`,
    protocol: environment.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL as TracesSettings['protocol'],
    headers: Object.fromEntries(readPairs(environment.OTEL_EXPORTER_OTLP_TRACES_HEADERS ?? '') ?? []),
    timeoutMs: environment.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,
    compression: environment.OTEL_EXPORTER_OTLP_TRACES_COMPRESSION as TracesSettings['compression'],
    resource: {
      'service.name': SERVICE_NAME,
      ...Object.fromEntries(readPairs(environment.OTEL_RESOURCE_ATTRIBUTES ?? '') ?? []),
      ...(environment.OTEL_SERVICE_NAME !== undefined && { 'service.name': environment.OTEL_SERVICE_NAME })
    },
    sampler: {
      name: toRoot(sampler) as TracesSettings['sampler']['name'],
      ratio: Number(environment.OTEL_TRACES_SAMPLER_ARG ?? 1),
      isParentBased: sampler !== toRoot(sampler)
    },
    continuesTraces: toNames(environment.OTEL_PROPAGATORS).includes('tracecontext'),
    batch: {
      delayMs: environment.OTEL_BSP_SCHEDULE_DELAY,
      timeoutMs: environment.OTEL_BSP_EXPORT_TIMEOUT,
      maxQueueSize,
      maxSize: Math.min(environment.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, maxQueueSize)
    },
    capturesContent: isTrue(environment.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT)
  }
}

/** Whether the settings want traces. */
export function isTracing (environment: TracesEnvironment): boolean {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: whole } = environment
  if (base === undefined && whole === undefined) return false
  return !isTrue(environment.OTEL_SDK_DISABLED) && !toNames(environment.OTEL_TRACES_EXPORTER).includes('none')
}

/** What is wrong with one setting, in words. */
export interface TracesFault {
  name: string
  message: string
  hint: string | undefined
}

/** What is wrong with the settings of traces; nothing where no traces are made. Values may be secrets, and are not told. */
export function findTracesFaults (environment: TracesEnvironment): TracesFault[] {
  if (!isTracing(environment)) return []
  return CHECKS.flatMap(({ name, accepts, expected, hint }) => {
    const value = environment[name]
    if (value === undefined || accepts(value)) return []
    const { aliases } = TRACES_PROPERTIES[name] as { aliases?: string[] }
    const also = aliases === undefined ? '' : ` (or ${aliases.join(', ')})`
    return [{ name, message: `${name}${also} has a value that cannot be used; expected ${expected}`, hint }]
  })
}

interface Check {
  name: keyof typeof TRACES_PROPERTIES & keyof TracesEnvironment
  accepts: (value: string | number) => boolean
  expected: string
  hint?: string
}

const NO_TRACES = 'OTEL_TRACES_EXPORTER=none exports no traces.'

const URL_CHECK: Omit<Check, 'name'> = {
  accepts: value => FORMATS['http-url']?.accepts(String(value)) === true,
  expected: 'an http:// or https:// URL without credentials, query or fragment',
  hint: 'Keys belong into OTEL_EXPORTER_OTLP_HEADERS.'
}

const PAIRS_CHECK: Omit<Check, 'name'> = { accepts: value => readPairs(String(value)) !== undefined, expected: 'name=value, separated by commas' }

const CHECKS: readonly Check[] = [
  { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', ...URL_CHECK },
  { name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', ...URL_CHECK },
  {
    name: 'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
    accepts: value => readPairs(String(value))?.every(([name, text]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\x20-\x7e]*$/.test(text)) === true,
    expected: 'headers as name=value, separated by commas'
  },
  {
    name: 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
    accepts: value => value === 'http/protobuf' || value === 'http/json',
    expected: 'http/protobuf or http/json',
    hint: `grpc is not served; collectors take both at port 4318. ${NO_TRACES}`
  },
  { name: 'OTEL_EXPORTER_OTLP_TRACES_COMPRESSION', accepts: value => value === 'none' || value === 'gzip', expected: 'none or gzip' },
  { name: 'OTEL_RESOURCE_ATTRIBUTES', ...PAIRS_CHECK },
  {
    name: 'OTEL_TRACES_SAMPLER',
    accepts: value => SAMPLERS.some(name => name === toRoot(String(value))),
    expected: `one of ${SAMPLERS.join(', ')}, each also with parentbased_ before it`
  },
  { name: 'OTEL_TRACES_SAMPLER_ARG', accepts: value => value !== '' && Number(value) >= 0 && Number(value) <= 1, expected: 'a number from 0 to 1' },
  { name: 'OTEL_TRACES_EXPORTER', accepts: value => toNames(String(value)).includes('otlp'), expected: 'otlp or none', hint: NO_TRACES },
  { name: 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT', accepts: isBoolean, expected: 'true or false' },
  { name: 'OTEL_SDK_DISABLED', accepts: isBoolean, expected: 'true or false' }
]

function isBoolean (value: string | number): boolean {
  return /^(?:true|false)$/i.test(String(value))
}

export function isTrue (text: string): boolean {
  return text.toLowerCase() === 'true'
}

function toRoot (sampler: string): string {
  return sampler.replace(/^parentbased_/, '')
}

function toNames (list: string): string[] {
  return list.split(',').map(name => name.trim())
}

/** Pairs as `a=1,b=2` with percent-encoded values; undefined when something else is among them. */
function readPairs (text: string): Array<[name: string, value: string]> | undefined {
  const parts = text.split(',').map(part => part.trim()).filter(part => part !== '')
  const pairs = parts.map(part => /^([^=\s]+)\s*=\s*(.*)$/.exec(part))
  if (!pairs.every(pair => pair !== null)) return undefined
  try {
    return pairs.map(([, name = '', value = '']) => [name, decodeURIComponent(value)])
  } catch {
    return undefined
  }
}
