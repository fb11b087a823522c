import type { FastifyInstance } from 'fastify'
import { invalid, quoted } from '../errors.ts'
import { warnOfPartialUsage } from '../http/replies/partial-usage.ts'
import { toDay, type Ledger } from '../stores/ledger/ledger.ts'
import { toReport, type AccountState, type KeyBudget } from './report.ts'

export interface UsageServices {
  ledger: Pick<Ledger, 'read'>
  /** The accounts there are, as they are now. */
  accounts: () => readonly AccountState[] | Promise<readonly AccountState[]>
  /** Keys with limits, each with its budget where it has one. */
  budgets: () => ReadonlyMap<string, KeyBudget | undefined> | Promise<ReadonlyMap<string, KeyBudget | undefined>>
  /** Unix time in milliseconds. */
  now: () => number
}

/**
 * `GET /usage?date=YYYY-MM-DD`: what was used on a UTC day, by key, model and account; today without a date. The holder of a
 * key sees its own use.
 */
export function usage (app: FastifyInstance, { ledger, accounts, budgets, now }: UsageServices): void {
  app.get<{ Querystring: Record<string, unknown> }>('/usage', { config: { figuresOf: 'own', isScrape: true } }, async ({ query, viewer }, reply) => {
    const today = toDay(now())
    const date = toDate(query, today)
    const rows = await ledger.read(date, date)
    warnOfPartialUsage(reply, rows)
    const known = await accounts()
    return toReport({
      date,
      rows,
      key: viewer?.onlyKey,
      // Budgets and accounts are known as they are now.
      budgets: date === today ? await budgets() : new Map(),
      accounts: date === today ? known : known.map(({ out: _, ...account }) => account)
    })
  })
}

/** @throws InvalidRequestError 400 that names the parameter */
function toDate (query: Readonly<Record<string, unknown>>, today: string): string {
  const unknown = Object.keys(query).find(name => name !== 'date')
  if (unknown !== undefined) throw invalid(quoted(unknown.slice(0, 100)), "the only parameter is 'date'.", 'unknown_parameter')
  const { date = today } = query
  if (typeof date === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(date) && isDay(date)) return date
  throw invalid('date', 'expected one day in UTC, as 2026-03-01.', 'invalid_value')
}

/** `2026-02-30` is none. */
function isDay (date: string): boolean {
  const ms = Date.parse(date)
  return !Number.isNaN(ms) && toDay(ms) === date
}
