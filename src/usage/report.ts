import { addCounts, emptyRow, type Counts, type Row, type Rows } from '../stores/ledger/ledger.ts'
import { MICRO_NEURONS_PER_NEURON } from '../workers-ai/models/price.ts'
import { DEFAULT_ACCOUNT } from '../workers-ai/transport/upstream-call.ts'

/** What was counted, as `GET /usage` shows it. */
interface ReportRow {
  requests: number
  errors: number
  input_tokens: number
  cached_input_tokens: number
  output_tokens: number
  reasoning_tokens: number
  neurons: number
  estimated_neurons: number
  cache_hits: number
}

/** How much of its neurons a key has used; all counts are neurons. */
export interface KeyBudget {
  limit: number
  used: number
  /** Held for answers that are under way. */
  reserved: number
  remaining: number
  /** Unix time in seconds. */
  resets_at: number
}

/**
 * Why an account serves nobody at the moment: its free neurons are used up here, or Cloudflare says so; or, of several accounts,
 * Cloudflare refuses its credentials, and `untilMs` is when it is asked again.
 */
export type OutReason = 'free_allocation' | 'cloudflare' | 'credentials'

/** What is known of an account beside its counts. */
export interface AccountState {
  name: string
  /** Neurons that are free on each UTC day. */
  freeLimit: number
  /** Undefined while it serves. */
  out?: { reason: OutReason, untilMs: number } | undefined
}

export interface UsageReport {
  object: 'usage'
  /** UTC, as an ISO date. */
  date: string
  /** When that day ends: Unix time in seconds. */
  resets_at: number
  /** Only what this process knows: other replicas have more, and what they share cannot be reached at the moment. */
  partial?: true
  totals: ReportRow
  by_key: Array<{ key: string } & ReportRow & { budget?: KeyBudget }>
  by_model: Array<{ model: string } & ReportRow & { unpriced?: true }>
  /** Of several accounts, a key that sees its own use only is shown no more than of one: their sum. */
  by_account: Array<{ account: string } & ReportRow & {
    free_limit: number
    /** Null for a key that sees its own use only. */
    free_remaining: number | null
    out_until: number | null
    out_reason: OutReason | null
  }>
}

export interface ReportInput {
  date: string
  /** The rows of that day, of all keys. */
  rows: Readonly<Rows>
  /** The only key that is shown; all when undefined. */
  key: string | undefined
  /** Keys with a limit, which are listed even when they were not used. */
  budgets: ReadonlyMap<string, KeyBudget | undefined>
  accounts: readonly AccountState[]
}

const DAY_MS = 86_400_000

/** The use of one UTC day. The largest use comes first. */
export function toReport ({ date, rows, key, budgets, accounts }: ReportInput): UsageReport {
  const shown = key === undefined ? rows : rows.filter(row => row.key === key)
  const isOneAccount = key !== undefined && new Set([...accounts.map(({ name }) => name), ...shown.map(({ account }) => account)]).size > 1
  const keys = [...budgets.keys()].filter(name => key === undefined || name === key)
  return {
    object: 'usage',
    date,
    resets_at: (Date.parse(date) + DAY_MS) / 1_000,
    ...(rows.isPartial && { partial: true }),
    totals: toReportRow(sumOf(shown)),
    by_key: sumsBy('key', shown, keys).map(([name, sum]) => {
      const budget = budgets.get(name)
      return { key: name, ...toReportRow(sum), ...(budget && { budget }) }
    }),
    by_model: sumsBy('model', shown).map(([model, sum]) => ({ model, ...toReportRow(sum), ...(sum.unpricedCalls > 0 && { unpriced: true }) })),
    by_account: isOneAccount
      ? [toSumOfAccounts(shown, accounts)]
      : sumsBy('account', shown, accounts.map(({ name }) => name)).map(([account, sum]) => ({
        account,
        ...toReportRow(sum),
        ...toFree(accounts.find(({ name }) => name === account), rows.filter(row => row.account === account), key === undefined)
      }))
  }
}

/** Micro-neurons that count against what is free: also those that are only estimated. */
export function toUsedMicroNeurons (rows: ReadonlyArray<Pick<Counts, 'microNeurons' | 'estimatedMicroNeurons'>>): number {
  return rows.reduce((sum, { microNeurons, estimatedMicroNeurons }) => sum + microNeurons + estimatedMicroNeurons, 0)
}

function toSumOfAccounts (rows: readonly Row[], accounts: readonly AccountState[]): UsageReport['by_account'][number] {
  const freeLimit = accounts.reduce((sum, account) => sum + account.freeLimit, 0)
  return {
    account: DEFAULT_ACCOUNT,
    ...toReportRow(sumOf(rows)),
    free_limit: freeLimit,
    free_remaining: null,
    out_until: null,
    out_reason: null
  }
}

function toFree (account: AccountState | undefined, rows: readonly Row[], isShown: boolean): Pick<UsageReport['by_account'][number], 'free_limit' | 'free_remaining' | 'out_until' | 'out_reason'> {
  const { freeLimit = 0, out } = account ?? {}
  const remaining = out?.reason === 'cloudflare' ? 0 : Math.max(0, Math.round(freeLimit * MICRO_NEURONS_PER_NEURON) - toUsedMicroNeurons(rows)) / MICRO_NEURONS_PER_NEURON
  return {
    free_limit: freeLimit,
    free_remaining: isShown ? remaining : null,
    out_until: out === undefined ? null : Math.floor(out.untilMs / 1_000),
    out_reason: out?.reason ?? null
  }
}

function sumsBy (name: 'key' | 'model' | 'account', rows: readonly Row[], listed: readonly string[] = []): Array<[string, Counts]> {
  const sums = new Map<string, Counts>(listed.map(one => [one, sumOf([])]))
  for (const row of rows) {
    const sum = sums.get(row[name]) ?? sumOf([])
    sums.set(row[name], sum)
    addCounts(sum, row)
  }
  const usedBy = ([, sum]: [string, Counts]) => toUsedMicroNeurons([sum])
  return [...sums].sort((one, other) => usedBy(other) - usedBy(one) || (one[0] < other[0] ? -1 : 1))
}

function sumOf (rows: readonly Row[]): Counts {
  const sum = emptyRow('', { account: '', model: '', key: '' })
  for (const row of rows) addCounts(sum, row)
  return sum
}

function toReportRow (sum: Counts): ReportRow {
  return {
    requests: sum.requests,
    errors: sum.errors,
    input_tokens: sum.inputTokens,
    cached_input_tokens: sum.cachedInputTokens,
    output_tokens: sum.outputTokens,
    reasoning_tokens: sum.reasoningTokens,
    neurons: sum.microNeurons / MICRO_NEURONS_PER_NEURON,
    estimated_neurons: sum.estimatedMicroNeurons / MICRO_NEURONS_PER_NEURON,
    cache_hits: sum.cacheHits
  }
}
