import { NO_ACCOUNT } from '../../usage/booking.ts'
import type { UsageReport } from '../../usage/report.ts'

type Numbers = Omit<UsageReport['totals'], 'cache_hits'>

const BAR_WIDTH = 30

/** The columns of the tables, with their headings. */
const COLUMNS: ReadonlyArray<[name: keyof Numbers, heading: string]> = [
  ['requests', 'requests'],
  ['errors', 'errors'],
  ['input_tokens', 'input'],
  ['cached_input_tokens', 'cached'],
  ['output_tokens', 'output'],
  ['reasoning_tokens', 'reasoning'],
  ['neurons', 'neurons'],
  ['estimated_neurons', 'estimated']
]

/**
 * A day as text for a person: what is left of the free neurons, and what each key and model used.
 * @param now for the time that is left
 */
export function toUsageText (report: UsageReport, now: Date): string {
  const { date, resets_at: resetsAt, totals, by_key: keys, by_model: models } = report
  const accounts = report.by_account.filter(({ account }) => account !== NO_ACCOUNT)
  const left = resetsAt * 1_000 - now.getTime()
  const time = left > 0 && left <= 86_400_000 ? `; the day ends in ${toDuration(left)}` : ''
  const blocks = [
    `Usage of ${date} (UTC)${time}.\n`,
    accounts.map(account => toBarLine(account, accounts)).join(''),
    toTable('key', [...keys.map(({ key, ...row }) => ({ name: key, row })), { name: 'total', row: totals }]),
    toTable('model', models.map(({ model, unpriced, ...row }) => ({ name: unpriced ? `${model} (price unknown)` : model, row }))),
    keys.flatMap(({ key, budget }) => budget ? [`${key} has ${toNumber(budget.remaining)} of ${toNumber(budget.limit)} neurons left.\n`] : []).join('')
  ]
  return blocks.filter(block => block !== '').join('\n')
}

/** `name  [######....]  60 %  6,000 of 10,000 free neurons left`. */
function toBarLine ({ account, free_limit: limit, free_remaining: left, out_reason: reason }: UsageReport['by_account'][number], accounts: UsageReport['by_account']): string {
  const name = toPlain(account).padEnd(Math.max(...accounts.map(one => one.account.length)))
  const out = OUT[reason ?? 'none']
  if (left === null) return out === '' ? '' : `${name}${out}\n`
  const share = limit > 0 ? Math.min(1, left / limit) : 0
  const filled = Math.round(share * BAR_WIDTH)
  const bar = '#'.repeat(filled).padEnd(BAR_WIDTH, '.')
  return `${name}  [${bar}] ${String(Math.floor(share * 100)).padStart(3)} %  ${toNumber(left)} of ${toNumber(limit)} free neurons left${out}\n`
}

const OUT = {
  none: '',
  free_allocation: '; refused until 00:00 UTC by FREE_NEURONS_GUARD',
  cloudflare: '; Cloudflare says that the account has used them up',
  credentials: '; Cloudflare refuses the credentials of the account'
}

function toTable (heading: string, lines: ReadonlyArray<{ name: string, row: Numbers }>): string {
  if (lines.length === 0) return ''
  const cells = lines.map(({ name, row }) => [toPlain(name), ...COLUMNS.map(([column]) => toNumber(row[column]))])
  const rows = [[heading, ...COLUMNS.map(([, title]) => title)], ...cells]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0))) ?? []
  return rows.map(row => `${row.map((cell, column) => column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)).join('  ')}\n`).join('')
}

/** With commas, and at most two decimals. */
function toNumber (value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 2 })
}

function toDuration (ms: number): string {
  const minutes = Math.ceil(ms / 60_000)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Without control characters, which a terminal would obey. */
function toPlain (text: string): string {
  return text.replace(/\p{Cc}/gu, '?')
}
