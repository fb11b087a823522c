/** What a row counts, in the order of the columns. All are whole numbers that only grow. */
export const COUNTS = [
  'requests',
  'errors',
  'inputTokens',
  /** Part of the input. */
  'cachedInputTokens',
  'outputTokens',
  /** Part of the output. */
  'reasoningTokens',
  /** Of calls whose neurons or tokens Cloudflare stated. */
  'microNeurons',
  /** Of calls whose tokens nobody counted: a client that left, a stream that broke. Not part of `microNeurons`. */
  'estimatedMicroNeurons',
  'cacheHits',
  /** Calls of a model without a known price, which count 0 neurons. */
  'unpricedCalls'
] as const

export type Counts = Record<typeof COUNTS[number], number>

/** What counts are called where they are stored: columns of a table, fields of a hash. */
export const STORED_NAMES: Readonly<Record<keyof Counts, string>> = {
  requests: 'requests',
  errors: 'errors',
  inputTokens: 'input_tokens',
  cachedInputTokens: 'cached_input_tokens',
  outputTokens: 'output_tokens',
  reasoningTokens: 'reasoning_tokens',
  microNeurons: 'micro_neurons',
  estimatedMicroNeurons: 'estimated_micro_neurons',
  cacheHits: 'cache_hits',
  unpricedCalls: 'unpriced_calls'
}

/** Whose counts they are. Each is a name from the configuration or from Cloudflare's list, never one that a client made up. */
export interface RowKey {
  account: string
  model: string
  key: string
}

/** What one request, or one call of it, adds to a row; what is absent is 0. */
export interface Booking extends RowKey, Partial<Counts> {}

/** The counts of one UTC day. */
export interface Row extends RowKey, Counts {
  /** As an ISO date. */
  day: string
}

/** Rows that were read. */
export interface Rows extends Array<Row> {
  /** Other processes have more, and cannot be asked at the moment. */
  isPartial?: true
}

/**
 * Adds up what was used, by UTC day, account, model and key: aggregates only, so its size depends on the configuration and not
 * on the number of requests. Rows of days more than 400 days ago are gone.
 */
export interface Ledger {
  /** Adds to rows of the present day. It never throws: what cannot be written now is written later. */
  add: (bookings: readonly Booking[]) => void
  /**
   * The rows of some days.
   * @param first ISO date of the first day
   * @param last ISO date of the last day
   * @returns in the order of their days
   */
  read: (first: string, last: string) => Rows | Promise<Rows>
  /** Writes what is not written yet. */
  close: () => void | Promise<void>
}

/** How many days are kept beside the present one. */
const KEPT_DAYS = 400
const DAY_MS = 86_400_000

/** The UTC day of a moment, as an ISO date. @param ms Unix time in milliseconds */
export function toDay (ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** When the UTC day of a moment ends. @returns Unix time in milliseconds */
export function toEndOfDay (ms: number): number {
  return (Math.floor(ms / DAY_MS) + 1) * DAY_MS
}

/** The first day whose rows are kept. @param ms Unix time in milliseconds */
export function toFirstKeptDay (ms: number): string {
  return toDay(ms - KEPT_DAYS * DAY_MS)
}

/** A row without counts. */
export function emptyRow (day: string, key: RowKey): Row {
  return { day, ...emptyBooking(key) }
}

/** A booking without counts. Written out, because it runs for every request. */
export function emptyBooking ({ account, model, key }: RowKey): RowKey & Counts {
  return {
    account,
    model,
    key,
    requests: 0,
    errors: 0,
    inputTokens: 0,
    cachedInputTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    microNeurons: 0,
    estimatedMicroNeurons: 0,
    cacheHits: 0,
    unpricedCalls: 0
  }
}

/** Adds counts to others. Written out, because it runs for every request and a loop over names takes ten times as long. */
export function addCounts (sum: Counts, counts: Readonly<Partial<Counts>>): void {
  sum.requests += counts.requests ?? 0
  sum.errors += counts.errors ?? 0
  sum.inputTokens += counts.inputTokens ?? 0
  sum.cachedInputTokens += counts.cachedInputTokens ?? 0
  sum.outputTokens += counts.outputTokens ?? 0
  sum.reasoningTokens += counts.reasoningTokens ?? 0
  sum.microNeurons += counts.microNeurons ?? 0
  sum.estimatedMicroNeurons += counts.estimatedMicroNeurons ?? 0
  sum.cacheHits += counts.cacheHits ?? 0
  sum.unpricedCalls += counts.unpricedCalls ?? 0
}
