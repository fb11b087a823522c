import { asksModel, isFailure, type RequestRecord } from '../server/request-record.ts'

/** One slice of time. */
export interface Bucket {
  /** When it begins: Unix time in milliseconds. */
  startMs: number
  succeeded: number
  failed: number
  inputTokens: number
  outputTokens: number
  neurons: number
  /** Half of the streams had their first token by then; undefined where there were none. In milliseconds. */
  firstTokenMedianMs: number | undefined
  /** 95 of 100 streams had it by then. */
  firstTokenP95Ms: number | undefined
}

export interface Range {
  title: string
  bucketMs: number
  count: number
}

export const RANGES: readonly Range[] = [
  { title: '15 minutes', bucketMs: 15_000, count: 60 },
  { title: '1 hour', bucketMs: 60_000, count: 60 },
  { title: '6 hours', bucketMs: 6 * 60_000, count: 60 }
]

/** @param nowMs the last slice has it; Unix time in milliseconds */
export function toBuckets (records: readonly RequestRecord[], { bucketMs, count }: Pick<Range, 'bucketMs' | 'count'>, nowMs: number): Bucket[] {
  const first = Math.floor(nowMs / bucketMs) - count + 1
  const parts = Array.from({ length: count }, (): RequestRecord[] => [])
  for (const record of records.filter(asksModel)) parts[Math.floor(record.ended_at / bucketMs) - first]?.push(record)
  return parts.map((part, index) => toBucket(part, (first + index) * bucketMs))
}

function toBucket (records: readonly RequestRecord[], startMs: number): Bucket {
  const failed = records.filter(isFailure).length
  const firstTokens = records.flatMap(record => record.stream === true ? record.first_token_ms ?? [] : []).sort((one, other) => one - other)
  return {
    startMs,
    succeeded: records.length - failed,
    failed,
    inputTokens: sumOf(records, 'input_tokens'),
    outputTokens: sumOf(records, 'output_tokens'),
    neurons: sumOf(records, 'neurons'),
    firstTokenMedianMs: quantileOf(firstTokens, 0.5),
    firstTokenP95Ms: quantileOf(firstTokens, 0.95)
  }
}

function sumOf (records: readonly RequestRecord[], name: 'input_tokens' | 'output_tokens' | 'neurons'): number {
  return records.reduce((sum, record) => sum + (record[name] ?? 0), 0)
}

/** The nearest rank of sorted numbers. */
export function quantileOf (sorted: readonly number[], quantile: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * quantile) - 1)]
}

/** The smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is not below the highest value; 1 where all are 0. */
export function toScale (values: readonly number[]): number {
  const highest = Math.max(0, ...values)
  if (highest === 0) return 1
  const power = 10 ** Math.floor(Math.log10(highest))
  const step = [1, 2, 2.5, 5, 10].find(factor => factor * power >= highest) ?? 10
  return Number((step * power).toPrecision(3))
}
